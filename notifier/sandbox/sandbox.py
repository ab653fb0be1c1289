"""One sandbox: its simulators and their shared state."""

from notifier.sandbox.bluesky.api import BlueskyApi
from notifier.sandbox.config import SandboxConfig
from notifier.sandbox.faults.rules import FaultBook
from notifier.sandbox.hooks.api import HooksApi
from notifier.sandbox.ledger import Ledger
from notifier.sandbox.limits import RollingSecond
from notifier.sandbox.live import Live
from notifier.sandbox.mastodon.api import MastodonApi
from notifier.sandbox.pictures import Pictures
from notifier.sandbox.sendgrid.api import Gate, MailSend
from notifier.sandbox.sendgrid.manage import Management
from notifier.sandbox.sendgrid.poster import EventPoster
from notifier.sandbox.sendgrid.signing import new_signing_key, public_key_of
from notifier.sandbox.sendgrid.store import MailStore
from notifier.sandbox.statuspage.api import StatusPagesApi
from notifier.sandbox.x.api import XApi


class Sandbox:
    """Builds the simulators. Nothing runs or is opened before the application starts."""

    def __init__(self, config: SandboxConfig) -> None:
        self.live = Live(config)
        self.started_at = self.live.now()
        self.faults = FaultBook()
        self.status_pages = StatusPagesApi()
        self.signing_key = config.event_signing_key or new_signing_key()
        self._open()

    def _open(self) -> None:
        self.ledger = Ledger()
        self.poster = EventPoster(self.live, self.signing_key)
        self.mail = MailStore(self.live, self.ledger, self.poster.on_arrival)
        self.poster.suppressions = self.mail.suppressions
        gate = Gate(self.live, RollingSecond())
        self.mail_send = MailSend(self.live, self.mail, gate)
        self.management = Management(self.live, self.mail, gate, public_key_of(self.signing_key))
        self.pictures = Pictures()
        self.x = XApi(self.live, self.ledger, self.pictures)
        self.mastodon = MastodonApi(self.live, self.ledger, self.pictures)
        self.bluesky = BlueskyApi(self.live, self.ledger, self.pictures)
        self.hooks = HooksApi(self.live, self.ledger)

    def forget(self) -> None:
        """Drop everything received; credentials, faults, rules, rates, status pages and registered hooks stay."""
        self.ledger.clear()
        self.mail.forget()
        self.poster.forget()
        self.pictures.clear()
        self.x.forget()
        self.mastodon.forget()
        self.bluesky.forget()
        self.hooks.inboxes.forget()
