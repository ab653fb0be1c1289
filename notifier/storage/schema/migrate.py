"""Migrations: upgrade a database, or report that it is out of date."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, text

from notifier.domain.errors import ConfigError
from notifier.storage.database.dialect import is_sqlite
from notifier.storage.database.engine import Database
from notifier.storage.schema import shape, version

# Arbitrary but unique: concurrent upgrades take turns.
_ADVISORY_LOCK = 7_305_202


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(database: Database) -> None:
    """Apply all missing migrations. Safe to run in several processes at once.

    A database upgraded by a newer version stays as it is.

    Raises:
        ConfigError: The result is not what this version needs; nothing was changed.
    """
    with database.write() as connection:
        if not is_sqlite(connection):
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        before = version.state(connection)
        if before.is_newer:
            return
        try:
            upgrade_to(connection, "head")
        except CommandError as error:
            raise ConfigError("NOTIFIER_DATABASE_URL", f"schema {before.revision}: {error}") from error
        wrong = version.faults(connection)
        if wrong:
            raise ConfigError("NOTIFIER_DATABASE_URL", version.describe_faults(wrong))
        if before.revision != version.HEAD or before.fingerprint is None:
            version.note_shape(connection)


def upgrade_to(connection: Connection, number: str) -> None:
    """Apply the migrations up to `number`, in a write transaction."""
    command.upgrade(_config(connection), number)


def current(database: Database) -> str | None:
    """Return the revision of a database; None if it is empty."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """Return the newest revision of this code."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    assert found is not None  # noqa: S101 - there is at least one migration
    return found


def faults(database: Database) -> list[str]:
    """List what the database lacks of its own revision, or of this version's if that is older."""
    with database.read() as connection:
        found = version.state(connection)
        if found.revision not in _numbers() and not found.is_newer:
            return []
        return version.faults(connection, None if found.is_fit else _made_by(str(found.revision)))


def _numbers() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _made_by(number: str) -> shape.Shape:
    """Return the shape that the migrations up to a revision produce, from a scratch database."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        upgrade_to(connection, number)
        made = shape.of_database(connection)
    engine.dispose()
    return made


def make_revision(database: Database, message: str, number: str) -> None:
    """Generate a migration from `storage/tables` and what `database` lacks; for developers."""
    with database.write() as connection:
        command.revision(_config(connection), message=message, autogenerate=True, rev_id=number)
