from collections.abc import Callable
from pathlib import Path

import pytest

from notifier.domain.errors import ConfigError
from notifier.storage.database.engine import Database
from notifier.storage.schema import migrate, shape, version
from tests.integration.storage.schema.changes import change


def test_the_code_asks_for_the_newest_migration() -> None:
    assert migrate.head() == version.HEAD


def test_a_migrated_schema_fits_and_bears_its_fingerprint(own_database: Database) -> None:
    assert version.Fitness(own_database).fault() is None
    assert migrate.faults(own_database) == []
    with own_database.read() as connection:
        found = version.state(connection)
        assert found.fingerprint == shape.fingerprint(shape.of_database(connection))
        assert version.is_as_made(connection)


def test_what_somebody_added_by_hand_does_no_harm_and_is_noticed(own_database: Database) -> None:
    change(own_database, "CREATE INDEX dba_wanted_it ON event (incident_id)", "ALTER TABLE event ADD COLUMN note TEXT")
    assert version.Fitness(own_database).fault() is None
    with own_database.read() as connection:
        assert not version.is_as_made(connection)


def test_a_database_that_a_newer_version_upgraded_goes_on_serving_this_one(own_database: Database) -> None:
    change(own_database, "ALTER TABLE event ADD COLUMN later TEXT", "UPDATE alembic_version SET version_num = '0099'")
    assert version.Fitness(own_database).fault() is None
    migrate.upgrade(own_database)
    assert migrate.current(own_database) == "0099"


def test_a_newer_database_that_lost_what_this_version_needs_is_refused(own_database: Database) -> None:
    change(own_database, "ALTER TABLE event DROP COLUMN author", "UPDATE alembic_version SET version_num = '0099'")
    assert "event.author" in str(version.Fitness(own_database).fault())


def test_an_empty_database_and_one_of_another_program_are_told_apart(
    own_database: Database, fresh_sqlite: Callable[[], Database]
) -> None:
    assert "missing" in str(version.Fitness(fresh_sqlite()).fault())
    change(own_database, "UPDATE alembic_version SET version_num = 'b2f1'")
    assert "schema b2f1" in str(version.Fitness(own_database).fault())
    with pytest.raises(ConfigError, match="b2f1"):
        migrate.upgrade(own_database)


@pytest.fixture
def fresh_sqlite(tmp_path: Path) -> Callable[[], Database]:
    return lambda: Database(f"sqlite:///{tmp_path / 'empty.db'}")
