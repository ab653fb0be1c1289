"""Sign-up by double opt-in, and change of address by confirmation at the new one.

The caller's answer never depends on the result: the page is the same whether the address is new,
known or over its mail limit. The mail is written to the outbox in the same transaction
(`services/mail/transactional.py` sends it).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from notifier.domain.errors import FieldError, InvalidInputError, NotFoundError
from notifier.domain.ids import new_ulid
from notifier.domain.messages.transactional_mail import MAILS_PER_DAY, NewTransactionalMail, TransactionalKind
from notifier.domain.recipients import consent as proof
from notifier.domain.recipients.audience import Preferences
from notifier.domain.recipients.consent import CONFIRM_WITHIN, ConsentForm
from notifier.domain.recipients.subscriber import LegalBasis, QuietHours, StoredSubscriber, Subscriber, Vocabulary
from notifier.domain.values import Channel, SubscriberKind, SubscriberState
from notifier.inbound.mail_address import mail_address
from notifier.services.ports import Clock, MailTaskQueue
from notifier.services.security.address_hash import AddressHasher
from notifier.services.security.audit import Actor, Subject, record
from notifier.services.security.signed_tokens import Purpose, Tokens
from notifier.services.subscribers.manage import KIND
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import address_change
from notifier.storage.recipients import erasures, preferences, subscribers, suppressions, transactional_mail

MOVED = "subscriber.moved"
NEW_ADDRESS = "new_address"
"""Key of an unconfirmed new address in the proof of consent."""
_DAY = timedelta(days=1)
# Fields of an unconfirmed sign-up that a newer form replaces.
_CHOSEN = ("email", "locale", "timezone", "preference_id", "quiet_from", "quiet_to", "max_per_hour")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A mail in the outbox: kind, recipient, locale, and expiry of its link."""

    kind: TransactionalKind
    subscriber_id: int
    email: str
    locale: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpRequest:
    """The fields of the form. `timezone` None means the default."""

    email: str
    form: ConsentForm
    chosen: Preferences
    timezone: str | None = None
    quiet_hours: QuietHours | None = None
    max_per_hour: int | None = None
    kind: SubscriberKind = SubscriberKind.FOLLOWER


