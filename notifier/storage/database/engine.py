"""Connections and transactions on SQLite (WAL, one writer) and PostgreSQL."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from notifier.domain.errors import ConfigError, UnavailableError

# How long a writer waits for its turn on SQLite before it fails.
_BUSY_SECONDS = 30
_POOL_SIZE = 12


def parse_url(url: str) -> URL:
    """Return a SQLAlchemy URL with our driver.

    Rejects other databases; never repeats a password.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError("NOTIFIER_DATABASE_URL", "is not a database URL") from error
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        return parsed
    raise ConfigError("NOTIFIER_DATABASE_URL", f"{parsed.drivername} is not supported: use sqlite or postgresql")


class Database:
    """One pool of connections.

    `write` and `read` are the only entries; both end the transaction.
    """

    def __init__(self, url: str) -> None:
        """Connect lazily; `url` is `sqlite:///path` or `postgresql://...`."""
        self.url = parse_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = self._sqlite() if self.is_sqlite else self._postgresql()

    def _sqlite(self) -> Engine:
        engine = create_engine(
            self.url,
            pool_size=_POOL_SIZE,
            max_overflow=8,
            hide_parameters=True,
            connect_args={"timeout": _BUSY_SECONDS, "isolation_level": None, "check_same_thread": False},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _postgresql(self) -> Engine:
        try:
            engine = create_engine(
                self.url,
                pool_size=_POOL_SIZE,
                max_overflow=8,
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args={
                    "connect_timeout": 5,
                    "application_name": "notifier",
                    # Neither a hanging statement nor a process suspended between two may lock an
                    # incident forever.
                    "options": "-c lock_timeout=15s -c statement_timeout=120s -c jit=off -c TimeZone=UTC"
                    " -c idle_in_transaction_session_timeout=10s",
                },
            )
        except ModuleNotFoundError as error:
            hint = "PostgreSQL needs the extra: pip install 'notifier[postgres]'"
            raise ConfigError("NOTIFIER_DATABASE_URL", hint) from error
        event.listen(engine, "handle_error", _judge_postgresql)
        return engine

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run a short write transaction; SQLite takes its write lock at once (`BEGIN IMMEDIATE`).

        Raises:
            UnavailableError: The database did not answer, or was locked too long; nothing was
                stored.
        """
        with _available(), self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Run a read transaction, concurrent with any writer."""
        with _available(), self.engine.connect().execution_options(writes=False) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Close the pool."""
        self.engine.dispose()


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as error:
        raise UnavailableError("database: every connection is in use") from error
    except DBAPIError as error:
        if error.connection_invalidated or _is_away(error):
            raise UnavailableError(f"database: {first_line(error)}") from error
        raise


# sqlite3 raises OperationalError for invalid statements too: only these messages mean unavailable.
_SQLITE_AWAY = ("locked", "busy", "unable to open", "disk", "full", "readonly")
# PostgreSQL's error codes (manual, appendix A) that do not concern the statement: no connection, no
# resources, an operator's intervention, the system itself; also a demoted server, or one that
# dropped our idle session.
_AWAY_CLASSES = ("08", "53", "57", "58")
_READ_ONLY, _IDLE_TOO_LONG = "25006", "25P03"


def _is_away(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        message = str(error.orig).lower()
        return isinstance(error, OperationalError) and any(word in message for word in _SQLITE_AWAY)
    return isinstance(error, OperationalError) or _is_away_state(getattr(error.orig, "sqlstate", None))


def _is_away_state(state: str | None) -> bool:
    return state is not None and (state.startswith(_AWAY_CLASSES) or state in (_READ_ONLY, _IDLE_TOO_LONG))


def _judge_postgresql(context: ExceptionContext) -> None:
    """Discard unusable connections, and the server's error details, which contain whole rows.

    After a failover every pooled connection may lead to the demoted server, so all are reopened.
    """
    state = getattr(context.original_exception, "sqlstate", None)
    if not context.is_disconnect and _is_away_state(state):
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = state == _READ_ONLY
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args:
            error.args = (str(error.args[0]).partition("\n")[0], *error.args[1:])


def first_line(error: BaseException) -> str:
    """Name an error without its statement, parameters and details, which may contain addresses."""
    origin = getattr(error, "orig", None) or error
    return str(origin).splitlines()[0] if str(origin) else type(origin).__name__


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    # A commit is on disk: otherwise a power cut could undo what was acknowledged (decision 0001).
    connection.execute("PRAGMA synchronous=FULL")
    # Overwrite deleted data, whatever this build of SQLite does by default.
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("PRAGMA cache_size=-32768")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
