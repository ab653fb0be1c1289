import pytest

from notifier.bootstrap.api_container import ApiContainer
from tests.functional.services.events.alerts import Clock


@pytest.fixture
def clock(container: ApiContainer) -> Clock:
    """The clock of `api`, in the test's hand."""
    found = Clock()
    container.clock = found
    return found


@pytest.fixture
def clock_anywhere(container_anywhere: ApiContainer) -> Clock:
    """The clock of `api_anywhere`, in the test's hand."""
    found = Clock()
    container_anywhere.clock = found
    return found
