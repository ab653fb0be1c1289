"""The few places where SQLite and PostgreSQL are spelled differently."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def is_sqlite(connection: Connection) -> bool:
    """Whether this transaction runs on SQLite."""
    return connection.dialect.name == "sqlite"


def insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that knows ON CONFLICT; both dialects spell it alike but have no common class."""
    return sqlite.insert(table) if is_sqlite(connection) else postgresql.insert(table)
