"""What `notifier doctor` looks at of the data itself: does the schema fit?"""

from collections.abc import Iterator

from notifier.bootstrap.application import Application
from notifier.bootstrap.finding import Finding
from notifier.domain.errors import NotifierError
from notifier.storage import revision, schema

_GUIDE = "docs/keys-and-data.md"


def check_database(notifier: Application) -> Finding:
    """Ask whether the database answers and bears the schema that this version needs."""
    name, kind = "database", "SQLite" if notifier.database.is_sqlite else "PostgreSQL"
    try:
        with notifier.database.read() as connection:
            found = revision.state(connection)
        lacking = schema.faults(notifier.database)
    except NotifierError as error:
        return Finding(name=name, state="bad", says=str(error), mend="check NOTIFIER_DATABASE_URL and the server")
    if found.revision is None:
        return Finding(name=name, state="warn", says=f"{kind}, empty", mend="`notifier db upgrade` or `notifier up`")
    if lacking:
        says = f"{kind}: {revision.say_faults(lacking)}"
        return Finding(name=name, state="bad", says=says, mend=f"see {_GUIDE}, A schema that does not fit")
    if not found.is_fit:
        says = f"{kind} is at revision {found.revision}, this version needs {revision.HEAD}"
        return Finding(name=name, state="bad", says=says, mend="run `notifier db upgrade`")
    return Finding(name=name, state="ok", says=f"{kind}, revision {found.revision}")


def check_data(notifier: Application) -> Iterator[Finding]:
    """Look closer at a database that answers and is up to date."""
    with notifier.database.read() as connection:
        if not revision.is_as_made(connection):
            says = "somebody changed the schema since the last upgrade; what this version needs is there"
            yield Finding(name="schema", state="warn", says=says, mend="mind that change at the next upgrade")
