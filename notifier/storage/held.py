"""Notifications that wait for a person: which there are, and what becomes of them."""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select, update

from notifier.domain.values import Channel
from notifier.storage import tables as t
from notifier.storage.codec import notice_to_json
from notifier.storage.notifications import StoredNotification, get
from notifier.storage.types import AnyRow

HELD, CANCELED, REPLACED, PLANNING = "held", "canceled", "superseded", "planning"


_WAITING = (
    select(t.notification.c.id)
    .where(
        t.notification.c.incident_id == bindparam("incident_id"),
        t.notification.c.channel == bindparam("channel"),
        t.notification.c.state == HELD,
    )
    .limit(1)
)


def is_any(connection: Connection, incident_id: str, channel: Channel) -> bool:
    """Whether a notification of this incident waits on this channel."""
    found = connection.execute(_WAITING, {"incident_id": incident_id, "channel": channel.value})
    return found.one_or_none() is not None


def around(connection: Connection, stored: StoredNotification, *, older: bool) -> list[StoredNotification]:
    """Return what else waits of the same incident and channel, decided before (or after) this one, in order."""
    n = t.notification.c
    side = n.sequence < stored.notice.sequence if older else n.sequence > stored.notice.sequence
    statement = (
        select(n.id)
        .where(n.incident_id == stored.notice.incident.id, n.channel == stored.channel.value, n.state == HELD, side)
        .order_by(n.sequence)
    )
    found = [get(connection, number) for number in connection.execute(statement).scalars().all()]
    return [each for each in found if each]


def move(connection: Connection, numbers: Sequence[int], state: str) -> None:
    """Let notifications that wait go on, or end."""
    n = t.notification.c
    connection.execute(update(t.notification).where(n.id.in_(numbers), n.state == HELD).values(state=state))


def unsay(connection: Connection, stored: StoredNotification) -> None:
    """Take back what a notification would have told: no later one tells it either."""
    a, n = t.announcement.c, t.notification.c
    incident_id, sequence = stored.notice.incident.id, stored.notice.sequence
    own = (a.incident_id == incident_id, a.channel == stored.channel.value, a.sequence == sequence)
    connection.execute(update(t.announcement).where(*own).values(sequence=None, reason=CANCELED))
    for later in around(connection, stored, older=False):
        content = notice_to_json(later.notice)
        content["updates"] = [item for item in content["updates"] if item["sequence"] != sequence]
        connection.execute(update(t.notification).where(n.id == later.id).values(content=content))


def waiting(connection: Connection, limit: int) -> Sequence[AnyRow]:
    """Return the rows of what waits, oldest first."""
    n = t.notification.c
    return connection.execute(select(t.notification).where(n.state == HELD).order_by(n.id).limit(limit)).all()
