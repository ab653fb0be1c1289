"""A subscriber's own wishes: unsubscribe from everything or from one incident, come back. They act on the address.

One person may be several subscribers with one address (a merchant with three shops); who unsubscribes wants no more
mail, not no more mail about the second shop.
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
    """What links in mails and the preferences page do. Every use case may be repeated: the second time does nothing.

    Subscribers are named by row number, as tokens carry it. All raise NotFoundError for one that was erased.
    """

    database: Database
    clock: Clock
    addresses: AddressHasher

    def unsubscribe(
        self, subscriber_id: int, actor: Actor, *, incident_id: str | None = None, address_key: int | None = None
    ) -> bool:
        """Stop all mail to the subscriber's address, or that about one incident; False when it was so already.

        With `address_key`, to that address: where the subscriber has left it, they are told as before, and whoever
        bears it now is not.
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
        """Take an unsubscription back; False when nothing was stopped, or by somebody else.

        What was set by hand is never lifted. With `address_key` (the way back, right after unsubscribing) only that
        wish is, and only while the subscriber bears that address; without, also what a provider reported: for the
        person themselves, whose signed link shows that mail arrives.
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
        """Stop all mail to an address by hand, known or not; False when it was so already (the first reason stays)."""
        key = self.addresses.of(email)
        now = self.clock()
        with self.database.write() as connection:
            item = Suppression(channel=Channel.EMAIL, reason=reason, since=now, detail=detail)
            if not suppressions.add(connection, key, item):
                return False
            _stop_address(connection, key, item, actor, now)
            # The key itself says nothing to who has not the pepper.
            record(connection, actor, "address.suppressed", Subject("address", f"{key:016x}"), at=now)
            return True

    def erase(self, subscriber_id: int, actor: Actor) -> int:
        """Forget everybody who bears the subscriber's address, at the person's own wish; returns how many that were.

        What stays is the keyed hash of the address among those that are not written to: a list that is imported
        tomorrow would begin to mail again. Who signs up again and confirms is taken off it.
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
    """Act on an address that its subscriber has left: for those who bear it now, and for nobody else."""
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
    """A wish stands above a bounce: when the address works again one day, it still is not written to.

    What an operator stopped keeps its reason: the way back from an unsubscription must not lift it.
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
