"""PostgreSQL for a benchmark: NOTIFIER_BENCH_DATABASE_URL, or one started for the run."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from notifier.storage.database.engine import Database
from notifier.storage.tables import metadata
from tests.support.cluster import Cluster

_URL = "NOTIFIER_BENCH_DATABASE_URL"
# Production defaults: commits survive a crash, and vacuum runs.
_AS_IN_PRODUCTION = (
    "-c fsync=on",
    "-c synchronous_commit=on",
    "-c full_page_writes=on",
    "-c autovacuum=on",
    "-c shared_buffers=128MB",
)


@contextmanager
def bench_server() -> Iterator[str]:
    """Yield the URL of a database that may be emptied."""
    given = os.environ.get(_URL)
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix=f"pg-{secrets.token_hex(3)}-", dir="/tmp"))  # socket paths must be short
    cluster = Cluster(folder, *_AS_IN_PRODUCTION)
    try:
        cluster.start()
        yield cluster.url
    finally:
        cluster.stop()


def emptied(url: str) -> str:
    """Drop all our tables in a database; returns its URL."""
    database = Database(url)
    metadata.drop_all(database.engine)
    with database.write() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
    database.close()
    return url
