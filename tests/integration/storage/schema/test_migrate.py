import hashlib
from pathlib import Path

import pytest
from sqlalchemy import text

from notifier.domain.errors import ConfigError
from notifier.storage import migrations
from notifier.storage.database.engine import Database
from notifier.storage.schema import migrate, shape
from tests.integration.storage.schema.changes import change, empty

_FROZEN = "0001_create_the_ledger.py", "220e6aeefe434c068ba0f8ec81f34fbd38dc2333f0ea07fd5ac1958d9f0a5374"


def test_the_first_migration_is_frozen() -> None:
    name, digest = _FROZEN
    content = (Path(migrations.__file__).parent / "versions" / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == digest, "databases exist that 0001 made: write a migration of its own"


def test_a_database_of_an_unreleased_version_is_named_before_and_refused_at_the_upgrade(own_database: Database) -> None:
    with own_database.write() as connection:
        empty(connection)
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    _first_migration(own_database)
    change(own_database, "ALTER TABLE incident_update DROP COLUMN guarded")
    assert migrate.faults(own_database) == ["incident_update.guarded"]
    with pytest.raises(ConfigError, match=r"incident_update\.guarded"):
        migrate.upgrade(own_database)
    assert migrate.current(own_database) == "0001"
    with own_database.read() as connection:
        assert "author" not in {name.partition(".")[2] for name in shape.of_database(connection) if "event." in name}


def _first_migration(database: Database) -> None:
    with database.write() as connection:
        migrate.upgrade_to(connection, "0001")
