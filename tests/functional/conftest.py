"""One installation in this process, on a real database; the broker is away, which no caller may notice."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from notifier.bootstrap.api_container import ApiContainer
from notifier.storage.database.engine import Database
from tests.databases import *  # noqa: F403
from tests.functional.api.api_client import Api, container_on, serving
from tests.functional.api.receiver import Receiver, listening


@pytest.fixture
def container(sqlite_database: Database, tmp_path: Path) -> Iterator[ApiContainer]:
    built = container_on(sqlite_database, tmp_path)
    yield built
    built.close()


@pytest.fixture
def container_anywhere(database: Database, tmp_path: Path) -> Iterator[ApiContainer]:
    built = container_on(database, tmp_path)
    yield built
    built.close()


@pytest.fixture
def api(container: ApiContainer) -> Iterator[Api]:
    """A client that bears the admin token, and checks every answer against the OpenAPI document."""
    with serving(container) as client:
        yield client


@pytest.fixture
def api_with(sqlite_database: Database, tmp_path: Path) -> Iterator[Callable[[str], Api]]:
    """Make a client of an installation with these lines in its `notifier.toml`."""
    with ExitStack() as stack:

        def make(toml: str) -> Api:
            (tmp_path / "notifier.toml").write_text(toml, encoding="utf-8")
            built = container_on(sqlite_database, tmp_path, NOTIFIER_CONFIG=str(tmp_path / "notifier.toml"))
            stack.callback(built.close)
            return stack.enter_context(serving(built))

        yield make


@pytest.fixture
def api_anywhere(container_anywhere: ApiContainer) -> Iterator[Api]:
    """The same on each database."""
    with serving(container_anywhere) as client:
        yield client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as found:
        yield found
