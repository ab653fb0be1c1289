"""Whether this version of the code can work on a database, without loading the migrations: asked at every start."""

from dataclasses import dataclass

from sqlalchemy import Connection, inspect, text

from notifier.storage.database.engine import Database
from notifier.storage.operations import installation
from notifier.storage.schema import shape
from notifier.storage.tables import metadata

HEAD = "0003"  # what this version of the code needs; a test holds it to the newest migration
UPGRADE = "run `notifier db upgrade`"
_FINGERPRINT = "schema_fingerprint"
_NAMED = 5


@dataclass(frozen=True, slots=True)
class State:
    """Which migrations ran, and the fingerprint of what they made; both None for an empty database."""

    revision: str | None
    fingerprint: str | None

    @property
    def is_newer(self) -> bool:
        """Whether a newer version of the code has upgraded the database; migrations only add to what we need."""
        return self.revision is not None and self.revision.isdigit() and int(self.revision) > int(HEAD)

    @property
    def is_fit(self) -> bool:
        """Whether all the migrations that this version needs have run."""
        return self.revision == HEAD or self.is_newer


def state(connection: Connection) -> State:
    """Return what the database says of itself."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" not in tables:
        return State(None, None)
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    stored = installation.get(connection, _FINGERPRINT) if "meta" in tables else None
    return State(None if found is None else str(found), stored.decode() if stored else None)


def note_shape(connection: Connection) -> None:
    """Remember the shape that migrations have just made."""
    installation.put(connection, _FINGERPRINT, shape.fingerprint(shape.of_database(connection)).encode())


def faults(connection: Connection, needed: shape.Shape | None = None) -> list[str]:
    """Name what this version needs and the database has not (or has otherwise); `needed` tells of another version."""
    return shape.lacking(shape.of_database(connection), needed or shape.of_tables(metadata))


def is_as_made(connection: Connection) -> bool:
    """Whether the schema is still what the last upgrade made; not so where somebody changed it by hand."""
    stored = installation.get(connection, _FINGERPRINT)
    return stored is None or stored.decode() == shape.fingerprint(shape.of_database(connection))


def describe_faults(names: list[str]) -> str:
    """Return one line about what is wrong with a schema."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (
        f"the schema lacks or has otherwise: {', '.join(names[:_NAMED])}{more}. "
        "An unreleased version made it, or somebody changed it by hand; docs/keys-and-data.md says what to do"
    )


class Fitness:
    """Says why this version cannot work on a database. The schema is read once, and again after each upgrade."""

    def __init__(self, database: Database) -> None:
        """Ask nothing yet."""
        self._database = database
        self._known: State | None = None

    def fault(self) -> str | None:
        """Return one line, or None where all is well: also on a database that a newer version has upgraded.

        Raises:
            UnavailableError: the database does not answer.
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
