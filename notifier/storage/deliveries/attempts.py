"""The record of attempts: when, by which worker, with what outcome."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select, text, update

from notifier.domain.providers.discretion import without_addresses
from notifier.domain.values import Channel, Reason
from notifier.storage import tables as t
from notifier.storage.database.bulk_rows import packed, plain, rows_sql
from notifier.storage.database.types import to_micros
from notifier.storage.deliveries.batches import Batch

_TRIED = {
    "recipient_key": "bigint",
    "number": "bigint",
    "started_at": "bigint",
    "duration_ms": "bigint",
    "outcome": "text",
    "reason": "text",
    "status": "bigint",
    "detail": "text",
    "provider": "text",
    "answer": "text",
}


class AttemptRow(NamedTuple):
    """One attempt to record. `recipient_key` None means the whole batch."""

    recipient_key: int | None
    number: int
    started_at: datetime
    duration_ms: int
    outcome: str
    reason: Reason | None
    status: int | None
    detail: str
    provider: str
    answer: str | None = None  # the beginning of a webhook endpoint's response

    @classmethod
    def without_request(
        cls,
        number: int,
        at: datetime,
        *,
        outcome: str,
        reason: Reason,
        detail: str,
        provider: str,
        key: int | None = None,
    ) -> "AttemptRow":
        """Return the row of an attempt with no known request: none was made, or its worker died."""
        return cls(
            recipient_key=key,
            number=number,
            started_at=at,
            duration_ms=0,
            outcome=outcome,
            reason=reason,
            status=None,
            detail=detail,
            provider=provider,
        )


def add(connection: Connection, batch: Batch, rows: Sequence[AttemptRow]) -> None:
    """Record attempts."""
    if not rows:
        return
    lines = [
        [
            row.recipient_key,
            row.number,
            to_micros(row.started_at),
            row.duration_ms,
            row.outcome,
            row.reason.value if row.reason else None,
            row.status,
            plain(without_addresses(row.detail)[:1000]),
            row.provider,
            plain(without_addresses(row.answer)) if row.answer else None,
        ]
        for row in rows
    ]
    sql = f"""
        INSERT INTO attempt (batch_id, notification_id, {", ".join(_TRIED)})
        SELECT :batch_id, :notification_id, r.* FROM ({rows_sql(connection, _TRIED)}) AS r"""  # noqa: S608
    values = {"rows": packed(lines), "batch_id": batch.id, "notification_id": batch.notification_id}
    connection.execute(text(sql), values)


def forget_words(connection: Connection, recipient_key: int) -> None:
    """Delete what providers answered about one address; keep each attempt and its outcome."""
    a, n = t.attempt.c, t.notification.c
    mails = select(n.id).where(n.channel == Channel.EMAIL.value)
    statement = update(t.attempt).where(a.recipient_key == recipient_key, a.notification_id.in_(mails))
    connection.execute(statement.values(detail="", answer=None))


def trailing(connection: Connection, batch_id: int, outcome: str) -> int:
    """Return how many of a batch's latest attempts in a row had this outcome."""
    a = t.attempt.c
    other = select(func.coalesce(func.max(a.id), 0)).where(a.batch_id == batch_id, a.outcome != outcome)
    statement = select(func.count()).where(a.batch_id == batch_id, a.id > other.scalar_subquery())
    return connection.execute(statement).scalar_one()
