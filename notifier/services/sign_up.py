"""Sign-up by double opt-in, and a change of address confirmed at the new one.

What the caller answers never depends on what is found here: `Invitation` None means that no mail is to be sent, and the
page says the same as ever. The mail itself is the caller's; here are the rows and the rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from notifier.domain import consent as proof
from notifier.domain.audience import Preferences
from notifier.domain.consent import CONFIRM_WITHIN, ConsentForm
from notifier.domain.errors import FieldError, InvalidInputError, NotFoundError
from notifier.domain.ids import new_ulid
from notifier.domain.subscriber import LegalBasis, StoredSubscriber, Subscriber, Vocabulary
from notifier.domain.values import Channel, SubscriberKind, SubscriberState
from notifier.inbound.mail_address import mail_address
from notifier.services.addresses import AddressKeys
from notifier.services.audit import SYSTEM, Actor, Subject, record
from notifier.services.ports import Clock
from notifier.services.subscribers import KIND, erase
from notifier.services.tokens import Purpose, Tokens
from notifier.storage import preferences, subscribers, suppressions
from notifier.storage.engine import Database

_MAILS = "mails"
_NEW_ADDRESS = "new_address"
_FORGET_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A mail to send: to whom, in which language, with a token that is good until `expires_at`."""

    email: str
    locale: str
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpRequest:
    """What somebody filled in. `timezone` None means the house's."""

    email: str
    form: ConsentForm
    chosen: Preferences
    timezone: str | None = None
    kind: SubscriberKind = SubscriberKind.FOLLOWER


