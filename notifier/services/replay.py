"""Replay: send again what failed, by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.domain import ids
from notifier.domain.errors import FieldError, InvalidInputError, NotFoundError
from notifier.domain.values import DeliveryState
from notifier.services.gather import Gather
from notifier.services.ports import Clock
from notifier.storage import notifications, replays
from notifier.storage.engine import Database

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
    """Which deliveries to send again: exactly one of the first three, and in which states (failed by default)."""

    notification_id: str | None = None
    endpoint_id: str | None = None
    delivery_ids: Sequence[str] = ()
    states: Sequence[DeliveryState] = (DeliveryState.FAILED,)
    since: datetime | None = None


@dataclass(frozen=True)
class Replay:
    """Make deliveries due again; they keep their ids, so a receiver can still drop repeats."""

    database: Database
    clock: Clock
    gather: Gather

    def __call__(self, order: ReplayOrder) -> int:
        """Queue again what matches; returns how many deliveries."""
        given = [bool(order.notification_id), bool(order.endpoint_id), bool(order.delivery_ids)]
        if sum(given) != 1:
            fault = "name exactly one of notification_id, endpoint_id and delivery_ids"
            raise InvalidInputError([FieldError("notification_id", fault)])
        refused = [state for state in order.states if state not in REPLAYABLE]
        if refused:
            raise InvalidInputError([FieldError("states", f"{refused[0]} deliveries cannot be replayed")])
        now = self.clock()
        states = [state.value for state in order.states]
        with self.database.write() as connection:
            if order.endpoint_id:
                endpoint = replays.endpoint_number(connection, order.endpoint_id)
                if endpoint is None:
                    raise NotFoundError("endpoint", order.endpoint_id)
                number = replays.of_endpoint(connection, endpoint, states, order.since, now)
            elif order.notification_id:
                stored = notifications.get_public(connection, order.notification_id)
                if stored is None:
                    raise NotFoundError("notification", order.notification_id)
                number = replays.of_notification(connection, stored.id, states, now)
            else:
                number = 0
                for delivery_id in order.delivery_ids:
                    parsed = ids.parse_delivery_id(delivery_id)
                    stored = notifications.get_public(connection, parsed[0]) if parsed else None
                    if parsed is None or stored is None:
                        raise NotFoundError("delivery", delivery_id)
                    number += replays.of_notification(connection, stored.id, states, now, key=parsed[1])
        while self.gather():
            continue
        return number
