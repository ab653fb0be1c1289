"""What attempts leave in endpoints' rows: since when one fails, how often, and when it last worked."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, text, update

from notifier.storage import tables as t
from notifier.storage.rowset import packed, rows_sql
from notifier.storage.types import to_micros

# `last_success_at` is exact to this much: a healthy endpoint's row is not written for every message.
_COARSE = timedelta(minutes=1)
_IDS = {"id": "bigint"}


def worked(connection: Connection, endpoint_ids: Sequence[int], now: datetime) -> None:
    """Any success resets the count of failures."""
    sql = f"""
        UPDATE endpoint SET failing_since = NULL, last_failure_at = NULL, failed_attempts = 0, warned_at = NULL,
            last_success_at = :now
        WHERE id IN (SELECT id FROM ({rows_sql(connection, _IDS)}) AS r)
          AND (failing_since IS NOT NULL OR last_success_at IS NULL OR last_success_at < :before)"""  # noqa: S608
    values = {"rows": _packed(endpoint_ids), "now": to_micros(now), "before": to_micros(now - _COARSE)}
    connection.execute(text(sql), values)


def failed(connection: Connection, endpoint_ids: Sequence[int], now: datetime) -> None:
    """Count a failure; the first one begins the time of failing."""
    sql = f"""
        UPDATE endpoint SET failing_since = COALESCE(failing_since, :now), last_failure_at = :now,
            failed_attempts = failed_attempts + 1
        WHERE id IN (SELECT id FROM ({rows_sql(connection, _IDS)}) AS r)"""  # noqa: S608
    connection.execute(text(sql), {"rows": _packed(endpoint_ids), "now": to_micros(now)})


def _packed(endpoint_ids: Sequence[int]) -> str:
    return packed([[number] for number in endpoint_ids])


def gone(connection: Connection, endpoint_ids: Sequence[int], now: datetime) -> None:
    """Disable those that want no more messages."""
    statement = update(t.endpoint).where(t.endpoint.c.id.in_(endpoint_ids))
    why = "the receiver answered 410 Gone"
    connection.execute(statement.values(state="disabled", state_reason=why, disabled_at=now, updated_at=now))
