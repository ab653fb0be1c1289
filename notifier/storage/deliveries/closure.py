"""Closure: who was notified of an incident's beginning and end, and why others were not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Subquery, and_, case, exists, func, or_, select

from notifier.domain import canary
from notifier.domain.incidents.closure import Announcement, Ending, Unnotified
from notifier.domain.values import ACCEPTED, Channel, DeliveryState, Reason, Status, UpdateLevel
from notifier.storage import tables as t
from notifier.storage.database.types import AnyRow

_OVER = [status.value for status in Status if status.is_over]
_STATES = ("planning", "planned", "held")


@dataclass(frozen=True, slots=True)
class ClosureCounts:
    """The counts of one incident and channel.

    `began` includes recipients who want only the end and still have to get it. Reading `unnotified`
    needs no database: there may be a hundred thousand.
    """

    began: int
    ended: int
    rows: Sequence[AnyRow]

    def unnotified(self) -> Iterator[Unnotified]:
        """Return those who were notified of the beginning only."""
        return map(_read, self.rows)


def closed_incidents(connection: Connection, since: datetime | None) -> list[str]:
    """Return the ids of ended incidents by their last update; with `since`, from then on."""
    i = t.incident.c
    statement = (
        select(i.id).where(i.status.in_(_OVER), i.id.not_like(f"{canary.PREFIX}%")).order_by(i.latest_posted_at, i.id)
    )
    if since is not None:
        statement = statement.where(i.latest_posted_at >= since)
    return list(connection.execute(statement).scalars())


def announcements(connection: Connection, incident_id: str) -> dict[Channel, list[Announcement]]:
    """Return an incident's notifications per channel, in order, without late translations."""
    n = t.notification.c
    statement = (
        select(n.id, n.channel, n.state, n.content)
        .where(n.incident_id == incident_id, n.follows.is_(None), n.state.in_(_STATES))
        .order_by(n.channel, n.sequence)
    )
    found: dict[Channel, list[Announcement]] = {}
    for row in connection.execute(statement):
        if not row.content.get("updates"):
            continue  # malformed, and sent to nobody: one such message must not hide the others
        status = Status(row.content["updates"][-1]["status"])
        found.setdefault(Channel(row.channel), []).append(Announcement(id=row.id, status=status, state=row.state))
    return found


def is_pruned(connection: Connection, notifications: Sequence[int]) -> bool:
    """Whether retention has removed deliveries of any of these."""
    p = t.pruned.c
    statement = select(p.notification_id).where(p.notification_id.in_(notifications)).limit(1)
    return connection.execute(statement).one_or_none() is not None


def count(connection: Connection, incident_id: str, channel: Channel, ending: Ending) -> ClosureCounts:
    """Count who was notified of the beginning and of the end, and list those who missed the end."""
    heard = _heard(ending)
    sums = select(func.coalesce(func.sum(heard.c.told), 0), func.coalesce(func.sum(heard.c.ended), 0))
    began, ended = connection.execute(sums).one()
    rows = connection.execute(_unnotified(incident_id, channel, heard)).all()
    return ClosureCounts(began + sum(not row.told for row in rows), ended, rows)


def _heard(ending: Ending) -> Subquery:
    """One row per recipient: did anything reach them, did the end, and its last delivery."""
    d, b = t.delivery.c, t.batch.c
    took, ends = func.coalesce(d.state, b.state).in_(ACCEPTED), d.notification_id.in_(ending.ends)
    return (
        select(
            d.recipient_key.label("key"),
            func.max(d.recipient_id).label("recipient_id"),
            func.max(case((took, 1), else_=0)).label("told"),
            func.max(case((and_(took, ends), 1), else_=0)).label("ended"),
            func.max(case((ends, d.notification_id))).label("end_id"),
        )
        .join(t.batch, b.id == d.batch_id)
        .where(d.notification_id.in_(ending.sent))
        .group_by(d.recipient_key)
        .subquery()
    )


@dataclass(frozen=True, slots=True)
class _Side:
    """How a channel names its recipients, and what shows that they no longer receive."""

    table: FromClause
    name: ColumnElement[Any]
    has_left: ColumnElement[bool]
    is_suppressed: ColumnElement[bool]
    is_disabled: ColumnElement[bool]
    wants_end_alone: ColumnElement[bool]


def _side(incident_id: str, channel: Channel, heard: Subquery) -> _Side:
    s, e, a, o, x = t.subscriber.c, t.endpoint.c, t.account.c, t.opt_out.c, t.suppression.c
    no = heard.c.key.is_(None)
    final = select(t.preference.c.id).where(t.preference.c.canonical.contains(f'"updates":"{UpdateLevel.RESOLUTION}"'))
    if channel is Channel.WEBHOOK:
        return _Side(t.endpoint, e.public_id, no, no, e.state != "active", e.preference_id.in_(final))
    if channel is Channel.SOCIAL:
        return _Side(t.account, a.name, no, no, a.active.is_(False), no)
    opted_out = exists().where(o.incident_id == incident_id, o.address_key == heard.c.key)
    stopped = exists().where(x.address_key == heard.c.key, x.channel == channel.value)
    return _Side(
        t.subscriber,
        s.external_id,
        or_(s.state == "unsubscribed", opted_out),
        or_(s.state == "suppressed", stopped),
        no,
        s.preference_id.in_(final),
    )


def _unnotified(incident_id: str, channel: Channel, heard: Subquery) -> Any:
    d, b, h = t.delivery.c, t.batch.c, heard.c
    side = _side(incident_id, channel, heard)
    return (
        select(
            side.name.label("recipient"),
            h.told,
            func.coalesce(d.state, b.state).label("state"),
            func.coalesce(d.reason, b.reason).label("reason"),
            func.coalesce(d.due_at, b.due_at).label("due_at"),
            func.coalesce(d.attempts, b.attempts, 0).label("attempts"),
            func.coalesce(side.has_left, False).label("has_left"),
            func.coalesce(side.is_suppressed, False).label("is_suppressed"),
            func.coalesce(side.is_disabled, False).label("is_disabled"),
        )
        .select_from(heard)
        .outerjoin(t.delivery, and_(d.notification_id == h.end_id, d.recipient_key == h.key))
        .outerjoin(t.batch, b.id == d.batch_id)
        .outerjoin(side.table, side.table.c.id == h.recipient_id)
        .where(h.ended == 0, or_(h.told == 1, and_(h.end_id.is_not(None), side.wants_end_alone)))
        .order_by(h.key)
    )


def _read(row: AnyRow) -> Unnotified:
    return Unnotified(
        recipient=row.recipient,
        state=DeliveryState(row.state) if row.state else None,
        reason=Reason(row.reason) if row.reason else None,
        due_at=row.due_at,
        attempts=row.attempts,
        has_left=bool(row.has_left),
        is_suppressed=bool(row.is_suppressed),
        is_disabled=bool(row.is_disabled),
    )
