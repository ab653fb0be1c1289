"""The whole API on a real database; the broker is away, which no caller may notice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from notifier.api.app import create_app
from notifier.bootstrap.application import Application
from notifier.storage.engine import Database
from tests.databases import *  # noqa: F403
from tests.functional.api.house import ADMIN, Api, application_on


@pytest.fixture
def application(database: Database, tmp_path: Path) -> Iterator[Application]:
    built = application_on(database, tmp_path)
    yield built
    built.close()


@pytest.fixture
def api(application: Application) -> Iterator[Api]:
    """A client that bears the admin token, and checks every answer against the OpenAPI document."""
    app = create_app(application)
    with TestClient(app, headers={"Authorization": f"Bearer {ADMIN}"}, raise_server_exceptions=False) as client:
        yield Api(client, application, app.openapi())
