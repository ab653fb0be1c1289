"""Record endpoints' health from the outcomes of attempts."""

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
    """Counts successes and failures. A 410 disables the endpoint at once and notifies its owner."""

    def __init__(self, notify_owner: Callable[[Connection, AnyRow, HealthAction, datetime], None]) -> None:
        """Take the function that writes a mail to an endpoint's owner to the outbox."""
        self._notify_owner = notify_owner

    def note(self, connection: Connection, results: Sequence[HookResult], now: datetime) -> None:
        """Update endpoints' rows by outcome, with one statement per kind."""
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