@dataclass(frozen=True)
class SignUps:
    """Everything that takes effect only after a click in a mail."""

    database: Database
    clock: Clock
    vocabulary: Vocabulary
    addresses: AddressHasher
    tokens: Tokens
    tasks: MailTaskQueue

    def ask(self, request: SignUpRequest) -> Invitation | None:
        """Store a pending follower and write a mail that asks for confirmation.

        An active subscriber gets a mail that says so. Returns None if the address is over today's
        mail limit. An unsubscribed person may return this way: the confirmation is their own act.

        Raises:
            InvalidInputError: the address, locale, time zone or a component is invalid.
        """
        now = self.clock()
        wanted = self._wanted(request, now)
        key = self.addresses.of(wanted.email or "")
        with self.database.write() as connection:
            known = subscribers.of_address(connection, key, lock=True)
            active = next((item for item in known if item.subscriber.state is SubscriberState.ACTIVE), None)
            kind = TransactionalKind.SUBSCRIPTION_KNOWN if active else TransactionalKind.SUBSCRIPTION_CONFIRM
            if not self._may_write(connection, self._mail(kind, active.id if active else 0, key)):
                return None
            if active is not None:
                invitation = self._written(connection, self._mail(kind, active.id, key), active.subscriber)
            else:
                subscriber_id = self._pending(connection, known, wanted, key, proof.asked(request.form, now))
                invitation = self._written(connection, self._mail(kind, subscriber_id, key), wanted)
        self.tasks.send_transactional_mail()
        return invitation

    def check(self, request: SignUpRequest) -> None:
        """Validate a sign-up without storing it.

        Raises:
            InvalidInputError: as `ask`.
        """
        self._wanted(request, self.clock())

    def _pending(
        self,
        connection: Connection,
        known: list[StoredSubscriber],
        wanted: Subscriber,
        key: int,
        consent: dict[str, object],
    ) -> int:
        """Reuse the row of an earlier sign-up, or create one; returns its id."""
        before = next((item for item in known if item.legal_basis == LegalBasis.CONSENT), None)
        if before is None:
            return self._first(connection, wanted, key, consent)
        return self._again(connection, before, wanted, consent)

    def _mail(self, kind: TransactionalKind, subject_id: int, key: int) -> NewTransactionalMail:
        ends = self.clock() + CONFIRM_WITHIN
        return NewTransactionalMail(kind=kind, subject_id=subject_id, address_key=key, expires_at=ends)

    def _may_write(self, connection: Connection, mail: NewTransactionalMail) -> bool:
        return transactional_mail.count_since(connection, mail, self.clock() - _DAY) < MAILS_PER_DAY

    def _written(self, connection: Connection, mail: NewTransactionalMail, to: Subscriber) -> Invitation:
        transactional_mail.add(connection, mail, self.clock())
        return Invitation(
            kind=mail.kind,
            subscriber_id=mail.subject_id,
            email=to.email or "",
            locale=to.locale,
            expires_at=mail.expires_at,
        )

    def _wanted(self, request: SignUpRequest, now: datetime) -> Subscriber:
        wanted = Subscriber(
            external_id=f"web-{new_ulid(now)}",
            kind=request.kind,
            email=_address(request.email),
            locale=request.form.locale,
            timezone=request.timezone or self.vocabulary.default_timezone,
            state=SubscriberState.PENDING,
            preferences=replace(request.chosen, channels=request.chosen.channels | {Channel.EMAIL}),
            quiet_hours=request.quiet_hours,
            max_per_hour=request.max_per_hour,
        )
        faults = self.vocabulary.faults(wanted)
        if faults:
            raise InvalidInputError(faults)
        return wanted

    def _first(self, connection: Connection, wanted: Subscriber, key: int, record_of: dict[str, object]) -> int:
        preference_id = preferences.ensure(connection, wanted.preferences)
        row = subscribers.to_row(wanted, preference_id=preference_id, address_key=key)
        now, basis = self.clock(), LegalBasis.CONSENT.value
        ends = now + CONFIRM_WITHIN
        made = subscribers.add(connection, row, legal_basis=basis, now=now, consent=record_of, expires_at=ends)
        assert made is not None  # noqa: S101 - the external id has 80 random bits
        return made

    def _again(
        self, connection: Connection, before: StoredSubscriber, wanted: Subscriber, record_of: dict[str, object]
    ) -> int:
        """Reuse the row of an earlier sign-up; an unsubscribed one stays so until confirmed."""
        now = self.clock()
        values: dict[str, Any] = {"consent": {**(before.consent or {}), **record_of}}
        if before.subscriber.state is SubscriberState.PENDING:
            chosen = subscribers.to_row(
                wanted,
                preference_id=preferences.ensure(connection, wanted.preferences),
                address_key=before.address_key,
            )
            values |= {name: chosen[name] for name in _CHOSEN} | {"expires_at": now + CONFIRM_WITHIN}
        subscribers.change(connection, before.id, values, now)
        return before.id

    def confirm(self, token: str, actor: Actor, *, network: str = "") -> int:
        """Activate the subscriber of a confirmation link; returns the row id. Idempotent.

        Raises:
            TokenError: the link is invalid or has expired.
            NotFoundError: the sign-up expired and was erased.
        """
        now = self.clock()
        claim = self.tokens.read(Purpose.CONFIRM, token, now)
        with self.database.write() as connection:
            stored = _existing(connection, claim.subject)
            if stored.subscriber.state is not SubscriberState.ACTIVE:
                self._activate(connection, stored, actor, network, now)
        return claim.subject

    @staticmethod
    def _activate(connection: Connection, stored: StoredSubscriber, actor: Actor, network: str, now: datetime) -> None:
        if stored.address_key is not None:
            suppressions.remove(connection, stored.address_key, Channel.EMAIL)
            erasures.forget(connection, [stored.address_key])
        values = {
            "state": SubscriberState.ACTIVE.value,
            "legal_basis": LegalBasis.CONSENT.value,
            "consent": proof.confirmed(stored.consent or {}, network, now),
            "expires_at": None,
        }
        subscribers.change(connection, stored.id, values, now)
        subject = Subject(KIND, stored.subscriber.external_id)
        record(connection, actor, "subscriber.confirmed", subject, at=now)

    def ask_address_change(self, subscriber_id: int, email: str) -> Invitation | None:
        """Store a new address and write a mail that asks for confirmation there.

        Returns None if the address or the subscriber is over today's mail limit.

        Raises:
            NotFoundError: there is no such subscriber.
            InvalidInputError: it is not an address.
        """
        address = _address(email)
        key = self.addresses.of(address)
        now = self.clock()
        with self.database.write() as connection:
            stored = _existing(connection, subscriber_id)
            mail = self._mail(TransactionalKind.ADDRESS_CHANGE_CONFIRM, subscriber_id, key)
            if not self._may_write(connection, mail):
                return None
            further = {**(stored.consent or {}), NEW_ADDRESS: address}
            subscribers.change(connection, stored.id, {"consent": further}, now)
            invitation = self._written(connection, mail, replace(stored.subscriber, email=address))
        self.tasks.send_transactional_mail()
        return invitation

    def confirm_address_change(self, token: str, actor: Actor) -> int:
        """Change a subscriber's address to the one that the link was sent to; returns the row id.

        Raises:
            TokenError: the link is invalid or has expired.
            NotFoundError: there is no such subscriber, or another address was requested since.
        """
        now = self.clock()
        claim = self.tokens.read(Purpose.ADDRESS_CHANGE, token, now)
        self.addresses.load()
        with self.database.write() as connection:
            stored = _existing(connection, claim.subject)
            remembered = dict(stored.consent or {})
            address = remembered.pop(NEW_ADDRESS, None)
            if stored.address_key == claim.detail:
                return claim.subject
            if not isinstance(address, str) or self.addresses.of(address) != claim.detail:
                raise NotFoundError("change of address", str(claim.subject))
            suppressions.remove(connection, claim.detail, Channel.EMAIL)  # mail does arrive there
            erasures.forget(connection, [claim.detail])
            values: dict[str, Any] = {
                "email": address,
                "address_key": claim.detail,
                "consent": remembered or None,
            }
            if stored.subscriber.state is SubscriberState.SUPPRESSED:
                values["state"] = SubscriberState.ACTIVE.value
            subscribers.change(connection, stored.id, values, now)
            if stored.address_key is not None:
                address_change.move(connection, stored.id, stored.address_key, claim.detail)
            subject = Subject(KIND, stored.subscriber.external_id)
            record(connection, actor, MOVED, subject, at=now)
        return claim.subject


def _existing(connection: Connection, subscriber_id: int) -> StoredSubscriber:
    stored = subscribers.get_by_id(connection, subscriber_id, lock=True)
    if stored is None:
        raise NotFoundError("subscriber", str(subscriber_id))
    return stored


def _address(email: str) -> str:
    try:
        return mail_address(email)
    except ValueError as error:
        raise InvalidInputError([FieldError("email", str(error))]) from None
