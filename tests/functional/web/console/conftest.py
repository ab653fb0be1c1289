from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from starlette.testclient import TestClient

from notifier.api.app import create_app
from notifier.bootstrap.api_container import ApiContainer
from notifier.demo import story
from notifier.services.security.audit import Actor
from notifier.web.console.routes import console_routes
from notifier.web.pages import page_routes
from tests.functional.api.api_client import publish
from tests.functional.web.console_client import signed_in


@pytest.fixture
def browser(container: ApiContainer) -> Iterator[TestClient]:
    with TestClient(create_app(container, pages=[console_routes(container)]), follow_redirects=False) as client:
        yield client


@pytest.fixture
def desks(container: ApiContainer) -> Iterator[tuple[TestClient, TestClient]]:
    """Two browsers: ann and ben, each with a key of their own that may publish and manage."""
    app = create_app(container, pages=[console_routes(container), page_routes(container)])
    with ExitStack() as stack:
        found = []
        for name in ("ann", "ben"):
            key = container.api_keys.create(name, ("publish", "announce", "manage"), Actor("tests", "here"))
            client = stack.enter_context(TestClient(app, follow_redirects=False))
            found.append(signed_in(client, key.plaintext))
        yield found[0], found[1]


@pytest.fixture
def incident(container: ApiContainer) -> str:
    publish(container, story.events()[0])
    return story.INCIDENT_ID
