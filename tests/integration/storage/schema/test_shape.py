import pytest
from sqlalchemy import Connection, text

from notifier.storage.database.dialect import is_sqlite
from notifier.storage.database.engine import Database
from notifier.storage.schema import migrate, version
from notifier.storage.tables import metadata
from tests.databases import PostgresqlDatabases
from tests.integration.storage.schema.changes import change, empty

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


def test_migrations_make_what_the_tables_say(own_database: Database) -> None:
    with own_database.write() as connection:
        migrated = _catalogue(connection)
        empty(connection)
        metadata.create_all(connection)
        declared = _catalogue(connection)
    assert migrated == declared


def _catalogue(connection: Connection) -> set[tuple[object, ...]]:
    asked = _SQLITE_CATALOGUE if is_sqlite(connection) else _POSTGRESQL_CATALOGUE
    return {tuple(row) for query in asked for row in connection.execute(text(query))}


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
    change(own_database, statement)
    assert migrate.faults(own_database) == [named]
    assert f": {named}." in str(version.Fitness(own_database).fault())


@pytest.mark.postgres
def test_a_column_of_another_type_is_refused_by_name(postgresql_databases: PostgresqlDatabases) -> None:
    with postgresql_databases.fresh() as database:
        change(database, "ALTER TABLE event ALTER COLUMN author TYPE integer USING 1")
        assert migrate.faults(database) == ["event.author"]
