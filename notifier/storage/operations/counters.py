"""Durable counters of rare events, shared by all processes."""

from collections.abc import Mapping

from sqlalchemy import Connection, select

from notifier.storage import tables as t
from notifier.storage.database.dialect import insert

# Names. Each counts recipients.
MAIL_UNKNOWN = "mail_unknown"  # by provider (`worker`: its worker died): delivered or not, nobody knows
MAIL_CONFIRMED = "mail_confirmed"  # of those, by provider: confirmed by its events
MAIL_REPEATED = "mail_repeated"  # by `first>second` provider: resent without evidence, so perhaps received twice


def add(connection: Connection, name: str, label: str, number: int) -> None:
    """Increment a counter by `number`; name and label come from closed sets."""
    if number <= 0:
        return
    statement = insert(connection, t.counter).values(name=name, label=label, number=number)
    more = {"number": t.counter.c.number + statement.excluded.number}
    connection.execute(statement.on_conflict_do_update(index_elements=["name", "label"], set_=more))


def counted(connection: Connection) -> Mapping[tuple[str, str], int]:
    """Return every counter by (name, label)."""
    return {(row.name, row.label): row.number for row in connection.execute(select(t.counter))}
