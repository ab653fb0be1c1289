"""Live workers with their heartbeat counters, and the release of a dead worker's leases."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, select, update

from notifier.domain.values import Channel, DeliveryState
from notifier.storage import tables as t
from notifier.storage.database.dialect import prepared_insert
from notifier.storage.deliveries import leases
from notifier.storage.recipients import transactional_mail

_W = t.worker_process.c
_MOST = 10_000  # the most batches one process may hold at once


_BEAT = prepared_insert(
    t.worker_process,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["id"], set_={"beats": _W.beats + 1, "heartbeat_at": insert.excluded.heartbeat_at}
    ).returning(_W.beats),
)


def beat(connection: Connection, owner: str, now: datetime) -> int:
    """Increment a worker's heartbeat counter and return it; 1 for an unregistered process."""
    return int(connection.execute(_BEAT(connection), {"id": owner, "beats": 1, "heartbeat_at": now}).scalar_one())


def beats(connection: Connection) -> Mapping[str, int]:
    """Return the heartbeat counters by worker."""
    return {row.id: row.beats for row in connection.execute(select(_W.id, _W.beats))}


def prove_writable(connection: Connection) -> None:
    """Fail if no worker could write a heartbeat: the database is locked, full or read-only."""
    leave(connection, "")


def leave(connection: Connection, owner: str) -> None:
    """Unregister a worker."""
    connection.execute(delete(t.worker_process).where(_W.id == owner))


def is_stalled(connection: Connection, owner: str, beats: int) -> bool:
    """Whether a worker's heartbeat counter still equals `beats`; locked for this transaction.

    False also while it is writing one: a process resumed after a suspension holds its row for some
    seconds.
    """
    found = select(_W.id).where(_W.id == owner, _W.beats == beats).with_for_update(skip_locked=True)
    return connection.execute(found).one_or_none() is not None


def end_leases(
    connection: Connection, owner: str, now: datetime, *, mail_waits: timedelta
) -> list[tuple[int, Channel, int]]:
    """Release all leases of a worker; returns its batches like `leases.expire_leases`."""
    _end_slow_answers(connection, owner, now)
    transactional_mail.end_leases(connection, owner, now)
    return leases.expire_leases(connection, now, _MOST, mail_waits=mail_waits, owner=owner)


def _end_slow_answers(connection: Connection, owner: str, now: datetime) -> None:
    """Make due what slow receivers had not answered.

    Each such delivery has its own lease, though its batch is finished.
    """
    d, b = t.delivery.c, t.batch.c
    finished = select(b.id).where(b.id == d.batch_id, b.lease_owner == owner, b.state == DeliveryState.ACCEPTED.value)
    waiting = and_(d.due_at.is_not(None), d.due_at > now, d.state == DeliveryState.SENDING.value)
    connection.execute(update(t.delivery).where(waiting, finished.exists()).values(due_at=now))
