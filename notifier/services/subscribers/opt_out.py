"""Unsubscribe from everything or one incident, and resubscribe. Applies to the address.

One person may be several subscribers with one address (a merchant with three shops). Unsubscribing
stops all mail to that person, not just mail about one shop.
"""

from dataclasses import dataclass
from datetime import datetime

from notifier.domain.errors import NotFoundError
from notifier.domain.recipients.subscriber import StoredSubscriber, Suppression, SuppressionReason
from notifier.domain.values import Channel, SubscriberState
from notifier.services.ports import Clock
from notifier.services.security.address_hash import AddressHasher
from notifier.services.security.audit import Actor, Subject, record
from notifier.services.subscribers.manage import KIND, erase
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.recipients import subscribers, suppressions

_LISTENING = (SubscriberState.ACTIVE, SubscriberState.PENDING)
_STOPPED = (SubscriberState.UNSUBSCRIBED, SubscriberState.SUPPRESSED)


@dataclass(frozen=True)
class Lifecycle:
    """Operations behind links in mails and the preferences page. All are idempotent.

    Subscribers are identified by row id, as in tokens. All operations raise NotFoundError if the
    subscriber has been erased.
    """

    database: Database
    clock: Clock
    addresses: AddressHasher

    def unsubscribe(
        self, subscriber_id: int, actor: Actor, *, incident_id: str | None = None, address_key: int | None = None
    ) -> bool:
        """Stop all mail to the subscriber's address, or mail about one incident.

        Returns False if it was stopped already. `address_key` names the address: if the subscriber
        has since moved, mail to the new address continues, and mail to the old one stops.
        """
        now = self.clock()
        with self.database.write() as connection:
            stored = _existing(connection, subscriber_id)
            if address_key is not None and stored.address_key != address_key:
                return _stop_left_behind(connection, address_key, incident_id, actor, now)
            if incident_id is not None:
                return _opt_out(connection, stored, incident_id, actor, now)
            if stored.address_key is None:
                return _stop_alone(connection, stored, actor, now)
            return _stop_wanted(connection, stored.address_key, actor, now)

    def resubscribe(
        self, subscriber_id: int, actor: Actor, *, incident_id: str | None = None, address_key: int | None = None
    ) -> bool:
        """Undo an unsubscription; False if there was none or the reader may not lift it.

        An operator's suppression is never lifted. With `address_key` (the undo link right after
        unsubscribing), only that unsubscription is lifted, and only while the subscriber has that
        address. Without it, a provider's suppression is lifted too: the reader's signed link proves
        that mail arrives.
        """
        now = self.clock()
        with self.database.write() as connection:
            stored = _existing(connection, subscriber_id)
            key = stored.address_key
            if address_key is not None and key != address_key:
                return False
            if incident_id is not None:
                return key is not None and suppressions.opt_in(connection, incident_id, key)
            if not _is_theirs_to_lift(suppressions.mail_reason(connection, key), by_way_back=address_key is not None):
                return False
            lifted = key is not None and suppressions.remove(connection, key, Channel.EMAIL)
            names = self._start(connection, stored, now)
            for name in names:
                record(connection, actor, "subscriber.resubscribed", Subject(KIND, name), at=now)
            return lifted or bool(names)

    @staticmethod
    def _start(connection: Connection, stored: StoredSubscriber, now: datetime) -> list[str]:
        if stored.address_key is not None:
            return subscribers.set_state_of_address(
                connection, stored.address_key, SubscriberState.ACTIVE, only=_STOPPED, now=now
            )
        if stored.subscriber.state not in _STOPPED:
            return []
        subscribers.change(connection, stored.id, {"state": SubscriberState.ACTIVE.value}, now)
        return [stored.subscriber.external_id]

    def suppress(
        self, email: str, actor: Actor, *, reason: SuppressionReason = SuppressionReason.MANUAL, detail: str = ""
    ) -> bool:
        """Suppress an address, known or not; False if it is suppressed (the first reason stays)."""
        key = self.addresses.of(email)
        now = self.clock()
        with self.database.write() as connection:
            item = Suppression(channel=Channel.EMAIL, reason=reason, since=now, detail=detail)
            if not suppressions.add(connection, key, item):
                return False
            _stop_address(connection, key, item, actor, now)
            # The key reveals nothing without the pepper.
            record(connection, actor, "address.suppressed", Subject("address", f"{key:016x}"), at=now)
            return True

    def erase(self, subscriber_id: int, actor: Actor) -> int:
        """Erase all subscribers with the subscriber's address on request; returns their number.

        A keyed hash of the address stays on the suppression list, so that a later import does not
        resume mail. Signing up and confirming again removes it.
        """
        pepper = self.addresses.load()
        now = self.clock()
        with self.database.write() as connection:
            stored = _existing(connection, subscriber_id)
            people = [stored]
            if stored.address_key is not None:
                people = subscribers.of_address(connection, stored.address_key, lock=True)
                _stop_wanted(connection, stored.address_key, actor, now)
            for person in people:
                erase(connection, person, actor, pepper=pepper, now=now)
            return len(people)


