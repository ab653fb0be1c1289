"""Suppressed addresses: for good on a channel, or for one incident. Keyed hashes only."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select

from notifier.domain.providers.discretion import without_addresses
from notifier.domain.recipients.subscriber import Suppression, SuppressionReason
from notifier.domain.values import Channel
from notifier.storage import tables as t
from notifier.storage.database.dialect import insert


def add(connection: Connection, address_key: int, suppression: Suppression) -> bool:
    """Store a suppression; False if the address already has one (its reason and date stay)."""
    return add_many(connection, [(address_key, suppression)]) == 1


def add_many(connection: Connection, items: Sequence[tuple[int, Suppression]]) -> int:
    """Store suppressions; returns how many were new."""
    if not items:
        return 0
    rows = [
        {
            "address_key": address_key,
            "channel": suppression.channel.value,
            "reason": suppression.reason.value,
            "detail": without_addresses(suppression.detail),
            "since": suppression.since,
        }
        for address_key, suppression in items
    ]
    statement = insert(connection, t.suppression).on_conflict_do_nothing().returning(t.suppression.c.address_key)
    return len(connection.execute(statement, rows).all())


def of_address(connection: Connection, address_key: int | None) -> tuple[Suppression, ...]:
    """Return an address's suppressions, one per channel."""
    if address_key is None:
        return ()
    return of_addresses(connection, [address_key]).get(address_key, ())


def mail_reason(connection: Connection, address_key: int | None) -> SuppressionReason | None:
    """Return why an address gets no mail; None if it may get some."""
    found = of_address(connection, address_key)
    return next((item.reason for item in found if item.channel is Channel.EMAIL), None)


def of_addresses(connection: Connection, address_keys: Sequence[int]) -> dict[int, tuple[Suppression, ...]]:
    """Return the suppressions of at most 1,000 addresses; addresses without any are omitted."""
    x = t.suppression.c
    statement = select(t.suppression).where(x.address_key.in_(address_keys)).order_by(x.address_key, x.channel)
    found: dict[int, tuple[Suppression, ...]] = {}
    for row in connection.execute(statement):
        item = Suppression(
            channel=Channel(row.channel), reason=SuppressionReason(row.reason), since=row.since, detail=row.detail
        )
        found[row.address_key] = (*found.get(row.address_key, ()), item)
    return found


def remove(connection: Connection, address_key: int, channel: Channel) -> bool:
    """Lift a suppression; False if there was none."""
    x = t.suppression.c
    statement = delete(t.suppression).where(x.address_key == address_key, x.channel == channel.value)
    return connection.execute(statement).rowcount == 1


def opt_out(connection: Connection, incident_id: str, address_key: int, since: datetime) -> bool:
    """Record that an address opted out of one incident; False if it already had."""
    row = {"incident_id": incident_id, "address_key": address_key, "since": since}
    statement = insert(connection, t.opt_out).values(row).on_conflict_do_nothing().returning(t.opt_out.c.address_key)
    return connection.execute(statement).one_or_none() is not None


def opt_in(connection: Connection, incident_id: str, address_key: int) -> bool:
    """Delete an opt-out from one incident; False if there was none."""
    o = t.opt_out.c
    statement = delete(t.opt_out).where(o.incident_id == incident_id, o.address_key == address_key)
    return connection.execute(statement).rowcount == 1


def opt_outs(connection: Connection, address_key: int) -> dict[str, datetime]:
    """Return the incidents an address opted out of, and since when."""
    o = t.opt_out.c
    rows = connection.execute(select(o.incident_id, o.since).where(o.address_key == address_key))
    return {row.incident_id: row.since for row in rows}


def forget_opt_outs(connection: Connection, address_key: int) -> None:
    """Delete all opt-outs of an address when its last subscriber is deleted."""
    connection.execute(delete(t.opt_out).where(t.opt_out.c.address_key == address_key))
