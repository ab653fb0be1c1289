import pytest

from notifier.bootstrap.api_container import ApiContainer
from tests.functional.api.api_client import Api
from tests.functional.services.events.alerts import Clock


@pytest.fixture
def clock(container: ApiContainer) -> Clock:
    found = Clock()
    container.clock = found
    return found


@pytest.fixture
def api(clock: Clock, api: Api) -> Api:
    """The API of conftest.py under a clock that the test moves."""
    del clock
    return api
