import pytest

from notifier.storage.database.engine import Database
from tests.support.pipeline_harness import Pipeline


@pytest.fixture
def pipeline(database: Database) -> Pipeline:
    return Pipeline(database)
