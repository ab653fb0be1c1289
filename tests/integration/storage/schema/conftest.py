from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier.storage.database.engine import Database
from tests.databases import PostgresqlDatabases


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
