"""Which revision the schema is at, without loading the migrations: asked by every readiness check."""

from sqlalchemy import inspect, text

from notifier.storage.engine import Database

HEAD = "0002"  # what this version of the code needs; a test holds it to the newest migration


def current(database: Database) -> str | None:
    """Return the revision of a database; None for an empty one."""
    with database.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
        return None if found is None else str(found)
