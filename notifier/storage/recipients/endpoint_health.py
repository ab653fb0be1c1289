"""Endpoint health from attempts: failing since when, failures in a row, last success."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, text, update

from notifier.domain.recipients.endpoint import EndpointState
from notifier.domain.values import Channel
from notifier.storage import tables as t
from notifier.storage.database.bulk_rows import packed, rows_sql
from notifier.storage.database.types import AnyRow, to_micros

# The precision of `last_success_at`: a healthy endpoint's row is not written for every message.
_COARSE = timedelta(minutes=1)
_LOOK_BACK = timedelta(days=5)  # longer than the retries of any message
_IDS = {"id": "bigint"}
CLEAN: Mapping[str, Any] = {
    "state_reason": "",
    "failing_since": None,
    "last_failure_at": None,
    "failed_attempts": 0,
    "warned_at": None,
    "disabled_at": None,
    "probe_at": None,
    "probes": 0,
}
"""The columns of an endpoint without failures."""
FAILED_FOR_DAYS, ANSWERED_GONE = "it failed for days", "the receiver answered 410 Gone"
_ACTIVE, _DISABLED = EndpointState.ACTIVE.value, EndpointState.DISABLED.value


def worked(connection: Connection, endpoint_ids: Sequence[int], now: datetime) -> None:
    """Record successes; each resets the failures."""
    sql = f"""
        UPDATE endpoint SET failing_since = NULL, last_failure_at = NULL, failed_attempts = 0, warned_at = NULL,
            last_success_at = :now
        WHERE id IN (SELECT id FROM ({rows_sql(connection, _IDS)}) AS r)
          AND (failing_since IS NOT NULL OR last_success_at IS NULL OR last_success_at < :before)"""  # noqa: S608
    values = {"rows": _packed(endpoint_ids), "now": to_micros(now), "before": to_micros(now - _COARSE)}
    connection.execute(text(sql), values)


def failed(connection: Connection, endpoint_ids: Sequence[int], now: datetime) -> None:
    """Record failures; the first one starts `failing_since`."""
    sql = f"""
        UPDATE endpoint SET failing_since = COALESCE(failing_since, :now), last_failure_at = :now,
            failed_attempts = failed_attempts + 1
        WHERE id IN (SELECT id FROM ({rows_sql(connection, _IDS)}) AS r)"""  # noqa: S608
    connection.execute(text(sql), {"rows": _packed(endpoint_ids), "now": to_micros(now)})


def _packed(endpoint_ids: Sequence[int]) -> str:
    return packed([[number] for number in endpoint_ids])


def gone(connection: Connection, endpoint_ids: Sequence[int], now: datetime) -> Sequence[AnyRow]:
    """Disable endpoints that answered 410 Gone, without probes; returns those that were active."""
    e = t.endpoint.c
    values = {"state": _DISABLED, "state_reason": ANSWERED_GONE, "disabled_at": now, "probe_at": None}
    statement = update(t.endpoint).where(e.id.in_(endpoint_ids), e.state == _ACTIVE)
    return connection.execute(statement.values(**values, updated_at=now).returning(t.endpoint)).all()


def failing(connection: Connection, before: datetime, limit: int) -> Sequence[AnyRow]:
    """Return active endpoints that have only failed since before `before`, longest first."""
    e = t.endpoint.c
    statement = (
        select(e.id, e.public_id, e.owner_email, e.failing_since, e.last_failure_at, e.warned_at)
        .where(e.state == _ACTIVE, e.failing_since <= before, e.last_failure_at.is_not(None))
        .order_by(e.failing_since)
        .limit(limit)
    )
    return connection.execute(statement).all()


def warned(connection: Connection, endpoint_id: int, now: datetime) -> None:
    """Record that the owner was warned."""
    connection.execute(update(t.endpoint).where(t.endpoint.c.id == endpoint_id).values(warned_at=now))


def disable(connection: Connection, endpoint_id: int, *, probe_at: datetime | None, now: datetime) -> bool:
    """Disable an endpoint, to be probed at `probe_at`; False if it has recovered or changed."""
    e = t.endpoint.c
    statement = (
        update(t.endpoint)
        .where(e.id == endpoint_id, e.state == _ACTIVE, e.failing_since.is_not(None))
        .values(
            state=_DISABLED, state_reason=FAILED_FOR_DAYS, disabled_at=now, probe_at=probe_at, probes=0, updated_at=now
        )
    )
    return connection.execute(statement).rowcount == 1


def probes_due(connection: Connection, now: datetime, limit: int) -> Sequence[int]:
    """Return the disabled endpoints whose recovery probe is due."""
    e = t.endpoint.c
    statement = select(e.id).where(e.state == _DISABLED, e.probe_at <= now).order_by(e.probe_at).limit(limit)
    return list(connection.execute(statement).scalars())


def claim_probe(
    connection: Connection, endpoint_id: int, now: datetime, next_at: Callable[[int], datetime | None]
) -> AnyRow | None:
    """Claim an endpoint whose probe is due and schedule its next one; None if already claimed."""
    e = t.endpoint.c
    found = select(t.endpoint).where(e.id == endpoint_id, e.state == _DISABLED, e.probe_at <= now)
    row = connection.execute(found.with_for_update()).one_or_none()
    if row is not None:
        values = {"probe_at": next_at(row.probes + 1), "probes": row.probes + 1}
        connection.execute(update(t.endpoint).where(e.id == endpoint_id).values(values))
    return row


def stop_probing(connection: Connection, endpoint_id: int) -> None:
    """Cancel further probes."""
    connection.execute(update(t.endpoint).where(t.endpoint.c.id == endpoint_id).values(probe_at=None))


def get(connection: Connection, endpoint_id: int) -> AnyRow | None:
    """Return an endpoint's row by its internal id."""
    return connection.execute(select(t.endpoint).where(t.endpoint.c.id == endpoint_id)).one_or_none()


def last_error(connection: Connection, row: AnyRow) -> str:
    """Return the detail of an endpoint's last failed attempt; empty if unknown."""
    a, n = t.attempt.c, t.notification.c
    since = (row.failing_since or row.disabled_at or row.updated_at) - _LOOK_BACK
    recent = select(n.id).where(n.channel == Channel.WEBHOOK.value, n.created_at >= since)
    statement = (
        select(a.detail)
        .where(a.notification_id.in_(recent), a.recipient_key == row.id, a.outcome != "accepted")
        .order_by(a.id.desc())
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none() or ""
