"""A house whose pages are read without a browser: no broker, no cookies, no redirects followed."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from notifier.api.app import create_app
from notifier.bootstrap.application import Application
from notifier.web.pages import page_routes


@pytest.fixture
def reader(application: Application) -> Iterator[TestClient]:
    with TestClient(create_app(application, pages=[page_routes(application)]), follow_redirects=False) as client:
        yield client
