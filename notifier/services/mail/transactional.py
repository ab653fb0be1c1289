"""Letters leave: claimed in one short transaction, sent one by one, recorded. Any number of workers may do it."""

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
# Long enough for every letter of a claim to meet a slow provider.
_LEASE = timedelta(minutes=10)
_DEADLINE = timedelta(seconds=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """A letter in words yet to be rendered: what it says, to whom, in which language."""

    message: AccountMessage
    email: str
    name: str
    locale: str
    timezone: str


class Writer(Protocol):
    """Knows what letters say (`services/subscribers/mails.py`)."""

    def write(self, connection: Connection, mail: TransactionalMail) -> Addressed | None:
        """Return what a letter says; None when it has no point any more."""


class TransactionalMailRenderer(Protocol):
    """Words account mail (`rendering.renderer.Renderer`)."""

    def account_mail(self, message: AccountMessage, *, locale: str, timezone: str, name: str) -> MailContent:
        """Render for one addressee."""


def _give_up(mail: TransactionalMail, owner: str, connection: Connection) -> None:
    transactional_mail.finish(connection, mail, owner)


@dataclass(frozen=True)
class SendTransactionalMail:
    """Sends what is due. Sent twice only where a worker died in between: a second confirmation link does no harm."""

    database: Database
    clock: Clock
    writer: Writer
    mails: TransactionalMailRenderer
    route: ProviderFailover
    owner: str
    isolate: Isolate = UNGUARDED
    spread: Callable[[], float] = field(default=random.random)

    def run(self) -> int:
        """Send the letters that are due, at most twenty; returns how many were taken in hand."""
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
                return  # this process was suspended, or slow: somebody else sends it
            addressed = self.writer.write(connection, mail) if self.clock() < mail.expires_at else None
        follows = self._send(mail, addressed) if addressed is not None else GiveUp()
        with self.database.write() as connection:
            if isinstance(follows, GiveUp):
                transactional_mail.finish(connection, mail, self.owner)
            else:
                due = self.clock() + follows.wait
                transactional_mail.put_off(connection, mail, self.owner, due, counts=follows.counts)

    def _send(self, mail: TransactionalMail, addressed: Addressed) -> TryAgain | GiveUp:
        """Hand a letter to a provider; `GiveUp` also means that it is on its way."""
        choice = self.route.choose()
        if isinstance(choice, Backoff):
            return TryAgain(choice.wait, counts=False)
        try:
            receipt = choice.sender.send(self._request(mail, addressed), deadline=self.clock() + _DEADLINE)
        except DeliveryError as error:
            self.route.failed(choice, error)
            follows = after_failure(Channel.EMAIL, mail.attempts, error, spread=self.spread())
            if choice.is_probe and isinstance(follows, TryAgain):
                follows = TryAgain(PROBE_PAUSE, counts=False)  # it was asked for the others' sake too
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
        # No delivery of the ledger: events that bear it are matched by the address alone.
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
        """Let go of the providers' connections."""
        self.route.close()
