"""A house whose pages are read without a browser: no broker, no cookies, no redirects followed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from notifier.api.app import create_app
from notifier.bootstrap.application import Application
from notifier.storage.engine import Database
from notifier.web.pages import page_routes
from tests.databases import *  # noqa: F403
from tests.functional.api.house import application_on


@pytest.fixture
def application(sqlite_database: Database, tmp_path: Path) -> Iterator[Application]:
    built = application_on(sqlite_database, tmp_path)
    yield built
    built.close()


@pytest.fixture
def reader(application: Application) -> Iterator[TestClient]:
    with TestClient(create_app(application, pages=[page_routes(application)]), follow_redirects=False) as client:
        yield client
