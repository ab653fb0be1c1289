"""Databases for tests: the fixture `database` runs a test on SQLite and on PostgreSQL, each time on a fresh one.

Use it by importing the fixtures into a conftest.py:

    from tests.databases import *  # noqa: F403

Tests that need only one of the two take `sqlite_database` or `postgresql_database`. Every database has the migrated
schema and no rows. SQLite's is a copy of a template file. PostgreSQL takes a quarter of a second to copy a template,
so a worker keeps one database and empties it after each test; a test that changes the schema itself takes
`postgresql_databases.fresh()`. A worker keeps its two engines too: each would compile every statement anew.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from notifier.storage.database.engine import Database
from notifier.storage.schema import migrate
from tests.postgresql import shared_server

_GIVEN = "NOTIFIER_TEST_DATABASE_URL"
_DISCONNECT_OTHERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
_USED_TABLES = """
    SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0"""
_USED_SEQUENCES = """
    SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"""

__all__ = [
    "PostgresqlDatabases",
    "database",
    "kept_postgresql",
    "kept_sqlite",
    "postgresql_database",
    "postgresql_databases",
    "postgresql_server_url",
    "sqlite_database",
    "sqlite_template",
]


@dataclass(frozen=True)
class PostgresqlDatabases:
    """Makes and drops databases on one server. `url` is that of a database whose user may create others."""

    url: str
    template: str

    @classmethod
    def prepare(cls, url: str) -> "PostgresqlDatabases":
        """Make the template with the migrated schema."""
        maker = cls(url, f"notifier_template_{secrets.token_hex(4)}")
        maker._execute("CREATE DATABASE {}", maker.template)
        filled = Database(maker.url_of(maker.template))
        migrate.upgrade(filled)
        filled.close()
        return maker

    def url_of(self, name: str) -> str:
        """The URL under which our code reaches a database of this server."""
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    @contextmanager
    def fresh_url(self) -> Iterator[str]:
        """The URL of a database with an empty, migrated schema; dropped afterwards, whoever is connected."""
        name = f"notifier_test_{secrets.token_hex(6)}"
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, self.template)
        try:
            yield self.url_of(name)
        finally:
            self._execute("DROP DATABASE {} WITH (FORCE)", name)

    @contextmanager
    def fresh(self) -> Iterator[Database]:
        """As `fresh_url`, opened."""
        with self.fresh_url() as url:
            opened = Database(url)
            try:
                yield opened
            finally:
                opened.close()

    def empty(self, name: str) -> None:
        """Remove every row, whoever is connected, and begin counting anew."""
        with psycopg.connect(self.url_of(name), autocommit=True) as connection:
            connection.execute(_DISCONNECT_OTHERS)
            tables = [sql.Identifier(row[0]) for row in connection.execute(_USED_TABLES)]
            if tables:
                connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))
            sequences = [sql.Identifier(row[0]) for row in connection.execute(_USED_SEQUENCES)]
            for sequence in sequences:
                connection.execute(sql.SQL("ALTER SEQUENCE {} RESTART").format(sequence))

    def clear(self) -> None:
        """Drop the template."""
        self._execute("DROP DATABASE {} WITH (FORCE)", self.template)


@pytest.fixture(scope="session")
def postgresql_server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server named by NOTIFIER_TEST_DATABASE_URL, else a private one that ends with the session."""
    given = os.environ.get(_GIVEN)
    if given:
        yield make_url(given).set(drivername="postgresql").render_as_string(hide_password=False)
        return
    own = tmp_path_factory.getbasetemp()
    # Under xdist each worker has a folder of its own inside the session's.
    shared = own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own
    with shared_server(shared) as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_databases(postgresql_server_url: str) -> Iterator[PostgresqlDatabases]:
    """A maker of fresh PostgreSQL databases."""
    maker = PostgresqlDatabases.prepare(postgresql_server_url)
    yield maker
    maker.clear()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the migrated schema, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    made = Database(f"sqlite:///{path}")
    migrate.upgrade(made)
    made.close()  # the last connection writes the WAL back, so the one file is the whole database
    return path


@pytest.fixture(scope="session")
def kept_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Database:
    return Database(f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'notifier.db'}")


@pytest.fixture
def sqlite_database(sqlite_template: Path, kept_sqlite: Database) -> Iterator[Database]:
    """A fresh SQLite database in a file, as in production."""
    path = Path(kept_sqlite.url.database or "")
    shutil.copyfile(sqlite_template, path)
    yield kept_sqlite
    kept_sqlite.close()
    for left in path.parent.iterdir():  # a killed process leaves its WAL behind
        left.unlink()


@pytest.fixture(scope="session")
def kept_postgresql(postgresql_databases: PostgresqlDatabases) -> Iterator[Database]:
    with postgresql_databases.fresh() as opened:
        yield opened


@pytest.fixture
def postgresql_database(postgresql_databases: PostgresqlDatabases, kept_postgresql: Database) -> Iterator[Database]:
    """An empty PostgreSQL database."""
    yield kept_postgresql
    kept_postgresql.close()
    postgresql_databases.empty(kept_postgresql.url.database or "")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Database:
    """The test runs once on each database."""
    found = request.getfixturevalue(f"{request.param}_database")
    assert isinstance(found, Database)
    return found
