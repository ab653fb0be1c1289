"""Tallies: what happens seldom and must be counted for good, whichever process it happens in."""

from collections.abc import Mapping

from sqlalchemy import Connection, select

from notifier.storage import tables as t
from notifier.storage.database.dialect import insert

# Names; each number counts recipients.
MAIL_UNKNOWN = "mail_unknown"  # by provider (`worker`: a worker vanished with them): told or not, nobody knows
MAIL_CONFIRMED = "mail_confirmed"  # of those, by provider: its events said that they were told
MAIL_REPEATED = "mail_repeated"  # by `first>second` provider: written to again without evidence, so perhaps twice


def add(connection: Connection, name: str, label: str, number: int) -> None:
    """Count `number` more under a name and a label, both from closed sets."""
    if number <= 0:
        return
    statement = insert(connection, t.counter).values(name=name, label=label, number=number)
    more = {"number": t.counter.c.number + statement.excluded.number}
    connection.execute(statement.on_conflict_do_update(index_elements=["name", "label"], set_=more))


def counted(connection: Connection) -> Mapping[tuple[str, str], int]:
    """Return every tally by (name, label)."""
    return {(row.name, row.label): row.number for row in connection.execute(select(t.counter))}
