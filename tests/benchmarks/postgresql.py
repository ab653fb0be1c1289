"""The PostgreSQL a benchmark runs on: the one NOTIFIER_BENCH_DATABASE_URL names, else one started for the run."""

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
# As it runs in production, out of the box: what is committed outlives a crash, and vacuum runs.
_AS_IN_PRODUCTION = (
    "-c fsync=on",
    "-c synchronous_commit=on",
    "-c full_page_writes=on",
    "-c autovacuum=on",
    "-c shared_buffers=128MB",
)


@contextmanager
def bench_server() -> Iterator[str]:
    """Give the URL of a database that is ours to empty."""
    given = os.environ.get(_URL)
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix=f"pg-{secrets.token_hex(3)}-", dir="/tmp"))  # a socket's path must be short
    cluster = Cluster(folder, *_AS_IN_PRODUCTION)
    try:
        cluster.start()
        yield cluster.url
    finally:
        cluster.stop()


def emptied(url: str) -> str:
    """Drop everything of ours in a database; returns its URL."""
    database = Database(url)
    metadata.drop_all(database.engine)
    with database.write() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
    database.close()
    return url
