"""From a decision to deliveries: one notification's audience, range by range, in sets.

A range is an interval of recipient keys. Keys of e-mail recipients are keyed hashes. Equal
intervals therefore hold about equally many subscribers, and all subscribers of one address fall
into the same interval: one address, one delivery.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, func, or_, select, text, update
from sqlalchemy.sql.dml import ReturningUpdate

from notifier.domain.recipients.audience import Exposure
from notifier.domain.values import Channel, DeliveryState, QueueName, Reason
from notifier.storage import tables as t
from notifier.storage.database.dialect import is_sqlite, prepared_insert
from notifier.storage.database.types import Instant, to_micros
from notifier.storage.deliveries.endpoint_backlog import MISSED_FOR
from notifier.storage.notifications.channel_history import Earlier
from notifier.storage.notifications.late_translations import Followers
from notifier.storage.planning import audience_sql
from notifier.storage.planning.quiet_hours import Deferred, QuietSpan

MAX_KEY = 2**63 - 1
# A batch id is notification | range | index in the range: planning a range twice gives the same
# rows.
_RANGE_SHIFT, _NOTIFICATION_SHIFT = 12, 32
MAX_BATCHES_PER_RANGE = 1 << _RANGE_SHIFT


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRange:
    """One interval of a notification's recipient keys, both ends included."""

    notification_id: int
    number: int
    key_from: int
    key_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedBatch:
    """A batch as planning creates it."""

    id: int
    queue: QueueName
    size: int
    queued: bool


def highest_subscriber_id(connection: Connection) -> int:
    """Return an upper bound of the number of subscribers without counting them."""
    return connection.execute(select(func.max(t.subscriber.c.id))).scalar_one() or 0


_NOTIFICATION: BindParameter[int] = bindparam("of")  # not a column's name: an UPDATE could not tell them apart
_JUDGED = "judged"  # stored among the exposures: the rule has judged this set


@cache
def _unjudged_sets() -> Select[Any]:
    p, v = t.preference.c, t.verdict.c
    judged = select(v.preference_id).where(v.notification_id == _NOTIFICATION, v.standing == _JUDGED)
    return select(p.id, p.canonical).where(p.id.not_in(judged))


def unjudged_sets(connection: Connection, notification_id: int) -> Sequence[tuple[int, str]]:
    """Return (id, canonical text) of each set of preferences without a verdict."""
    rows = connection.execute(_unjudged_sets(), {"of": notification_id}).all()
    return [(row.id, row.canonical) for row in rows]


_ADD_VERDICTS = prepared_insert(t.verdict, lambda insert: insert.on_conflict_do_nothing())
_ADD_RANGES = prepared_insert(t.plan_range, lambda insert: insert.on_conflict_do_nothing())


def add_verdicts(connection: Connection, notification_id: int, exposures: Mapping[int, Sequence[Exposure]]) -> None:
    """Store the exposures at which each of these sets of preferences is notified."""
    rows = [
        {"notification_id": notification_id, "preference_id": preference_id, "standing": standing}
        for preference_id, reached in exposures.items()
        for standing in (_JUDGED, *(item.value for item in reached))
    ]
    if rows:
        connection.execute(_ADD_VERDICTS(connection), rows)


def add_ranges(connection: Connection, ranges: Sequence[PlanRange]) -> None:
    """Store the ranges to plan. Idempotent."""
    rows = [
        {
            "notification_id": item.notification_id,
            "number": item.number,
            "key_from": item.key_from,
            "key_to": item.key_to,
            "state": "open",
        }
        for item in ranges
    ]
    connection.execute(_ADD_RANGES(connection), rows)


_HAS_RANGES = select(t.plan_range.c.number).where(t.plan_range.c.notification_id == _NOTIFICATION).limit(1)
_OPEN_RANGES = select(func.count()).where(
    t.plan_range.c.notification_id == _NOTIFICATION, t.plan_range.c.state != "done"
)
_FINISH_RANGE = (
    update(t.plan_range)
    .where(
        t.plan_range.c.notification_id == _NOTIFICATION,
        t.plan_range.c.number == bindparam("this"),
        t.plan_range.c.state != "done",
    )
    .values(state="done", lease_until=None)
)


