"""Changes of a schema by hand."""

from sqlalchemy import Connection, text

from notifier.storage.database.dialect import is_sqlite
from notifier.storage.database.engine import Database
from notifier.storage.tables import metadata


def change(database: Database, *statements: str) -> None:
    with database.write() as connection:
        for statement in statements:
            connection.execute(text(statement))


def empty(connection: Connection) -> None:
    if is_sqlite(connection):
        metadata.drop_all(connection)
    else:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
