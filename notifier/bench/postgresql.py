"""The PostgreSQL a benchmark runs on: the one NOTIFIER_BENCH_DATABASE_URL names, else one started for the run."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from notifier.bench.cluster import shared_server
from notifier.storage.engine import Database
from notifier.storage.tables import metadata

_URL = "NOTIFIER_BENCH_DATABASE_URL"


@contextmanager
def bench_server() -> Iterator[str]:
    """Give the URL of a database that is ours to empty."""
    given = os.environ.get(_URL)
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="notifier-bench-") as folder, shared_server(Path(folder)) as url:
        yield url


def emptied(url: str) -> str:
    """Drop everything of ours in a database; returns its URL."""
    database = Database(url)
    metadata.drop_all(database.engine)
    with database.write() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
    database.close()
    return url
