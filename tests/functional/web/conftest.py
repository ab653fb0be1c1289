"""A house whose pages are read without a browser: no broker, no cookies, no redirects followed."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from notifier.api.app import create_app
from notifier.bootstrap.api_container import ApiContainer
from notifier.web.pages import page_routes
from tests.functional.web.forms import add_subscriber


@pytest.fixture
def reader(container: ApiContainer) -> Iterator[TestClient]:
    with TestClient(create_app(container, pages=[page_routes(container)]), follow_redirects=False) as client:
        yield client


@pytest.fixture
def number(container: ApiContainer) -> int:
    return add_subscriber(container, "shop-1")


@pytest.fixture
def path(container: ApiContainer, number: int) -> str:
    return container.self_service.path(container.self_service.show(number))
