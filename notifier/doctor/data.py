"""Checks of `notifier doctor` on the data: schema and keys."""

from collections.abc import Iterator

from notifier.bootstrap.api_container import ApiContainer
from notifier.doctor.finding import Finding
from notifier.domain.errors import ConfigError, NotifierError
from notifier.files import is_private_dir
from notifier.settings import mixtures
from notifier.storage.schema import migrate, version

_GUIDE = "docs/keys-and-data.md"


def check_database(notifier: ApiContainer) -> Finding:
    """Check that the database answers and has the schema this version needs."""
    name, kind = "database", "SQLite" if notifier.database.is_sqlite else "PostgreSQL"
    try:
        with notifier.database.read() as connection:
            found = version.state(connection)
        lacking = migrate.faults(notifier.database)
    except NotifierError as error:
        return Finding(name=name, state="bad", message=str(error), remedy="check NOTIFIER_DATABASE_URL and the server")
    if found.revision is None:
        return Finding(
            name=name, state="warn", message=f"{kind}, empty", remedy="run `notifier db upgrade` or `notifier up`"
        )
    if lacking:
        message = f"{kind}: {version.describe_faults(lacking)}"
        return Finding(name=name, state="bad", message=message, remedy=f"see {_GUIDE}, A schema that does not fit")
    if not found.is_fit:
        message = f"{kind} is at revision {found.revision}, this version needs {version.HEAD}"
        return Finding(name=name, state="bad", message=message, remedy="run `notifier db upgrade`")
    trouble = notifier.stores[name].trouble()
    if trouble is not None:
        remedy = "check disk space, and that it is not a read-only replica; events are refused meanwhile"
        return Finding(name=name, state="bad", message=f"{kind} responds but is not writable: {trouble}", remedy=remedy)
    return Finding(name=name, state="ok", message=f"{kind}, revision {found.revision}")


def check_setting(notifier: ApiContainer) -> Iterator[Finding]:
    """Check access to the data folder, and for sandbox providers mixed with real ones."""
    folder = notifier.settings.data_dir
    if folder.is_dir() and not is_private_dir(folder):
        message = f"other users of this machine own {folder} or can enter it"
        yield Finding(name="data folder", state="warn", message=message, remedy=f"chmod 0700 {folder}")
    for mixture in mixtures(notifier.settings):
        yield Finding(
            name="stand-ins", state="warn", message=mixture, remedy="configure the other providers too, or none"
        )


def check_data(notifier: ApiContainer) -> Iterator[Finding]:
    """Check the content of a database that answers and is up to date."""
    with notifier.database.read() as connection:
        if not version.is_as_made(connection):
            message = "the schema was changed since the last upgrade; everything this version needs is present"
            yield Finding(
                name="schema", state="warn", message=message, remedy="keep that change in mind at the next upgrade"
            )
    yield from _keys(notifier)


def _keys(notifier: ApiContainer) -> Iterator[Finding]:
    """Report what each secret key is still needed for."""
    try:
        notifier.key_ring.check()
        use = notifier.key_ring.use()
    except ConfigError as error:
        yield Finding(name="secret keys", state="bad", message=str(error), remedy="set NOTIFIER_SECRET_KEYS")
        return
    counted = "; ".join(
        f"{name[:8]} {'is first' if index == 0 else 'is older'}, {number} secrets sealed with it"
        for index, (name, number) in enumerate(zip(use.fingerprints, use.texts, strict=True))
    )
    if use.unreadable:
        message = f"{use.unreadable} stored secrets are encrypted with a key that is not configured; {counted}"
        remedy = "configure that key too, or rotate the endpoints that `notifier keys reseal` names"
        yield Finding(name="secret keys", state="bad", message=message, remedy=remedy)
        return
    idle = [name[:8] for name, number in zip(use.fingerprints[1:], use.texts[1:], strict=True) if not number]
    remedy = f"{', '.join(idle)} can be removed once links in mails signed with it may expire" if idle else ""
    yield Finding(name="secret keys", state="ok", message=counted, remedy=remedy)
