"""Whether this version can work on a database.

Checked at every start, without migrations loaded.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, inspect, text

from notifier.storage.database.engine import Database
from notifier.storage.operations import installation
from notifier.storage.schema import shape
from notifier.storage.tables import metadata

HEAD = "0003"  # what this version of the code needs; a test compares it with the newest migration
UPGRADE = "run `notifier db upgrade`"
_FINGERPRINT = "schema_fingerprint"
_NAMED = 5


@dataclass(frozen=True, slots=True)
class State:
    """Which migrations ran, and the fingerprint of their result. An empty database has neither."""

    revision: str | None
    fingerprint: str | None

    @property
    def is_newer(self) -> bool:
        """Whether a newer version upgraded the database; migrations only add to what we need."""
        return self.revision is not None and self.revision.isdigit() and int(self.revision) > int(HEAD)

    @property
    def is_fit(self) -> bool:
        """Whether all migrations that this version needs have run."""
        return self.revision == HEAD or self.is_newer


def state(connection: Connection) -> State:
    """Return the stored revision and fingerprint."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" not in tables:
        return State(None, None)
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    stored = installation.get(connection, _FINGERPRINT) if "meta" in tables else None
    return State(None if found is None else str(found), stored.decode() if stored else None)


def note_shape(connection: Connection) -> None:
    """Store the shape that migrations have just produced."""
    installation.put(connection, _FINGERPRINT, shape.fingerprint(shape.of_database(connection)).encode())


def faults(connection: Connection, needed: shape.Shape | None = None) -> list[str]:
    """List what this version needs and the database lacks or has otherwise.

    `needed`: the shape that another version needs.
    """
    return shape.lacking(shape.of_database(connection), needed or shape.of_tables(metadata))


def is_as_made(connection: Connection) -> bool:
    """Whether the schema is still what the last upgrade produced: False after changes by hand."""
    stored = installation.get(connection, _FINGERPRINT)
    return stored is None or stored.decode() == shape.fingerprint(shape.of_database(connection))


def describe_faults(names: list[str]) -> str:
    """Return one line about the faults of a schema."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (
        f"the schema lacks or has otherwise: {', '.join(names[:_NAMED])}{more}. "
        "An unreleased version made it, or somebody changed it by hand; docs/keys-and-data.md says what to do"
    )


class Fitness:
    """Reports why this version cannot work on a database. Rereads the schema after each upgrade."""

    def __init__(self, database: Database) -> None:
        """Read lazily."""
        self._database = database
        self._known: State | None = None

    def fault(self) -> str | None:
        """Return one line; None if all is well, also if a newer version upgraded the database.

        Raises:
            UnavailableError: The database does not answer.
        """
        with self._database.read() as connection:
            found = state(connection)
            if found == self._known:
                return None
            if not found.is_fit:
                return f"schema {found.revision or 'missing'}: {UPGRADE}"
            wrong = faults(connection)
        if wrong:
            return describe_faults(wrong)
        self._known = found
        return None
