"""The spine without network: real database, real decisions, a clock in the test's hand."""

import pytest

from notifier.storage.database.engine import Database
from tests.databases import *  # noqa: F403


@pytest.fixture
def ledger(sqlite_database: Database) -> Database:
    """SQLite alone, for tests whose point lies beyond the database."""
    return sqlite_database
