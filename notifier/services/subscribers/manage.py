"""Create, show, change, erase and list subscribers. Changes are audited without personal data."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from notifier.domain.errors import ConflictError, FieldError, InvalidInputError, NotFoundError
from notifier.domain.recipients.changes import SubscriberChanges, changed_subscriber
from notifier.domain.recipients.subscriber import (
    LegalBasis,
    StoredSubscriber,
    Subscriber,
    Suppression,
    SuppressionReason,
    Vocabulary,
)
from notifier.domain.values import Channel, SubscriberKind, SubscriberState
from notifier.services.ports import Clock
from notifier.services.security.address_hash import AddressHasher
from notifier.services.security.audit import Actor, Subject, difference, erased_id, record
from notifier.services.subscribers.release_deferred import release_deferred
from notifier.services.subscribers.serialize import PERSONAL, stored_to_json, subscriber_to_json
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import address_change, attempts
from notifier.storage.operations import audit
from notifier.storage.planning import quiet_hours
from notifier.storage.recipients import erasures, preferences, subscribers, suppressions, transactional_mail

Json = dict[str, Any]
KIND = "subscriber"
_STOPPED = frozenset({SubscriberState.UNSUBSCRIBED, SubscriberState.SUPPRESSED})


@dataclass(frozen=True)
class Subscribers:
    """Operations on single subscribers for the API, the command line and the console."""

    database: Database
    clock: Clock
    vocabulary: Vocabulary
    addresses: AddressHasher

    def create(self, subscriber: Subscriber, actor: Actor, *, legal_basis: LegalBasis = LegalBasis.API) -> Json:
        """Store a new subscriber; returns it as stored.

        A suppressed address stays suppressed: the subscriber is stored as `unsubscribed` or
        `suppressed`. Only an explicit change lifts the suppression: see `patch`.

        Raises:
            ConflictError: the external id is taken.
        """
        self.addresses.load()
        key = self.addresses.of_optional(subscriber.email)
        now = self.clock()
        with self.database.write() as connection:
            subscriber = _as_suppressed(connection, subscriber, key, now)
            row = subscribers.to_row(
                subscriber, preference_id=preferences.ensure(connection, subscriber.preferences), address_key=key
            )
            if subscribers.add(connection, row, legal_basis=legal_basis.value, now=now) is None:
                raise ConflictError(f"a subscriber with external_id {subscriber.external_id!r} exists")
            erasures.forget(connection, self._keys(subscriber.external_id, key))
            shown = {
                name: value
                for name, value in subscriber_to_json(subscriber).items()
                if name not in PERSONAL | {"external_id"}
            }
            subject = Subject(KIND, subscriber.external_id)
            record(connection, actor, "subscriber.created", subject, at=now, detail=shown)
            return _view(connection, _existing(connection, subscriber.external_id))

    def get(self, external_id: str) -> Json:
        """Return one subscriber.

        Raises:
            NotFoundError: there is no such subscriber.
        """
        with self.database.read() as connection:
            return _view(connection, _existing(connection, external_id))

    def list(
        self,
        *,
        limit: int,
        after: int = 0,
        kind: SubscriberKind | None = None,
        state: SubscriberState | None = None,
    ) -> tuple[list[Json], int | None]:
        """Return a page of subscribers, oldest first, and the next `after`, None at the end."""
        with self.database.read() as connection:
            found = subscribers.page(connection, after=after, limit=limit + 1, kind=kind, state=state)
            shown = found[:limit]
            keys = [item.address_key for item in shown if item.address_key is not None]
            suppressed = suppressions.of_addresses(connection, keys)
        items = [stored_to_json(item, suppressed.get(item.address_key or -1, ())) for item in shown]
        return items, shown[-1].id if len(found) > limit else None

    def patch(self, external_id: str, changes: SubscriberChanges, actor: Actor) -> Json:
        """Change the given fields; returns the subscriber as stored.

        `state: active` lifts the suppression of an unsubscribed or suppressed address; the audit
        trail records who did so. A new address has its own suppression, if any; a bounce stays with
        the old address.

        Raises:
            NotFoundError: there is no such subscriber.
            InvalidInputError: lists every invalid field.
        """
        if changes.get("external_id") not in (None, external_id):
            raise InvalidInputError([FieldError("external_id", "cannot be changed")])
        self.addresses.load()
        with self.database.write() as connection:
            self._change(connection, _existing(connection, external_id, lock=True), changes, actor)
            return _view(connection, _existing(connection, external_id))

    def patch_numbered(self, subscriber_id: int, changes: SubscriberChanges, actor: Actor) -> StoredSubscriber:
        """Change a subscriber by row id, as `patch` does; returns the subscriber after the change.

        Raises:
            NotFoundError: the subscriber has been erased.
            InvalidInputError: lists every invalid field.
        """
        self.addresses.load()
        with self.database.write() as connection:
            stored = subscribers.get_by_id(connection, subscriber_id, lock=True)
            if stored is None:
                raise NotFoundError("subscriber", str(subscriber_id))
            return self._change(connection, stored, changes, actor)

    def _change(
        self, connection: Connection, stored: StoredSubscriber, changes: SubscriberChanges, actor: Actor
    ) -> StoredSubscriber:
        now = self.clock()
        after, key = self._changed(connection, stored, changes, now)
        preference_id = preferences.ensure(connection, after.preferences)
        row = subscribers.to_row(after, preference_id=preference_id, address_key=key)
        if after.state is not SubscriberState.PENDING:
            row["expires_at"] = None  # only unconfirmed sign-ups expire
        subscribers.change(connection, stored.id, row, now)
        if key is not None and stored.address_key != key:
            erasures.forget(connection, [key])
        if key is not None and stored.address_key not in (None, key):
            address_change.move(connection, stored.id, stored.address_key, key)
        _forget_address(connection, stored.address_key)
        if key is not None and _bounds(after) != _bounds(stored.subscriber):
            release_deferred(connection, key, now)
        detail = difference(subscriber_to_json(stored.subscriber), subscriber_to_json(after), hidden=PERSONAL)
        if detail:
            subject = Subject(KIND, after.external_id)
            record(connection, actor, "subscriber.changed", subject, at=now, detail=detail)
        expires_at = row.get("expires_at", stored.expires_at)
        return replace(stored, subscriber=after, address_key=key, updated_at=now, expires_at=expires_at)

    def _changed(
        self, connection: Connection, stored: StoredSubscriber, changes: SubscriberChanges, now: datetime
    ) -> tuple[Subscriber, int | None]:
        """Return the subscriber after the changes, and its address key."""
        before = stored.subscriber
        after = changed_subscriber(before, changes, self.vocabulary)
        key = self.addresses.of_optional(after.email)
        asked = changes.get("state")
        if asked is SubscriberState.ACTIVE and before.state in _STOPPED:
            _lift(connection, key)
            return after, key
        if asked is None and key != stored.address_key and before.state is SubscriberState.SUPPRESSED:
            # A new address replaces one that bounced; an unsubscription stays, whatever the
            # address.
            after = replace(after, state=SubscriberState.ACTIVE)
        if asked is not None or key != stored.address_key:
            after = _as_suppressed(connection, after, key, now)
        return after, key

    def remove(self, external_id: str, actor: Actor) -> None:
        """Erase a subscriber's personal data; anonymous counts and a suppression remain.

        Keyed hashes of external id and address remain too, so that a later import does not restore
        the subscriber; `create` and their own sign-up do.

        Raises:
            NotFoundError: there is no such subscriber.
        """
        pepper = self.addresses.load()
        now = self.clock()
        with self.database.write() as connection:
            stored = _existing(connection, external_id, lock=True)
            erase(connection, stored, actor, pepper=pepper, now=now)
            borne = stored.address_key is not None and subscribers.of_address(connection, stored.address_key)
            erasures.note(connection, self._keys(external_id, None if borne else stored.address_key), now)

    def _keys(self, external_id: str, address: int | None) -> tuple[int, ...]:
        """Return the keys of a person in the list of erasures."""
        name = self.addresses.of_name(external_id)
        return (name,) if address is None else (name, address)


def erase(connection: Connection, stored: StoredSubscriber, actor: Actor, *, pepper: bytes, now: datetime) -> None:
    """Remove a subscriber and every trace of the external id."""
    subscriber = stored.subscriber
    subscribers.release_endpoints(connection, subscriber.external_id, subscriber.email)
    subscribers.remove(connection, stored.id)
    transactional_mail.forget(connection, stored.id)
    if _forget_address(connection, stored.address_key):
        attempts.forget_words(connection, stored.address_key or 0)
    anonymous = erased_id(pepper, subscriber.external_id)
    audit.rename(connection, KIND, subscriber.external_id, anonymous)
    record(connection, actor, "subscriber.erased", Subject(KIND, anonymous), at=now)


def _existing(connection: Connection, external_id: str, *, lock: bool = False) -> StoredSubscriber:
    stored = subscribers.get(connection, external_id, lock=lock)
    if stored is None:
        raise NotFoundError("subscriber", external_id[:200])
    return stored


def _view(connection: Connection, stored: StoredSubscriber) -> Json:
    return stored_to_json(stored, suppressions.of_address(connection, stored.address_key))


def _as_suppressed(connection: Connection, subscriber: Subscriber, key: int | None, now: datetime) -> Subscriber:
    """Align a subscriber's state with the suppressions of the address."""
    if key is None:
        return subscriber
    if subscriber.state is SubscriberState.SUPPRESSED:
        manual = Suppression(channel=Channel.EMAIL, reason=SuppressionReason.MANUAL, since=now)
        suppressions.add(connection, key, manual)
        return subscriber
    found = [item for item in suppressions.of_address(connection, key) if item.channel is Channel.EMAIL]
    if found and subscriber.state is not SubscriberState.UNSUBSCRIBED:
        return replace(subscriber, state=found[0].reason.state)
    return subscriber


def _lift(connection: Connection, key: int | None) -> None:
    if key is not None:
        suppressions.remove(connection, key, Channel.EMAIL)


def _forget_address(connection: Connection, key: int | None) -> bool:
    """Delete an address's opt-outs and hourly counts once no subscriber has it."""
    if key is None or subscribers.of_address(connection, key):
        return False
    suppressions.forget_opt_outs(connection, key)
    quiet_hours.forget(connection, key)
    return True


def _bounds(subscriber: Subscriber) -> tuple[object, ...]:
    return subscriber.quiet_hours, subscriber.timezone, subscriber.max_per_hour