@cache
def _claim_range() -> ReturningUpdate[Any]:
    r = t.plan_range.c
    free = or_(r.state == "open", and_(r.state == "planning", r.lease_until < bindparam("now", type_=Instant)))
    first = (
        select(r.number)
        .where(r.notification_id == _NOTIFICATION, free)
        .order_by(r.number)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    return (
        update(t.plan_range)
        .where(r.notification_id == _NOTIFICATION, r.number == first)
        .values(state="planning")
        .returning(r.number, r.key_from, r.key_to)
    )


def has_ranges(connection: Connection, notification_id: int) -> bool:
    """Whether the audience has been cut into ranges."""
    return connection.execute(_HAS_RANGES, {"of": notification_id}).one_or_none() is not None


def claim_range(connection: Connection, notification_id: int, *, now: datetime, lease: timedelta) -> PlanRange | None:
    """Claim the next free range; None if all are claimed or done."""
    values = {"of": notification_id, "now": now, "lease_until": now + lease}
    row = connection.execute(_claim_range(), values).one_or_none()
    if row is None:
        return None
    return PlanRange(notification_id=notification_id, number=row.number, key_from=row.key_from, key_to=row.key_to)


def open_ranges(connection: Connection, notification_id: int) -> int:
    """Return the number of ranges not done."""
    return int(connection.execute(_OPEN_RANGES, {"of": notification_id}).scalar_one())


def finish_range(connection: Connection, item: PlanRange) -> bool:
    """Mark a range as planned; False if it was already (by a worker whose lease had expired)."""
    values = {"of": item.notification_id, "this": item.number}
    return connection.execute(_FINISH_RANGE, values).rowcount == 1


ACCOUNT_PREFERENCE_ID = 0  # accounts have no preferences: the rule's defaults apply


def plan_range(
    connection: Connection,
    item: PlanRange,
    *,
    channel: Channel,
    incident_id: str,
    prior: Sequence[Earlier],
    episode_start: int,
    queue: QueueName,
    batch_size: int,
    superseded: bool,
    now: datetime,
    quiet: Sequence[QuietSpan] = (),
    followers: Followers | None = None,
) -> list[PlannedBatch]:
    """Turn one range into deliveries, grouped into batches that are rendered alike.

    Args:
        connection: In a write transaction.
        item: The range. Planning it twice gives the same rows.
        channel: The audience's channel.
        incident_id: The notification's incident.
        prior: The earlier notifications, all of them planned.
        episode_start: Sequence of the episode's first notification.
        queue: Queue of the batches.
        batch_size: Maximum recipients of a batch.
        superseded: A newer notification exists: plan, to keep exposures correct, but send nothing.
        now: Aware UTC instant.
        quiet: Quiet hours in effect, and when they end; these recipients get batches of their own,
            due then.
        followers: Replaces the channel's audience; `prior` is then empty.
    """
    first_batch = (item.notification_id << _NOTIFICATION_SHIFT) | (item.number << _RANGE_SHIFT)
    held = Deferred.of(quiet)
    placed = audience_sql.placed(channel, prior, held, followers)
    values = {
        **held.values,
        **(followers.values if followers else {}),
        "notification_id": item.notification_id,
        "incident_id": incident_id,
        "key_from": item.key_from,
        "key_to": item.key_to,
        "episode_start": episode_start,
        "first_batch": first_batch,
        "last_batch": first_batch + MAX_BATCHES_PER_RANGE - 1,
        "batch_size": batch_size,
    }
    if channel is Channel.WEBHOOK:
        values["disabled_since"] = to_micros(now - MISSED_FOR)
    group = _Group(channel, queue, settle=_in_flight(connection, prior), superseded=superseded)
    if is_sqlite(connection):
        connection.execute(text(f"{placed} {audience_sql.DELIVERIES}"), values)
        locale, recipients = audience_sql.BATCH_LOCALE[channel]
        table = f"{audience_sql.PLANNED_NOW} {recipients} {held.join.format(table='d')}"
        return _add_batches(connection, _Planned(held.alone, table, locale, held.until, values), group, now)
    # Tables that fill during an incident have no statistics yet. PostgreSQL then expects one row
    # and chooses nested loops over twenty thousand. Batches are counted during the insert: reading
    # them back with their locales would cost as much as planning.
    connection.execute(text("SET LOCAL enable_nestloop = off"))
    head, until = f"{placed}, inserted AS ({audience_sql.DELIVERIES})", "MAX(d.until)" if quiet else "NULL"
    return _add_batches(connection, _Planned(head, "numbered d", "d.locale", until, values), group, now)


def _in_flight(connection: Connection, prior: Sequence[Earlier]) -> bool:
    """Whether an earlier message is in flight, so that its recipients are not known yet."""
    b = t.batch.c
    notification_ids = [each.id for each in prior]
    statement = (
        select(b.id).where(b.notification_id.in_(notification_ids), b.state == DeliveryState.SENDING.value).limit(1)
    )
    return bool(notification_ids) and connection.execute(statement).one_or_none() is not None


@dataclass(frozen=True, slots=True)
class _Group:
    """What the batches of one range have in common."""

    channel: Channel
    queue: QueueName
    settle: bool
    superseded: bool


@dataclass(frozen=True, slots=True)
class _Planned:
    """The SQL of a range's deliveries: preceding CTEs, the table `d`, two of its columns."""

    head: str
    table: str
    locale: str
    until: str
    values: Mapping[str, Any]


def _add_batches(connection: Connection, planned: _Planned, group: _Group, now: datetime) -> list[PlannedBatch]:
    due, superseded = to_micros(now), group.superseded
    state = DeliveryState.SUPERSEDED if superseded else DeliveryState.QUEUED
    rows = connection.execute(
        text(f"""
            {planned.head}
            INSERT INTO batch (id, notification_id, channel, lane, locale, since, size, state, reason, settle,
                               due_at, nudged_at, finished_at, attempts)
            SELECT d.batch_id, :notification_id, :channel, :lane, MIN({planned.locale}), MIN(d.since), COUNT(*),
                   :state, COALESCE(:reason, CASE WHEN {planned.until} IS NOT NULL THEN 'quiet_hours' END), :settle,
                   COALESCE({planned.until}, :due_at), :due_at, :finished_at, 0
            FROM {planned.table}
            GROUP BY d.batch_id
            ON CONFLICT DO NOTHING
            RETURNING id, size, due_at""").bindparams(  # noqa: S608 - built of constants and integers
            bindparam("due_at", None if superseded else now, type_=t.batch.c.due_at.type),
            bindparam("finished_at", now if superseded else None, type_=t.batch.c.finished_at.type),
            bindparam("settle", group.settle, type_=t.batch.c.settle.type),
            bindparam("reason", Reason.NEWER_UPDATE.value if superseded else None, type_=t.batch.c.reason.type),
        ),
        {**planned.values, "channel": group.channel.value, "lane": group.queue.value, "state": state.value},
    )
    return sorted(
        (
            PlannedBatch(id=row.id, queue=group.queue, size=row.size, queued=not superseded and row.due_at <= due)
            for row in rows
        ),
        key=lambda batch: batch.id,
    )


def recipient_bounds(connection: Connection, channel: Channel) -> int:
    """Return the highest recipient key of a channel whose keys are row ids (webhook, social)."""
    table: Any = t.endpoint if channel is Channel.WEBHOOK else t.account
    return connection.execute(select(func.max(table.c.id))).scalar_one() or 0
