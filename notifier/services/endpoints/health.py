"""Health of endpoints: what attempts say about a partner's receiver."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from notifier.domain.errors import DeliveryError
from notifier.domain.messages.message import HookResult
from notifier.domain.recipients.endpoint_health import HealthAction
from notifier.domain.values import Reason
from notifier.storage.database import Connection
from notifier.storage.database.types import AnyRow
from notifier.storage.recipients import endpoint_health


class RecordEndpointHealth:
    """Keeps count of successes and failures; a receiver that answers 410 is disabled at once, and its owner told."""

    def __init__(self, notify_owner: Callable[[Connection, AnyRow, HealthAction, datetime], None]) -> None:
        """Take what writes the letter to an endpoint's owner down."""
        self._notify_owner = notify_owner

    def note(self, connection: Connection, results: Sequence[HookResult], now: datetime) -> None:
        """Take the outcomes of attempts into the endpoints' rows, one statement per kind of outcome."""
        kinds: dict[str, list[int]] = defaultdict(list)
        for result in results:
            kinds[_kind(result)].append(result.endpoint_id)
        if worked := kinds["worked"]:
            endpoint_health.worked(connection, worked, now)
        if failed := kinds["failed"]:
            endpoint_health.failed(connection, failed, now)
        if gone := kinds["gone"]:
            for row in endpoint_health.gone(connection, gone, now):
                if row.owner_email:
                    self._notify_owner(connection, row, HealthAction.DISABLE, now)


def _kind(result: HookResult) -> str:
    if result.error is None:
        return "worked"
    if not isinstance(result.error, DeliveryError) or result.error.reason is Reason.BREAKER_OPEN:
        return "nothing"
    return "gone" if result.error.reason is Reason.GONE else "failed"
