"""Pages that are polled: one poller at a time by lease, and what the last polls found."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, select, update

from notifier.domain.proposals.polled_page import PolledPage
from notifier.storage import tables as t
from notifier.storage.database.dialect import prepared_insert
from notifier.storage.database.types import AnyRow

_P = t.polled_page.c
_FIELDS = ("name", "next_poll_at", "failures", "last_ok_at", "last_error", "error_at", "cursor")
_ADD = prepared_insert(t.polled_page, lambda insert: insert.on_conflict_do_nothing())


def find(connection: Connection, name: str) -> PolledPage | None:
    """Return a page; None if it was never polled."""
    row = connection.execute(select(t.polled_page).where(_P.name == name)).one_or_none()
    return None if row is None else _read(row)


def claim(
    connection: Connection, name: str, owner: str, *, now: datetime, until: datetime, by: datetime
) -> PolledPage | None:
    """Take the lease of a page that is due; None: another poller has it, or it is not due.

    Args:
        connection: The transaction.
        name: The page, `upstream:NAME` or `source:NAME`.
        owner: Who polls.
        now: The present.
        until: When the lease ends, unless `done` or `failed` end it before.
        by: The latest time at which a page that works is polled next: it is due earlier if its period
            was shortened.
    """
    row = {"name": name, "next_poll_at": now, "failures": 0, "cursor": {}}
    connection.execute(_ADD(connection), row)
    is_due = (_P.next_poll_at <= now) | and_(_P.lease_owner.is_(None), _P.failures == 0, _P.next_poll_at > by)
    taken = update(t.polled_page).where(_P.name == name, is_due)
    if not connection.execute(taken.values(lease_owner=owner, next_poll_at=until)).rowcount:
        return None
    return find(connection, name)


def done(
    connection: Connection, name: str, owner: str, *, now: datetime, next_at: datetime, cursor: Mapping[str, Any]
) -> bool:
    """Note that a page was read, and end the lease; False: the lease had ended, and nothing is noted."""
    values = {"failures": 0, "last_ok_at": now, "last_error": None, "error_at": None, "cursor": dict(cursor)}
    return _end(connection, name, owner, values | {"next_poll_at": next_at})


def failed(
    connection: Connection, name: str, owner: str, *, now: datetime, next_at: datetime, failures: int, error: str
) -> bool:
    """Note that a page could not be read for the `failures`-th time in a row, and end the lease; as `done`."""
    since = {"error_at": now} if failures == 1 else {}
    return _end(connection, name, owner, {"failures": failures, "last_error": error, "next_poll_at": next_at, **since})


def of(connection: Connection, names: Collection[str]) -> dict[str, PolledPage]:
    """Return those of the pages that were polled, by name."""
    rows = connection.execute(select(t.polled_page).where(_P.name.in_(names)))
    return {row.name: _read(row) for row in rows}


def unreadable(connection: Connection, names: Collection[str]) -> dict[str, datetime]:
    """Return those of the pages that cannot be read, with since when."""
    return {name: page.error_at for name, page in of(connection, names).items() if page.failures and page.error_at}


def _end(connection: Connection, name: str, owner: str, values: Mapping[str, Any]) -> bool:
    is_ours = and_(_P.name == name, _P.lease_owner == owner)
    return connection.execute(update(t.polled_page).where(is_ours).values(**values, lease_owner=None)).rowcount == 1


def _read(row: AnyRow) -> PolledPage:
    return PolledPage(**{field: getattr(row, field) for field in _FIELDS})
