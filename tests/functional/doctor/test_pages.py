"""Doctor says of each polled page whether it can be read, and since when not; so do the metrics."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from notifier.bootstrap.api_container import ApiContainer
from notifier.doctor.finding import Finding
from notifier.doctor.pages import check_pages
from notifier.storage.database.engine import Database
from notifier.storage.proposals import polled_pages
from tests.functional.api.api_client import container_on

NAME = "upstream:cloudflare"


@pytest.fixture
def container(sqlite_database: Database, tmp_path: Path) -> Iterator[ApiContainer]:
    file = tmp_path / "notifier.toml"
    file.write_text('[[upstreams]]\nname = "cloudflare"\nurl = "http://127.0.0.1:9"\n', encoding="utf-8")
    built = container_on(sqlite_database, tmp_path, NOTIFIER_CONFIG=str(file))
    yield built
    built.close()


def polled(container: ApiContainer, error: str | None) -> None:
    now = container.clock() - timedelta(minutes=5)
    with container.database.write() as connection:
        polled_pages.claim(connection, NAME, "one", now=now, until=now, by=now)
        if error is None:
            polled_pages.done(connection, NAME, "one", now=now, next_at=now, cursor={})
        else:
            polled_pages.failed(connection, NAME, "one", now=now, next_at=now, failures=1, error=error)


def finding(container: ApiContainer) -> Finding:
    (found,) = check_pages(container)
    return found


def test_a_page_is_not_polled_yet_then_read_then_unreadable_since_a_time(container: ApiContainer) -> None:
    found = finding(container)
    assert (found.name, found.state) == (NAME, "warn")
    assert "not been polled yet" in found.message
    polled(container, None)
    assert finding(container).state == "ok"
    assert container.metrics_snapshot.take().pages == {}
    polled(container, "HTTP 503")
    found = finding(container)
    assert found.state == "warn"
    assert "cannot be polled since" in found.message
    assert "HTTP 503" in found.message
    (seconds,) = container.metrics_snapshot.take().pages.values()
    assert seconds >= 300
