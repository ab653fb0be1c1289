import pytest

from notifier.storage.database.engine import Database
from tests.integration.services.endpoints.watched import Watched


@pytest.fixture
def watched(sqlite_database: Database) -> Watched:
    return Watched(sqlite_database)
