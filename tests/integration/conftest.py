"""Both databases, and data folders whose embedded server is gone when the test is."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from notifier.queueing import embedded
from notifier.storage.database.engine import Database
from tests.databases import *  # noqa: F403 - the fixtures, by the names their module lists
from tests.support.repository import ROOT


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    yield folder
    assert embedded.stop(folder)


@pytest.fixture
def until() -> Callable[[Callable[[], bool], float], None]:
    """Poll a condition; fail when it does not come true in time."""

    def wait(condition: Callable[[], bool], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.02)

    return wait


@pytest.fixture
def child_environ() -> dict[str, str]:
    """An environment for programs of the test: ours without NOTIFIER_ variables, both our roots on the path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NOTIFIER_", "_NOTIFIER_"))}
    return kept | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent / "programs")])}


@pytest.fixture
def ledger(sqlite_database: Database) -> Database:
    """SQLite alone, for tests whose point lies beyond the database."""
    return sqlite_database
