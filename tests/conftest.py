"""What concerns every test."""

import gc
import os
from collections.abc import Iterator

import pytest


@pytest.hookimpl(trylast=True)  # after the plugin that marks them
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take properties out of the coverage: thousands of random examples run the few lines that other tests cover."""
    for item in items:
        if item.get_closest_marker("hypothesis"):
            item.add_marker(pytest.mark.no_cover)


def pytest_collection_finish() -> None:
    """Take what stays to the end (modules, thousands of tests) out of the garbage collector's sight."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def uncounted_processes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Where a module is marked `no_cover`, take the processes it starts out of the coverage too."""
    name = "COVERAGE_PROCESS_CONFIG"
    counted = os.environ.pop(name, None) if request.node.get_closest_marker("no_cover") else None
    yield
    if counted is not None:
        os.environ[name] = counted
