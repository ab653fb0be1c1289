"""The schema's version: bring a database up to date, or say that it is not."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from notifier.storage.dialect import is_sqlite
from notifier.storage.engine import Database

# Any number that nothing else locks: two processes that upgrade at once go one after the other.
_ADVISORY_LOCK = 7_305_202


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(database: Database) -> None:
    """Apply every migration that is missing. Safe to run by several processes at once."""
    with database.write() as connection:
        if not is_sqlite(connection):
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        command.upgrade(_config(connection), "head")


def current(database: Database) -> str | None:
    """Return the revision of a database; None for an empty one."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """Return the revision this code was written for."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None  # noqa: S101 - there is at least one migration
    return revision


def make_revision(database: Database, message: str, number: str) -> None:
    """Write a migration for what `tables.py` says and `database` lacks: for developers."""
    with database.write() as connection:
        command.revision(_config(connection), message=message, autogenerate=True, rev_id=number)
