"""Move the delivery history to a new address: deliveries identify recipients by address hash."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, and_, exists, literal, select, update

from notifier.domain.values import Channel
from notifier.storage import tables as t
from notifier.storage.database.dialect import insert

_CHUNK = 500
_RECENT = 1_000  # notifications whose deliveries are moved, besides those of open incidents
_COPIED = ("notification_id", "recipient_id", "batch_id", "since", "state", "reason", "attempts", "updated_at")


def move(connection: Connection, subscriber_id: int, old_key: int, new_key: int) -> None:
    """Move deliveries and opt-outs from single incidents to a new address.

    If other subscribers keep the old address, its deliveries stay, and those of open incidents are
    copied to the new one. Call it after changing the subscriber. Idempotent.
    """
    running = _running(connection)
    shared = connection.execute(select(t.subscriber.c.id).where(t.subscriber.c.address_key == old_key).limit(1))
    if shared.one_or_none() is None:
        for some in _chunks(sorted({*running, *_recent(connection)})):
            _move(connection, some, subscriber_id, old_key, new_key)
    else:
        for some in _chunks(running):
            _copy(connection, some, subscriber_id, old_key, new_key)
    o = t.opt_out.c
    outs = select(o.incident_id, literal(new_key), o.since).where(o.address_key == old_key)
    statement = insert(connection, t.opt_out).from_select(["incident_id", "address_key", "since"], outs)
    connection.execute(statement.on_conflict_do_nothing())


def _move(connection: Connection, moved_ids: Sequence[int], subscriber_id: int, old_key: int, new_key: int) -> None:
    d, there = t.delivery.c, t.delivery.alias("there")
    taken = exists().where(there.c.notification_id == d.notification_id, there.c.recipient_key == new_key)
    mine = and_(d.notification_id.in_(moved_ids), d.recipient_key == old_key, d.recipient_id == subscriber_id, ~taken)
    moved = connection.execute(
        update(t.delivery).where(mine).values(recipient_key=new_key).returning(d.notification_id)
    ).scalars()
    notification_ids = list(moved)
    for table in (t.attempt, t.provider_event):
        about = and_(table.c.notification_id.in_(notification_ids), table.c.recipient_key == old_key)
        connection.execute(update(table).where(about).values(recipient_key=new_key))


def _copy(connection: Connection, moved_ids: Sequence[int], subscriber_id: int, old_key: int, new_key: int) -> None:
    d = t.delivery.c
    copied = select(*(d[name] for name in _COPIED), literal(new_key)).where(
        d.notification_id.in_(moved_ids), d.recipient_key == old_key, d.recipient_id == subscriber_id
    )
    statement = insert(connection, t.delivery).from_select([*_COPIED, "recipient_key"], copied)
    connection.execute(statement.on_conflict_do_nothing())


def _running(connection: Connection) -> list[int]:
    """Return the e-mail notifications of the current episodes of open incidents."""
    n, s = t.notification.c, t.channel_state.c
    statement = (
        select(n.id)
        .join(t.channel_state, and_(s.incident_id == n.incident_id, s.channel == n.channel, s.round == n.round))
        .where(n.channel == Channel.EMAIL.value, s.closed.is_(False))
    )
    return list(connection.execute(statement).scalars())


def _recent(connection: Connection) -> list[int]:
    n = t.notification.c
    statement = select(n.id).where(n.channel == Channel.EMAIL.value).order_by(n.id.desc()).limit(_RECENT)
    return list(connection.execute(statement).scalars())


def _chunks(moved_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (moved_ids[start : start + _CHUNK] for start in range(0, len(moved_ids), _CHUNK))
