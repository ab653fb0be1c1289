import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from notifier.domain.errors import ConfigError
from notifier.storage import migrations
from notifier.storage.database.dialect import is_sqlite
from notifier.storage.database.engine import Database
from notifier.storage.schema import migrate, shape, version
from notifier.storage.tables import metadata
from tests.databases import PostgresqlDatabases

_FROZEN = "0001_create_the_ledger.py", "220e6aeefe434c068ba0f8ec81f34fbd38dc2333f0ea07fd5ac1958d9f0a5374"
_POSTGRESQL_CATALOGUE = (
    """SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'""",
    "SELECT indexname, indexdef, NULL FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
)
_SQLITE_CATALOGUE = (
    """SELECT m.name, c.name, c.type, c."notnull", c.dflt_value, c.pk FROM sqlite_master m, pragma_table_info(m.name) c
    WHERE m.type = 'table' AND m.name NOT IN ('alembic_version', 'sqlite_sequence')""",
    "SELECT name, replace(sql, '\n', ' '), NULL FROM sqlite_master WHERE type = 'index'",
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def own_database(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A database whose schema the test may change."""
    if request.param == "sqlite":
        path = tmp_path / "own.db"
        path.write_bytes(sqlite_template.read_bytes())
        found = Database(f"sqlite:///{path}")
        yield found
        found.close()
    else:
        databases: PostgresqlDatabases = request.getfixturevalue("postgresql_databases")
        with databases.fresh() as found:
            yield found


def _change(database: Database, *statements: str) -> None:
    with database.write() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_the_first_migration_is_frozen() -> None:
    name, digest = _FROZEN
    content = (Path(migrations.__file__).parent / "versions" / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == digest, "databases exist that 0001 made: write a migration of its own"


def test_the_code_asks_for_the_newest_migration() -> None:
    assert migrate.head() == version.HEAD


def test_migrations_make_what_the_tables_say(own_database: Database) -> None:
    with own_database.write() as connection:
        migrated = _catalogue(connection)
        _empty(connection)
        metadata.create_all(connection)
        declared = _catalogue(connection)
    assert migrated == declared


def _catalogue(connection: Connection) -> set[tuple[object, ...]]:
    asked = _SQLITE_CATALOGUE if is_sqlite(connection) else _POSTGRESQL_CATALOGUE
    return {tuple(row) for query in asked for row in connection.execute(text(query))}


def _empty(connection: Connection) -> None:
    if is_sqlite(connection):
        metadata.drop_all(connection)
    else:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))


def test_a_migrated_schema_fits_and_bears_its_fingerprint(own_database: Database) -> None:
    assert version.Fitness(own_database).fault() is None
    assert migrate.faults(own_database) == []
    with own_database.read() as connection:
        found = version.state(connection)
        assert found.fingerprint == shape.fingerprint(shape.of_database(connection))
        assert version.is_as_made(connection)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("ALTER TABLE incident_update DROP COLUMN guarded", "incident_update.guarded"),
        ("DROP INDEX ix_batch_open", "index ix_batch_open"),
        ("DROP TABLE opt_out", "opt_out"),
        ("ALTER TABLE opt_out RENAME COLUMN since TO later", "opt_out.since"),
    ],
)
def test_a_schema_that_lacks_something_is_refused_by_name(own_database: Database, statement: str, named: str) -> None:
    _change(own_database, statement)
    assert migrate.faults(own_database) == [named]
    assert f": {named}." in str(version.Fitness(own_database).fault())


@pytest.mark.postgres
def test_a_column_of_another_type_is_refused_by_name(postgresql_databases: PostgresqlDatabases) -> None:
    with postgresql_databases.fresh() as database:
        _change(database, "ALTER TABLE event ALTER COLUMN author TYPE integer USING 1")
        assert migrate.faults(database) == ["event.author"]


def test_what_somebody_added_by_hand_does_no_harm_and_is_noticed(own_database: Database) -> None:
    _change(own_database, "CREATE INDEX dba_wanted_it ON event (incident_id)", "ALTER TABLE event ADD COLUMN note TEXT")
    assert version.Fitness(own_database).fault() is None
    with own_database.read() as connection:
        assert not version.is_as_made(connection)


def test_a_database_that_a_newer_version_upgraded_goes_on_serving_this_one(own_database: Database) -> None:
    _change(own_database, "ALTER TABLE event ADD COLUMN later TEXT", "UPDATE alembic_version SET version_num = '0099'")
    assert version.Fitness(own_database).fault() is None
    migrate.upgrade(own_database)
    assert migrate.current(own_database) == "0099"


def test_a_newer_database_that_lost_what_this_version_needs_is_refused(own_database: Database) -> None:
    _change(own_database, "ALTER TABLE event DROP COLUMN author", "UPDATE alembic_version SET version_num = '0099'")
    assert "event.author" in str(version.Fitness(own_database).fault())


def test_a_database_of_an_unreleased_version_is_named_before_and_refused_at_the_upgrade(own_database: Database) -> None:
    with own_database.write() as connection:
        _empty(connection)
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    _first_migration(own_database)
    _change(own_database, "ALTER TABLE incident_update DROP COLUMN guarded")
    assert migrate.faults(own_database) == ["incident_update.guarded"]
    with pytest.raises(ConfigError, match=r"incident_update\.guarded"):
        migrate.upgrade(own_database)
    assert migrate.current(own_database) == "0001"
    with own_database.read() as connection:
        assert "author" not in {name.partition(".")[2] for name in shape.of_database(connection) if "event." in name}


def _first_migration(database: Database) -> None:
    with database.write() as connection:
        migrate.upgrade_to(connection, "0001")


def test_an_empty_database_and_one_of_another_program_are_told_apart(
    own_database: Database, fresh_sqlite: Callable[[], Database]
) -> None:
    assert "missing" in str(version.Fitness(fresh_sqlite()).fault())
    _change(own_database, "UPDATE alembic_version SET version_num = 'b2f1'")
    assert "schema b2f1" in str(version.Fitness(own_database).fault())
    with pytest.raises(ConfigError, match="b2f1"):
        migrate.upgrade(own_database)


@pytest.fixture
def fresh_sqlite(tmp_path: Path) -> Callable[[], Database]:
    return lambda: Database(f"sqlite:///{tmp_path / 'empty.db'}")
