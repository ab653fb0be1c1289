"""Replay: send deliveries again on an operator's request."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from notifier.domain import ids
from notifier.domain.errors import ConflictError, FieldError, InvalidInputError, NotFoundError
from notifier.domain.recipients.blast_guard import BlastGuardPolicy
from notifier.domain.values import ACCEPTED, Channel, DeliveryState
from notifier.services.conflicts import refuse_unread
from notifier.services.dispatch.regroup import Regroup
from notifier.services.ports import Clock
from notifier.services.security.audit import Actor, Subject, record
from notifier.storage.database import Condition, Connection
from notifier.storage.database.codec import instant_to_json
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import replay
from notifier.storage.deliveries.replay import Again
from notifier.storage.incidents import timeline
from notifier.storage.notifications import notifications

REPLAYABLE = (
    DeliveryState.FAILED,
    DeliveryState.BOUNCED,
    DeliveryState.CANCELED,
    *ACCEPTED,
    DeliveryState.SUPERSEDED,
)
_MOST_NAMED = 100
Wanted = Sequence[Condition]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOrder:
    """Which deliveries to send again: exactly one of the first four fields, plus states.

    `since` (inclusive) and `until` (exclusive) bound the time at which the notification was
    decided.
    """

    notification_id: str | None = None
    endpoint_id: str | None = None
    delivery_ids: Sequence[str] = ()
    channel: Channel | None = None
    states: Sequence[DeliveryState] = (DeliveryState.FAILED,)
    since: datetime | None = None
    until: datetime | None = None

    @property
    def repeats(self) -> bool:
        """Whether deliveries that had arrived are sent again."""
        return any(state in ACCEPTED for state in self.states)

    def as_json(self) -> dict[str, Any]:
        """Return the order for the audit trail, with at most the first 100 delivery ids."""
        given = {
            "notification_id": self.notification_id,
            "endpoint_id": self.endpoint_id,
            "delivery_ids": list(self.delivery_ids[:_MOST_NAMED]),
            "channel": self.channel and self.channel.value,
            "states": [state.value for state in self.states],
            "since": instant_to_json(self.since),
            "until": instant_to_json(self.until),
        }
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True)
class Replay:
    """Make deliveries due again under the same ids, so that receivers can deduplicate.

    Deliveries that had arrived are repeated only within bounds, and must pass the blast guard as an
    announcement does. Held updates have no deliveries. Notifications with the text of a hidden
    update are not replayed.
    """

    database: Database
    clock: Clock
    regroup: Regroup
    guard: BlastGuardPolicy = field(default_factory=BlastGuardPolicy)

    def count(self, order: ReplayOrder) -> int:
        """Return how many deliveries an order would queue, without queueing any.

        Raises:
            InvalidInputError: as `run`.
            NotFoundError: something named does not exist.
        """
        _check(order)
        with self.database.read() as connection:
            return _number(connection, _wanted(connection, order), order, order.states)

    def run(self, order: ReplayOrder, actor: Actor, *, may_announce: bool, read: str | None = None) -> int:
        """Queue the matching deliveries again and write the audit trail; returns their number.

        `read`: the version of the incident that the actor has read (`timeline.version`).

        Raises:
            InvalidInputError: not exactly one way to name deliveries, a state that cannot be
                replayed, or arrived deliveries without any bound.
            NotFoundError: something named does not exist; nothing is sent again.
            OutdatedError: the incident has changed since it was read; nothing is sent again.
            ConflictError: the blast guard refuses; nothing is sent again.
        """
        _check(order)
        with self.database.write() as connection:
            if read is not None:
                _refuse_unread(connection, order, read)
            now, wanted = self.clock(), _wanted(connection, order)
            self._pass_guard(connection, wanted, order, may_announce=may_announce)
            number = sum(replay.queue(connection, each, _again(order, order.states), now) for each in wanted)
            detail = {"number": number, "order": order.as_json()}
            record(connection, actor, "deliveries.replayed", _subject(order), at=now, detail=detail)
        while self.regroup.run():
            continue
        return number

    def _pass_guard(self, connection: Connection, wanted: Wanted, order: ReplayOrder, *, may_announce: bool) -> None:
        if not order.repeats:
            return
        if self.guard.needs_announce and not may_announce:
            fault = "what has arrived is sent again only by a key with scope announce (guard.needs_announce)"
            raise ConflictError(f"{fault}: use such a key, or leave out the states accepted and delivered")
        limit = self.guard.hold_above
        number = _number(connection, wanted, order, [state for state in ACCEPTED if state in order.states])
        if limit is not None and number > limit:
            fault = f"{number} deliveries that have arrived are more than guard.hold_above ({limit})"
            raise ConflictError(f"{fault}: name fewer, by notification_id, delivery_ids, or since and until")


def _refuse_unread(connection: Connection, order: ReplayOrder, read: str) -> None:
    stored = notifications.get_public(connection, order.notification_id or "")
    if stored is not None:
        timeline.lock_known_incident(connection, stored.notice.incident.id)
        refuse_unread(connection, stored.notice.incident.id, read)


def _wanted(connection: Connection, order: ReplayOrder) -> Wanted:
    if order.channel is not None:
        return [replay.of_channel(order.channel)]
    if order.endpoint_id:
        endpoint = replay.endpoint_number(connection, order.endpoint_id)
        if endpoint is None:
            raise NotFoundError("endpoint", order.endpoint_id)
        return [replay.of_channel(Channel.WEBHOOK, recipient_key=endpoint)]
    if order.notification_id:
        stored = notifications.get_public(connection, order.notification_id)
        if stored is None:
            raise NotFoundError("notification", order.notification_id)
        return [replay.of_notification(stored.id)]
    return [_delivery(connection, delivery_id) for delivery_id in order.delivery_ids]


def _delivery(connection: Connection, delivery_id: str) -> Condition:
    parsed = ids.parse_delivery_id(delivery_id)
    stored = notifications.get_public(connection, parsed[0]) if parsed else None
    if parsed is None or stored is None:
        raise NotFoundError("delivery", delivery_id)
    return replay.of_notification(stored.id, key=parsed[1])


def _again(order: ReplayOrder, states: Sequence[DeliveryState]) -> Again:
    return Again(states=[state.value for state in states], since=order.since, until=order.until)


def _number(connection: Connection, wanted: Wanted, order: ReplayOrder, states: Sequence[DeliveryState]) -> int:
    return sum(replay.count(connection, each, _again(order, states)) for each in wanted)


def _subject(order: ReplayOrder) -> Subject:
    if order.channel is not None:
        return Subject("channel", order.channel.value)
    if order.endpoint_id:
        return Subject("endpoint", order.endpoint_id)
    if order.notification_id:
        return Subject("notification", order.notification_id)
    return Subject("delivery", order.delivery_ids[0])


def _check(order: ReplayOrder) -> None:
    given = [order.notification_id, order.endpoint_id, order.delivery_ids, order.channel]
    if sum(map(bool, given)) != 1:
        fault = "name exactly one of notification_id, endpoint_id, delivery_ids and channel"
        raise InvalidInputError([FieldError("notification_id", fault)])
    refused = [state for state in order.states if state not in REPLAYABLE]
    if refused:
        raise InvalidInputError([FieldError("states", f"{refused[0]} deliveries cannot be replayed")])
    if order.repeats and not (order.notification_id or order.delivery_ids or order.since):
        fault = "is needed to send again what has arrived (or name a notification_id or delivery_ids)"
        raise InvalidInputError([FieldError("since", fault)])
    if order.since is not None and order.until is not None and order.until <= order.since:
        raise InvalidInputError([FieldError("until", "must be later than since")])
