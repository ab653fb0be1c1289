"""The whole API on a real database; the broker is away, which no caller may notice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier.bootstrap.application import Application
from notifier.storage.engine import Database
from tests.databases import *  # noqa: F403
from tests.functional.api.house import Api, application_on, serving


@pytest.fixture
def application(sqlite_database: Database, tmp_path: Path) -> Iterator[Application]:
    built = application_on(sqlite_database, tmp_path)
    yield built
    built.close()


@pytest.fixture
def application_anywhere(database: Database, tmp_path: Path) -> Iterator[Application]:
    built = application_on(database, tmp_path)
    yield built
    built.close()


@pytest.fixture
def api(application: Application) -> Iterator[Api]:
    """A client that bears the admin token, and checks every answer against the OpenAPI document."""
    with serving(application) as client:
        yield client


@pytest.fixture
def api_anywhere(application_anywhere: Application) -> Iterator[Api]:
    """The same on each database."""
    with serving(application_anywhere) as client:
        yield client
