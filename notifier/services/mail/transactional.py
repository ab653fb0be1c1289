"""Send queued transactional mail: claim, send, record. Any number of workers may do it."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Protocol

from notifier.domain.errors import DeliveryError
from notifier.domain.messages.message import MailContent, MailRecipient, MailRequest
from notifier.domain.messages.transactional_mail import TransactionalMail
from notifier.domain.providers.breaker import PROBE_PAUSE
from notifier.domain.providers.retry import GiveUp, TryAgain, after_failure
from notifier.domain.values import Channel
from notifier.observability import get_logger
from notifier.rendering.mail.account_mail import AccountMessage
from notifier.rendering.mail.headers import domain_of, message_id
from notifier.services.isolation import UNGUARDED, Isolate
from notifier.services.mail.failover import Backoff, ProviderFailover
from notifier.services.ports import Clock
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.recipients import transactional_mail

_log = get_logger(__name__)
_AT_ONCE = 20
# Long enough to send every mail of a claim through a slow provider.
_LEASE = timedelta(minutes=10)
_DEADLINE = timedelta(seconds=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """A mail to be rendered: content, recipient, locale and time zone."""

    message: AccountMessage
    email: str
    name: str
    locale: str
    timezone: str


class Writer(Protocol):
    """Writes the content of a mail (`services/subscribers/mails.py`)."""

    def write(self, connection: Connection, mail: TransactionalMail) -> Addressed | None:
        """Return the mail to send; None if it has become pointless."""


class TransactionalMailRenderer(Protocol):
    """Renders transactional mail (implemented by `rendering.renderer.Renderer`)."""

    def account_mail(self, message: AccountMessage, *, locale: str, timezone: str, name: str) -> MailContent:
        """Render for one recipient."""


def _give_up(mail: TransactionalMail, owner: str, connection: Connection) -> None:
    transactional_mail.finish(connection, mail, owner)


@dataclass(frozen=True)
class SendTransactionalMail:
    """Sends due mail. Sends twice only if a worker dies in between: a second link does no harm."""

    database: Database
    clock: Clock
    writer: Writer
    mails: TransactionalMailRenderer
    route: ProviderFailover
    owner: str
    isolate: Isolate = UNGUARDED
    spread: Callable[[], float] = field(default=random.random)

    def run(self) -> int:
        """Send up to twenty due mails; returns how many were claimed."""
        now = self.clock()
        with self.database.write() as connection:
            taken = transactional_mail.claim(connection, owner=self.owner, now=now, lease=_LEASE, limit=_AT_ONCE)
        for mail in taken:
            given_up = partial(_give_up, mail, self.owner)
            self.isolate.run("letter", str(mail.id), partial(self._attempt, mail), given_up)
        return len(taken)

    def _attempt(self, mail: TransactionalMail) -> None:
        with self.database.read() as connection:
            if not transactional_mail.is_held(connection, mail, self.owner):
                return  # this process was suspended or slow: another worker sends it
            addressed = self.writer.write(connection, mail) if self.clock() < mail.expires_at else None
        follows = self._send(mail, addressed) if addressed is not None else GiveUp()
        with self.database.write() as connection:
            if isinstance(follows, GiveUp):
                transactional_mail.finish(connection, mail, self.owner)
            else:
                due = self.clock() + follows.wait
                transactional_mail.put_off(connection, mail, self.owner, due, counts=follows.counts)

    def _send(self, mail: TransactionalMail, addressed: Addressed) -> TryAgain | GiveUp:
        """Hand a mail to a provider; `GiveUp` also means that it was accepted."""
        choice = self.route.choose()
        if isinstance(choice, Backoff):
            return TryAgain(choice.wait, counts=False)
        try:
            receipt = choice.sender.send(self._request(mail, addressed), deadline=self.clock() + _DEADLINE)
        except DeliveryError as error:
            self.route.failed(choice, error)
            follows = after_failure(Channel.EMAIL, mail.attempts, error, spread=self.spread())
            if choice.is_probe and isinstance(follows, TryAgain):
                follows = TryAgain(PROBE_PAUSE, counts=False)  # a probe on behalf of others too
            given_up = isinstance(follows, GiveUp)
            _log.warning(
                "transactional_mail_failed",
                mail_id=mail.id,
                kind=mail.kind.value,
                reason=error.reason.value,
                given_up=given_up,
            )
            return follows
        self.route.worked(choice, receipt.rate)
        return GiveUp()

    def _request(self, mail: TransactionalMail, addressed: Addressed) -> MailRequest:
        content = self.mails.account_mail(
            addressed.message, locale=addressed.locale, timezone=addressed.timezone, name=addressed.name
        )
        # There is no delivery with this id: its provider events are matched by address.
        name = f"ltr_{mail.id}"
        recipient = MailRecipient(
            delivery_id=name,
            address=addressed.email,
            name=addressed.name,
            substitutions={},
            headers={"Message-ID": message_id(name, domain_of(content.sender))},
        )
        return MailRequest(
            content=content,
            recipients=[recipient],
            notification_id=name,
            batch_id=mail.id,
            attempt=mail.attempts,
            categories=("account", f"locale-{content.locale}"),
        )

    def close(self) -> None:
        """Close the providers' connections."""
        self.route.close()