@dataclass(frozen=True)
class SignUps:
    """Everything that needs a click in a mail before it counts."""

    database: Database
    clock: Clock
    vocabulary: Vocabulary
    addresses: AddressKeys
    tokens: Tokens

    def ask(self, request: SignUpRequest) -> Invitation | None:
        """Store a pending follower and return the one mail that asks them to confirm.

        None when no mail is to be sent: the address is told already, or got its share of such mails today. Somebody
        who unsubscribed may come back this way: confirming is their own act.

        Raises:
            InvalidInputError: the address, locale, time zone or a component is at fault.
        """
        now = self.clock()
        wanted = self._wanted(request, now)
        key = self.addresses.of(wanted.email or "")
        with self.database.write() as connection:
            known = subscribers.of_address(connection, key, lock=True)
            if any(item.subscriber.state is SubscriberState.ACTIVE for item in known):
                return None
            before = next((item for item in known if item.legal_basis == LegalBasis.CONSENT), None)
            mails = _mails(before)
            if not proof.may_mail(mails, now):
                return None
            record_of = proof.asked(request.form, now) | {_MAILS: [*proof.recent(mails, now), now.isoformat()]}
            if before is None:
                number = self._first(connection, wanted, key, record_of)
            else:
                number = self._again(connection, before, wanted, record_of)
        return self._invitation(Purpose.CONFIRM, number, wanted)

    def _wanted(self, request: SignUpRequest, now: datetime) -> Subscriber:
        wanted = Subscriber(
            external_id=f"web-{new_ulid(now)}",
            kind=request.kind,
            email=_address(request.email),
            locale=request.form.locale,
            timezone=request.timezone or self.vocabulary.default_timezone,
            state=SubscriberState.PENDING,
            preferences=replace(request.chosen, channels=request.chosen.channels | {Channel.EMAIL}),
        )
        faults = self.vocabulary.faults(wanted)
        if faults:
            raise InvalidInputError(faults)
        return wanted

    def _first(self, connection: Connection, wanted: Subscriber, key: int, record_of: dict[str, object]) -> int:
        number = preferences.ensure(connection, wanted.preferences)
        row = subscribers.to_row(wanted, preference_id=number, address_key=key)
        now, basis = self.clock(), LegalBasis.CONSENT.value
        ends = now + CONFIRM_WITHIN
        made = subscribers.add(connection, row, legal_basis=basis, now=now, consent=record_of, expires_at=ends)
        assert made is not None  # noqa: S101 - the name holds 80 random bits
        return made

    def _again(
        self, connection: Connection, before: StoredSubscriber, wanted: Subscriber, record_of: dict[str, object]
    ) -> int:
        """Use the row of an earlier sign-up again; who unsubscribed stays so until they confirm."""
        now = self.clock()
        values: dict[str, Any] = {"consent": {**(before.consent or {}), **record_of}}
        if before.subscriber.state is SubscriberState.PENDING:
            values |= {
                "locale": wanted.locale,
                "timezone": wanted.timezone,
                "preference_id": preferences.ensure(connection, wanted.preferences),
                "expires_at": now + CONFIRM_WITHIN,
            }
        subscribers.change(connection, before.id, values, now)
        return before.id

    def confirm(self, token: str, actor: Actor, *, network: str = "") -> int:
        """Make the bearer of a confirmation link active; returns their number. Confirming twice changes nothing.

        Raises:
            TokenError: the link is not ours or has expired.
            NotFoundError: the sign-up lapsed and was forgotten.
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
        values = {
            "state": SubscriberState.ACTIVE.value,
            "legal_basis": LegalBasis.CONSENT.value,
            "consent": _without_mails(proof.confirmed(stored.consent or {}, network, now)),
            "expires_at": None,
        }
        subscribers.change(connection, stored.id, values, now)
        subject = Subject(KIND, stored.subscriber.external_id)
        record(connection, actor, "subscriber.confirmed", subject, at=now)

    def ask_address_change(self, subscriber_id: int, email: str) -> Invitation | None:
        """Remember a new address and return the mail that has it confirmed there; None when it got enough such mails.

        Raises:
            NotFoundError: no such subscriber.
            InvalidInputError: it is no address.
        """
        address = _address(email)
        key = self.addresses.of(address)
        now = self.clock()
        with self.database.write() as connection:
            stored = _existing(connection, subscriber_id)
            mails = _mails(stored)
            if not proof.may_mail(mails, now):
                return None
            further = {_NEW_ADDRESS: address, _MAILS: [*proof.recent(mails, now), now.isoformat()]}
            subscribers.change(connection, stored.id, {"consent": {**(stored.consent or {}), **further}}, now)
        return self._invitation(Purpose.ADDRESS_CHANGE, subscriber_id, replace(stored.subscriber, email=address), key)

    def confirm_address_change(self, token: str, actor: Actor) -> int:
        """Move a subscriber to the address whose owner bears the link; returns their number.

        Raises:
            TokenError: the link is not ours or has expired.
            NotFoundError: no such subscriber, or another address was asked for since.
        """
        now = self.clock()
        claim = self.tokens.read(Purpose.ADDRESS_CHANGE, token, now)
        self.addresses.load()
        with self.database.write() as connection:
            stored = _existing(connection, claim.subject)
            remembered = dict(stored.consent or {})
            address = remembered.pop(_NEW_ADDRESS, None)
            if stored.address_key == claim.detail:
                return claim.subject
            if not isinstance(address, str) or self.addresses.of(address) != claim.detail:
                raise NotFoundError("change of address", str(claim.subject))
            suppressions.remove(connection, claim.detail, Channel.EMAIL)  # mail arrives there: the link came by one
            values: dict[str, Any] = {
                "email": address,
                "address_key": claim.detail,
                "consent": _without_mails(remembered),
            }
            if stored.subscriber.state is SubscriberState.SUPPRESSED:
                values["state"] = SubscriberState.ACTIVE.value
            subscribers.change(connection, stored.id, values, now)
            subject = Subject(KIND, stored.subscriber.external_id)
            record(connection, actor, "subscriber.moved", subject, at=now)
        return claim.subject

    def forget_lapsed(self) -> int:
        """Erase sign-ups that nobody confirmed in time; returns how many. For the sweep: call until it returns 0."""
        pepper = self.addresses.load()
        now = self.clock()
        with self.database.write() as connection:
            lapsed = subscribers.lapsed(connection, now, limit=_FORGET_AT_ONCE)
            for stored in lapsed:
                erase(connection, stored, SYSTEM, pepper=pepper, now=now)
        return len(lapsed)

    def _invitation(self, purpose: Purpose, number: int, to: Subscriber, detail: int = 0) -> Invitation:
        expires_at = self.clock() + CONFIRM_WITHIN
        token = self.tokens.sign(purpose, number, detail, expires_at=expires_at)
        return Invitation(email=to.email or "", locale=to.locale, token=token, expires_at=expires_at)


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


def _mails(stored: StoredSubscriber | None) -> list[str]:
    """Return when mails of this kind went out lately."""
    found = (stored.consent or {}).get(_MAILS) if stored else None
    return [str(item) for item in found] if isinstance(found, list) else []


def _without_mails(consent: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in consent.items() if name != _MAILS}
