"""The schema's version: bring a database up to date, or say that it is not."""

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

# Any number that nothing else locks: two processes that upgrade at once go one after the other.
_ADVISORY_LOCK = 7_305_202


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(database: Database) -> None:
    """Apply every migration that is missing. Safe to run by several processes at once.

    A database that a newer version has upgraded stays as it is.

    Raises:
        ConfigError: what came out is not what this version needs; nothing was changed.
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
    """Apply the migrations up to one of them, in a transaction that writes."""
    command.upgrade(_config(connection), number)


def current(database: Database) -> str | None:
    """Return the revision of a database; None for an empty one."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """Return the revision this code was written for."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    assert found is not None  # noqa: S101 - there is at least one migration
    return found


def faults(database: Database) -> list[str]:
    """Name what the database lacks of what its own revision made; of a newer one, of what this version needs."""
    with database.read() as connection:
        found = version.state(connection)
        if found.revision not in _numbers() and not found.is_newer:
            return []
        return version.faults(connection, None if found.is_fit else _made_by(str(found.revision)))


def _numbers() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _made_by(number: str) -> shape.Shape:
    """Return the shape that the migrations up to a revision make: a scratch database tells."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        upgrade_to(connection, number)
        made = shape.of_database(connection)
    engine.dispose()
    return made


def make_revision(database: Database, message: str, number: str) -> None:
    """Write a migration for what `tables.py` says and `database` lacks: for developers."""
    with database.write() as connection:
        command.revision(_config(connection), message=message, autogenerate=True, rev_id=number)
