"""Progress of a notification, computed from its batches and the few deliveries that differ.

A million deliveries are not read one by one: those not counted otherwise share their batch's
accepted state.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, or_, select

from notifier.domain.values import ACCEPTED, PENDING, DeliveryState
from notifier.storage import tables as t
from notifier.storage.database.types import AnyRow

_N, _B, _D = t.notification.c, t.batch.c, t.delivery.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The recipients that share a state and a reason. `due_at`: the first one's next attempt."""

    state: str
    reason: str | None
    number: int
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The progress of one notification.

    `parts`: the recipients it has not reached. `first`, `last`: when the first and the last batch
    was accepted.
    """

    recipients: int
    parts: Sequence[Part]
    first: datetime | None
    last: datetime | None


def newest(connection: Connection, incident_id: str) -> Sequence[AnyRow]:
    """Return each channel's newest notification, without late translations and canceled ones."""
    own = and_(_N.incident_id == incident_id, _N.follows.is_(None), _N.state.in_(["planning", "planned", "held"]))
    last = select(_N.channel, func.max(_N.sequence).label("sequence")).where(own).group_by(_N.channel).subquery()
    same = and_(_N.channel == last.c.channel, _N.sequence == last.c.sequence, _N.incident_id == incident_id)
    columns = (_N.id, _N.public_id, _N.channel, _N.sequence, _N.state, _N.created_at)
    return connection.execute(select(*columns).join(last, same).order_by(_N.channel)).all()


def counted(connection: Connection, notification_id: int) -> Counted:
    """Compute the progress of one notification."""
    total = connection.execute(select(func.count()).where(_D.notification_id == notification_id)).scalar_one()
    apart = _apart(connection, notification_id)
    took = and_(_B.notification_id == notification_id, _B.state.in_(ACCEPTED))
    ends = select(func.min(_B.finished_at), func.max(_B.finished_at)).where(took)
    first, last = connection.execute(ends).one()
    parts = [
        *_of_batches(connection, notification_id, apart),
        *(_part(row) for row in apart if row.state not in ACCEPTED),
    ]
    return Counted(recipients=total, parts=parts, first=first, last=last)


def _apart(connection: Connection, notification_id: int) -> Sequence[AnyRow]:
    """Count the deliveries whose own state differs from what their batch implies."""
    unaccepted = select(_B.id).where(_B.notification_id == notification_id, _B.state.not_in(ACCEPTED))
    differs = or_(_D.state.not_in(ACCEPTED), _D.batch_id.in_(unaccepted))
    statement = (
        select(_D.batch_id, _D.state, _D.reason, func.count().label("number"), func.min(_D.due_at).label("due_at"))
        .where(_D.notification_id == notification_id, _D.state.is_not(None), differs)
        .group_by(_D.batch_id, _D.state, _D.reason)
    )
    return connection.execute(statement).all()


def _part(row: AnyRow) -> Part:
    return Part(state=row.state, reason=row.reason, number=row.number, due_at=row.due_at)


def _of_batches(connection: Connection, notification_id: int, apart: Sequence[AnyRow]) -> list[Part]:
    """Count the recipients who share the state of a batch that nobody accepted."""
    columns = (_B.id, _B.state, _B.reason, _B.size, _B.due_at)
    rows = connection.execute(
        select(*columns).where(_B.notification_id == notification_id, _B.state.not_in(ACCEPTED))
    ).all()
    gone: dict[int, int] = {}
    for row in apart:
        # A batch's size already excludes superseded recipients.
        if row.state != DeliveryState.SUPERSEDED.value:
            gone[row.batch_id] = gone.get(row.batch_id, 0) + row.number
    ended = _left_in(connection, [row.id for row in rows if row.state not in PENDING])
    parts = []
    for row in rows:
        left = row.size - gone.get(row.id, 0) if row.state in PENDING else ended.get(row.id, 0)
        if left > 0:
            due_at = row.due_at if row.state == DeliveryState.QUEUED.value else None
            parts.append(Part(state=row.state, reason=row.reason, number=left, due_at=due_at))
    return parts


def _left_in(connection: Connection, batches: Sequence[int]) -> dict[int, int]:
    """Count the recipients of finished batches; batches split into smaller ones are empty."""
    if not batches:
        return {}
    mine = and_(_D.batch_id.in_(batches), _D.state.is_(None))
    rows = connection.execute(select(_D.batch_id, func.count().label("number")).where(mine).group_by(_D.batch_id))
    return {row.batch_id: row.number for row in rows}
