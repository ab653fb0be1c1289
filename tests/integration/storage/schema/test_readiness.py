from datetime import UTC, datetime

from sqlalchemy import text

from notifier.storage.database.engine import Database
from notifier.storage.schema.readiness import DatabaseCheck
from notifier.storage.schema.version import Fitness

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def check_of(database: Database) -> DatabaseCheck:
    return DatabaseCheck(database, Fitness(database), lambda: NOW)


def test_a_database_that_takes_writes_is_ready_and_remembers_when_it_was_asked(database: Database) -> None:
    assert check_of(database).trouble() is None
    with database.read() as connection:
        probe = connection.execute(text("SELECT value FROM meta WHERE key = 'probe'")).scalar_one()
    assert bytes(probe) == NOW.isoformat().encode()


def test_a_database_with_an_older_schema_is_not_ready(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert "notifier db upgrade" in (check_of(database).trouble() or "")
