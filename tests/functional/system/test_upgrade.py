"""A ledger that commit 95ee298 made, with work in hand: upgraded, it goes on telling, everybody once."""

import gzip
import json
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, inspect, select, text, update

from notifier.sandbox.hooks.signature import verify
from notifier.storage import tables as t
from notifier.storage.database.engine import Database
from notifier.storage.database.types import Instant, to_micros
from notifier.storage.schema import migrate, version
from notifier.supervise.installation import installation
from tests.databases import *  # noqa: F403 - the fixtures, by the names their module lists
from tests.databases import PostgresqlDatabases
from tests.functional.api.receiver import Receiver, listening
from tests.functional.system.patience import until

_KEPT = Path(__file__).with_name("ledger_95ee298")
_KEY = "kept-for-the-upgrade-test-2YQb0V6m1s8X"
_WEBHOOK_SECRETS = {
    "sqlite": "whsec_SedvGu8/f0onmEqI8Q90hUlYT6Bl6PBuvJXR08t9spQ=",
    "postgresql": "whsec_g3MZzC+DI4HHPKl3QU4yI/eYxP0TVU1exP0IRzoeDxQ=",
}
_ACTIVE = 20


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def old_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The URL of a database as 95ee298 left it a minute ago, and the secret of its endpoint."""
    statements = gzip.decompress((_KEPT / f"{request.param}.sql.gz").read_bytes()).decode()
    secret = _WEBHOOK_SECRETS[request.param]
    if request.param == "sqlite":
        connection = sqlite3.connect(tmp_path / "old.sqlite3")
        connection.executescript(statements)
        connection.close()
        yield f"sqlite:///{tmp_path / 'old.sqlite3'}", secret
        return
    databases: PostgresqlDatabases = request.getfixturevalue("postgresql_databases")
    with databases.fresh_url() as url:
        with psycopg.connect(url, autocommit=True) as restoring:
            restoring.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            restoring.execute(statements.encode())
        yield url, secret


def test_what_an_older_version_left_in_hand_is_told_exactly_once_after_the_upgrade(
    old_ledger: tuple[str, str], tmp_path: Path
) -> None:
    url, secret = old_ledger
    (tmp_path / "notifier.toml").write_text("accounts = []\n")
    environ = {
        "NOTIFIER_DATABASE_URL": url,
        "NOTIFIER_SECRET_KEYS": _KEY,
        "NOTIFIER_ADMIN_TOKEN": _KEY,
        "NOTIFIER_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
    }
    with listening() as partner:
        _bring_up_to_now(url, partner.url)
        upgraded = subprocess.run(
            [sys.executable, "-m", "notifier", "db", "upgrade"],
            env=environ | {"NOTIFIER_DATA_DIR": str(tmp_path / "data"), "PATH": ""},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (upgraded.returncode, upgraded.stderr) == (0, "")
        _fits(url)
        with installation(tmp_path, environ) as system:

            def is_delivered() -> bool:
                mails = system.ask_sandbox("GET", "/sandbox/api/summary")["mails"]["total"]
                return bool(mails >= 2 * _ACTIVE and len(partner.got) >= 2)

            until(is_delivered)
            until(lambda: _in_hand(url) == 0)
            mails = system.ask_sandbox("GET", "/sandbox/api/mails?limit=1000")["items"]
        _each_once(mails)
    _signed(partner, secret)


def _bring_up_to_now(url: str, endpoint: str) -> None:
    """Move every time in the ledger to where it would be had it been left a minute ago, and the partner to here."""
    database = Database(url)
    with database.write() as connection:
        left: datetime = connection.execute(select(func.max(t.event.c.received_at))).scalar_one()
        passed = to_micros(datetime.now(UTC)) - to_micros(left) - 60_000_000
        inspector = inspect(connection)
        old = {name: {item["name"] for item in inspector.get_columns(name)} for name in inspector.get_table_names()}
        for table in t.metadata.tables.values():
            for column in table.columns:
                if isinstance(column.type, Instant) and column.name in old.get(table.name, ()):
                    moving = f"UPDATE {table.name} SET {column.name} = {column.name} + {passed}"  # noqa: S608 - our names
                    connection.execute(text(moving))
        connection.execute(update(t.endpoint).values(url=endpoint))
    database.close()


def _fits(url: str) -> None:
    database = Database(url)
    assert migrate.faults(database) == []
    with database.read() as connection:
        assert version.state(connection).revision == version.HEAD
        assert version.is_as_made(connection)
    database.close()


def _in_hand(url: str) -> int:
    database = Database(url)
    try:
        with database.read() as connection:
            waiting = t.batch.c.state.in_(["queued", "sending"])
            return connection.execute(select(func.count()).select_from(t.batch).where(waiting)).scalar_one()
    finally:
        database.close()


def _each_once(mails: list[dict[str, Any]]) -> None:
    is_delivered = Counter((mail["to"][0], "Failing" in mail["subject"]) for mail in mails)
    everybody = {(f"owner{number}@shop.example", new) for number in range(_ACTIVE) for new in (False, True)}
    assert is_delivered == dict.fromkeys(everybody, 1)


def _signed(partner: Receiver, secret: str) -> None:
    """What the old version sealed, a secret and a header, is opened by the key it was sealed with."""
    assert len(partner.got) == 2
    for headers, body in partner.got:
        assert verify(headers, body, [secret], now=time.time()) is None
        assert headers["x-partner"] == "a password"
    assert {json.loads(body)["data"]["incident"]["id"] for _, body in partner.got} == {"inc-told", "inc-new"}
