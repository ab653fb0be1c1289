import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from notifier.domain.errors import UnavailableError
from notifier.storage import tables as t
from notifier.storage.database.engine import Database

_ADDRESS, _NAME = "owner@bloemenhuis.example", "Bloemenhuis Jansen"


def _row(name: str) -> dict[str, object]:
    words = {"external_id": name, "kind": "merchant", "email": _ADDRESS, "name": _NAME, "locale": "nl"}
    rest = {"timezone": "UTC", "state": "active", "preference_id": 1, "legal_basis": "test"}
    return {**words, **rest, "created_at": None, "updated_at": None}


@pytest.mark.parametrize("how", ["write", "read"])
def test_what_sqlite_has_committed_is_on_the_disk_and_what_is_erased_is_overwritten(
    sqlite_database: Database, how: str
) -> None:
    with getattr(sqlite_database, how)() as connection:
        asked = ("journal_mode", "synchronous", "secure_delete")
        said = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in asked}
    assert said == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}  # 2: FULL


def test_an_error_of_the_database_holds_nothing_of_the_row_it_is_about(database: Database) -> None:
    with pytest.raises(IntegrityError) as refused, database.write() as connection:
        connection.execute(t.subscriber.insert().values(_row("shop-1")))
    # PostgreSQL's "Failing row contains (...)" would hold all of it.
    origin = refused.value.orig
    told = f"{refused.value} {refused.value.args!r} {origin} {origin and origin.args!r}"
    assert "created_at" in told
    assert _ADDRESS not in told
    assert _NAME not in told


@pytest.mark.postgres
def test_postgresql_that_turned_read_only_counts_as_away_and_its_connections_are_opened_anew(
    postgresql_database: Database,
) -> None:
    # As after a fail-over: what is pooled leads to the server that was demoted, what is opened anew does not.
    demoting = "SET SESSION default_transaction_read_only = on"
    before = _two_connections(postgresql_database, demoting)
    with pytest.raises(UnavailableError, match="read-only"), postgresql_database.write() as connection:
        connection.execute(t.meta.insert().values(key="k", value=b"v"))
    with postgresql_database.write() as connection:
        connection.execute(t.meta.insert().values(key="k", value=b"v"))
    assert not before & _two_connections(postgresql_database, "SELECT 1")


def _two_connections(database: Database, statement: str) -> set[int]:
    """Run a statement on two connections of the pool; returns the server's names for them."""
    with database.read() as first, database.read() as second:
        for connection in (first, second):
            connection.execute(text(statement))
        return {connection.execute(text("SELECT pg_backend_pid()")).scalar_one() for connection in (first, second)}


@pytest.mark.postgres
@pytest.mark.parametrize("state", ["08006", "25006", "25P03", "53300", "57P01", "58030"])
def test_what_says_nothing_of_the_statement_counts_as_away(postgresql_database: Database, state: str) -> None:
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'gone' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(UnavailableError, match="gone"), postgresql_database.write() as connection:
        connection.exec_driver_sql(raising)
    with postgresql_database.read() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1


@pytest.mark.postgres
@pytest.mark.parametrize("state", ["23505", "42601", "22001", "25001"])
def test_a_fault_of_the_statement_is_no_absence(postgresql_database: Database, state: str) -> None:
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'wrong' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(Exception, match="wrong") as raised, postgresql_database.write() as connection:
        connection.exec_driver_sql(raising)
    assert not isinstance(raised.value, UnavailableError)
