"""The few differences between SQLite and PostgreSQL."""

from collections.abc import Callable
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, Executable, Table, text
from sqlalchemy.dialects import postgresql, sqlite

AnyInsert = postgresql.Insert | sqlite.Insert
"""An INSERT with ON CONFLICT: both dialects have it, but no common class."""


def is_sqlite(connection: Connection) -> bool:
    """Whether this transaction runs on SQLite."""
    return connection.dialect.name == "sqlite"


def clock(connection: Connection) -> datetime:
    """Return the PostgreSQL server's time; SQLite has no clock of its own."""
    return cast("datetime", connection.execute(text("SELECT clock_timestamp()")).scalar_one())


def insert(connection: Connection, table: Table) -> AnyInsert:
    """Return an INSERT of this transaction's dialect."""
    return sqlite.insert(table) if is_sqlite(connection) else postgresql.insert(table)


def prepared_insert(table: Table, build: Callable[[AnyInsert], Executable]) -> Callable[[Connection], Executable]:
    """Build an INSERT once per dialect: building a statement takes longer than running it."""
    on_sqlite, on_postgresql = build(sqlite.insert(table)), build(postgresql.insert(table))
    return lambda connection: on_sqlite if is_sqlite(connection) else on_postgresql
