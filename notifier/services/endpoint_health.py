"""Health of endpoints: what attempts say about a partner's receiver."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, update

from notifier.domain.errors import DeliveryError
from notifier.domain.message import HookResult
from notifier.domain.values import Reason
from notifier.storage import tables as t


class Health:
    """Keeps count of successes and failures; a receiver that answers 410 is disabled at once."""

    def note(self, connection: Connection, results: Sequence[HookResult], now: datetime) -> None:
        """Take the outcomes of attempts into the endpoints' rows, one statement per kind of outcome."""
        kinds: dict[str, list[int]] = defaultdict(list)
        for result in results:
            kinds[_kind(result)].append(result.endpoint_id)
        e = t.endpoint.c
        if worked := kinds["worked"]:
            statement = update(t.endpoint).where(e.id.in_(worked))
            connection.execute(
                statement.values(failing_since=None, failed_attempts=0, last_success_at=now, warned_at=None)
            )
        if failed := kinds["failed"]:
            connection.execute(
                update(t.endpoint).where(e.id.in_(failed), e.failing_since.is_(None)).values(failing_since=now)
            )
            counted = update(t.endpoint).where(e.id.in_(failed))
            connection.execute(counted.values(failed_attempts=e.failed_attempts + 1))
        if gone := kinds["gone"]:
            connection.execute(
                update(t.endpoint)
                .where(e.id.in_(gone))
                .values(state="disabled", state_reason="the receiver answered 410 Gone", disabled_at=now)
            )


def _kind(result: HookResult) -> str:
    if result.error is None:
        return "worked"
    if not isinstance(result.error, DeliveryError) or result.error.reason is Reason.BREAKER_OPEN:
        return "nothing"
    return "gone" if result.error.reason is Reason.GONE else "failed"