def _existing(connection: Connection, subscriber_id: int) -> StoredSubscriber:
    stored = subscribers.get_by_id(connection, subscriber_id, lock=True)
    if stored is None:
        raise NotFoundError("subscriber", str(subscriber_id))
    return stored


def _opt_out(connection: Connection, stored: StoredSubscriber, incident_id: str, actor: Actor, now: datetime) -> bool:
    if stored.address_key is None or not suppressions.opt_out(connection, incident_id, stored.address_key, now):
        return False
    subject = Subject(KIND, stored.subscriber.external_id)
    record(connection, actor, "subscriber.opted_out", subject, at=now, detail={"incident": incident_id})
    return True


def _stop_left_behind(connection: Connection, key: int, incident_id: str | None, actor: Actor, now: datetime) -> bool:
    """Act on an address that the subscriber has left, for the subscribers who have it now."""
    bearers = subscribers.of_address(connection, key, lock=True)
    if not bearers:
        return False
    if incident_id is not None:
        return _opt_out(connection, bearers[0], incident_id, actor, now)
    return _stop_wanted(connection, key, actor, now)


def _is_theirs_to_lift(reason: SuppressionReason | None, *, by_way_back: bool) -> bool:
    if by_way_back:
        return reason in (None, SuppressionReason.UNSUBSCRIBED)
    return reason is None or reason.may_reader_lift


def _stop_wanted(connection: Connection, key: int, actor: Actor, now: datetime) -> bool:
    """Suppress an address on its owner's request, replacing a bounce, so that it never resumes.

    An operator's suppression keeps its reason: undoing the unsubscription must not lift it.
    """
    reason = suppressions.mail_reason(connection, key)
    wish = Suppression(channel=Channel.EMAIL, reason=SuppressionReason.UNSUBSCRIBED, since=now)
    is_new = reason not in (SuppressionReason.UNSUBSCRIBED, SuppressionReason.MANUAL)
    if is_new:
        suppressions.remove(connection, key, Channel.EMAIL)
        suppressions.add(connection, key, wish)
    return bool(_stop_address(connection, key, wish, actor, now)) or is_new


def _stop_alone(connection: Connection, stored: StoredSubscriber, actor: Actor, now: datetime) -> bool:
    if stored.subscriber.state not in _LISTENING:
        return False
    values = {"state": SubscriberState.UNSUBSCRIBED.value, "expires_at": None}
    subscribers.change(connection, stored.id, values, now)
    record(connection, actor, "subscriber.unsubscribed", Subject(KIND, stored.subscriber.external_id), at=now)
    return True


def _stop_address(connection: Connection, key: int, item: Suppression, actor: Actor, now: datetime) -> list[str]:
    state = item.reason.state
    wished = state is SubscriberState.UNSUBSCRIBED
    affected = (*_LISTENING, SubscriberState.SUPPRESSED) if wished else _LISTENING
    names = subscribers.set_state_of_address(connection, key, state, only=affected, now=now)
    action = "subscriber.unsubscribed" if wished else "subscriber.suppressed"
    for name in names:
        record(connection, actor, action, Subject(KIND, name), at=now, detail={"reason": item.reason.value})
    return names
