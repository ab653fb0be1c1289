"""The spine without network: real database, real decisions, a clock in the test's hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier.storage import schema
from notifier.storage.engine import Database
from tests.databases import *  # noqa: F403


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Database]:
    """SQLite alone, for tests whose point lies beyond the database."""
    database = Database(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    schema.upgrade(database)
    yield database
    database.close()
