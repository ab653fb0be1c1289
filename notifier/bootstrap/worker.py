"""What a worker process has besides: renderer, senders, the webhook engine."""

import os
import secrets
import socket
from collections.abc import Mapping

from notifier.bootstrap.application import Application
from notifier.bootstrap.once import once
from notifier.bootstrap.senders import mail_senders, social_senders
from notifier.channels.base import SocialSender
from notifier.domain.house import Account
from notifier.domain.values import Channel
from notifier.services.attempt import Attempt, BatchAttempt
from notifier.services.attempt_hooks import HookAttempt
from notifier.services.attempt_mail import MailAttempt
from notifier.services.attempt_posts import PostAttempt
from notifier.services.endpoint_health import Health
from notifier.services.outcomes import Record
from notifier.services.route import MailRoute


class WorkerRuntime:
    """The use cases behind the tasks. What one lane needs is built when its first batch comes."""

    def __init__(self, application: Application) -> None:
        """Open nothing yet."""
        self.application = application
        self.owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"

    def announce(self, incident_id: str) -> object:
        """Let every channel say what is due about an incident."""
        return self.application.announce(incident_id)

    def plan(self, notification_id: int) -> object:
        """Plan a notification's audience."""
        return self.application.plan(notification_id)

    def attempt(self, batch_id: int) -> object:
        """Attempt a batch once."""
        return self._attempt(batch_id)

    def close(self) -> None:
        """Let go of connections and loops."""
        self.application.close()

    @once
    def _record(self) -> Record:
        notifier = self.application
        return Record(notifier.database, notifier.clock, notifier.nudge, self.owner)

    @once
    def _attempt(self) -> Attempt:
        notifier = self.application
        channels: Mapping[Channel, BatchAttempt] = {
            # Looked up when a batch comes: a lane's senders are not built for another lane's worker.
            Channel.EMAIL: lambda batch, stored: self._mail(batch, stored),  # noqa: PLW0108
            Channel.WEBHOOK: lambda batch, stored: self._hooks(batch, stored),  # noqa: PLW0108
            Channel.SOCIAL: lambda batch, stored: self._posts(batch, stored),  # noqa: PLW0108
        }
        return Attempt(notifier.database, notifier.clock, notifier.nudge, self.owner, channels)

    @once
    def _mail(self) -> MailAttempt:
        notifier = self.application
        return MailAttempt(
            notifier.database,
            notifier.clock,
            notifier.renderer,
            notifier.links,
            MailRoute(mail_senders(notifier.settings, notifier.clock), notifier.clock),
            self._record,
        )

    @once
    def _hooks(self) -> HookAttempt:
        notifier = self.application
        return HookAttempt(
            notifier.database,
            notifier.clock,
            notifier.renderer,
            notifier.engine,
            notifier.endpoint_secrets,
            Health(),
            self._record,
            notifier.gather,
        )

    @once
    def _posts(self) -> PostAttempt:
        notifier = self.application
        accounts: dict[str, Account] = {}
        senders: dict[str, SocialSender] = {}
        for account, sender in social_senders(notifier.settings, notifier.clock, notifier.sessions):
            accounts[account.name], senders[account.name] = account, sender
        return PostAttempt(notifier.database, notifier.clock, notifier.renderer, accounts, senders, self._record)
