"""One installation in this process, on a real database; the broker is away, which no caller may notice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier.bootstrap.application import Application
from notifier.storage.database.engine import Database
from tests.databases import *  # noqa: F403
from tests.functional.api.house import application_on


@pytest.fixture
def application(sqlite_database: Database, tmp_path: Path) -> Iterator[Application]:
    built = application_on(sqlite_database, tmp_path)
    yield built
    built.close()
