"""Replay: send again what failed, by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from notifier.domain import ids
from notifier.domain.errors import FieldError, InvalidInputError, NotFoundError
from notifier.domain.values import Channel, DeliveryState
from notifier.services.gather import Gather
from notifier.services.ports import Clock
from notifier.storage import notifications, replays
from notifier.storage.engine import Database
from notifier.storage.replays import Again

REPLAYABLE = (
    DeliveryState.FAILED,
    DeliveryState.BOUNCED,
    DeliveryState.CANCELED,
    DeliveryState.ACCEPTED,
    DeliveryState.DELIVERED,
    DeliveryState.SUPERSEDED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOrder:
    """Which deliveries to send again: exactly one of the first four, and in which states (failed by default).

    `since` (included) and `until` (excluded) bound the time at which a message was decided upon.
    """

    notification_id: str | None = None
    endpoint_id: str | None = None
    delivery_ids: Sequence[str] = ()
    channel: Channel | None = None
    states: Sequence[DeliveryState] = (DeliveryState.FAILED,)
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Replay:
    """Make deliveries due again; they keep their ids, so a receiver can still drop repeats."""

    database: Database
    clock: Clock
    gather: Gather

    def __call__(self, order: ReplayOrder) -> int:
        """Queue again what matches; returns how many deliveries.

        Raises:
            InvalidInputError: not exactly one of the ways to name deliveries, or a state that is not final.
            NotFoundError: something named does not exist; nothing is sent again then.
        """
        _check(order)
        what = Again(states=[state.value for state in order.states], since=order.since, until=order.until)
        with self.database.write() as connection:
            number = self._queue(connection, order, what, self.clock())
        while self.gather():
            continue
        return number

    @staticmethod
    def _queue(connection: Connection, order: ReplayOrder, what: Again, now: datetime) -> int:
        if order.channel is not None:
            return replays.of_channel(connection, order.channel, what, now)
        if order.endpoint_id:
            endpoint = replays.endpoint_number(connection, order.endpoint_id)
            if endpoint is None:
                raise NotFoundError("endpoint", order.endpoint_id)
            return replays.of_channel(connection, Channel.WEBHOOK, what, now, recipient_key=endpoint)
        if order.notification_id:
            stored = notifications.get_public(connection, order.notification_id)
            if stored is None:
                raise NotFoundError("notification", order.notification_id)
            return replays.of_notification(connection, stored.id, what, now)
        number = 0
        for delivery_id in order.delivery_ids:
            parsed = ids.parse_delivery_id(delivery_id)
            stored = notifications.get_public(connection, parsed[0]) if parsed else None
            if parsed is None or stored is None:
                raise NotFoundError("delivery", delivery_id)
            number += replays.of_notification(connection, stored.id, what, now, key=parsed[1])
        return number


def _check(order: ReplayOrder) -> None:
    given = [order.notification_id, order.endpoint_id, order.delivery_ids, order.channel]
    if sum(map(bool, given)) != 1:
        fault = "name exactly one of notification_id, endpoint_id, delivery_ids and channel"
        raise InvalidInputError([FieldError("notification_id", fault)])
    refused = [state for state in order.states if state not in REPLAYABLE]
    if refused:
        raise InvalidInputError([FieldError("states", f"{refused[0]} deliveries cannot be replayed")])
    if order.since is not None and order.until is not None and order.until <= order.since:
        raise InvalidInputError([FieldError("until", "must be later than since")])
