"""The dependencies of an installation, made to fail: Redis, database, sandbox."""

import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from notifier.queueing.server import Server, ServerHealth
from tests.chaos.processes import descendants, limit_files
from tests.support.cluster import Cluster

_PATIENCE_SECONDS = 20.0
_POLL_SECONDS = 0.02


class Redis:
    """A private server that nothing else supervises."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self._server = Server(home=home, socket=home / "redis.sock")
        self.url = f"redis+socket://{quote(str(home / 'redis.sock'))}"

    @property
    def _pid(self) -> int:
        return int((self._server.home / "server.pid").read_text(encoding="ascii"))

    def start(self) -> None:
        """Start it; returns when it answers."""
        self._server.launch()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while self._server.health() is not ServerHealth.READY and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)

    def kill(self) -> None:
        """Kill it (-9)."""
        with suppress(ProcessLookupError, FileNotFoundError):
            os.kill(self._pid, signal.SIGKILL)

    def start_empty(self) -> None:
        """Start it without its data."""
        shutil.rmtree(self._server.home / "appendonlydir", ignore_errors=True)
        self.start()

    def pause(self) -> None:
        """Suspend it: connections stay open, nothing is answered."""
        os.kill(self._pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Resume it."""
        os.kill(self._pid, signal.SIGCONT)


class Sqlite:
    """The SQLite database: a file."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger.sqlite3"
        self.url = f"sqlite:///{self.path}"

    @contextmanager
    def outage(self, seconds: float) -> Iterator[None]:
        """Hold the write lock, like a foreign process (such as a backup)."""
        ended = threading.Event()

        def hold() -> None:
            stranger = sqlite3.connect(self.path, timeout=10, isolation_level=None)
            stranger.execute("BEGIN IMMEDIATE")
            ended.wait(seconds)
            stranger.execute("ROLLBACK")
            stranger.close()

        holder = threading.Thread(target=hold)
        holder.start()
        yield
        holder.join()

    def fill_disk(self, pids: list[int]) -> None:
        """Keep all processes of the installation from writing another page."""
        limit_files(pids, 4096)

    def free_disk(self, pids: list[int]) -> None:
        """Allow writes again."""
        limit_files(pids, None)

    def close(self) -> None:
        """Nothing to close."""


class Postgresql:
    """A private server."""

    name = "postgresql"

    def __init__(self) -> None:
        # A short path of its own: the server may run as another user, and socket paths are at most
        # 107 bytes.
        folder = Path(tempfile.mkdtemp(prefix=f"pg-{secrets.token_hex(3)}-", dir="/tmp"))
        # Commits must survive a crash of the server, as in production; the machine does not crash.
        self._cluster = Cluster(folder, "-c synchronous_commit=on")
        self._cluster.start()
        self.url = self._cluster.url

    @contextmanager
    def outage(self, seconds: float) -> Iterator[None]:
        """Crash the server and restart it after some seconds."""
        self._cluster.crash()
        back = threading.Timer(seconds, self._cluster.launch)
        back.start()
        yield
        back.join()

    def fill_disk(self, pids: list[int]) -> None:
        """Keep the server from writing, WAL included, so that it panics as on a full disk."""
        del pids
        top = self._cluster.pid()
        self._cluster.limit_files([] if top is None else [top, *descendants(top)], 4096)

    def free_disk(self, pids: list[int]) -> None:
        """Free space and restart the server, as its operator would."""
        del pids
        self._cluster.crash()
        self._cluster.launch()

    def close(self) -> None:
        """Stop the server."""
        self._cluster.stop()


@contextmanager
def sandbox() -> Iterator[str]:
    """Run the sandbox as a process that no scenario kills; yields its URL."""
    command = [sys.executable, "-m", "notifier.sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()
