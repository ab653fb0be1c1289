"""What an installation leans on, each in hand so that it can be broken: Redis, database, the providers' stand-in."""

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
    """A server of our own that nobody looks after but us."""

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
        """Start it with nothing of what it held."""
        shutil.rmtree(self._server.home / "appendonlydir", ignore_errors=True)
        self.start()

    def pause(self) -> None:
        """Stop it in its tracks: connections stay open and nothing is answered."""
        os.kill(self._pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self._pid, signal.SIGCONT)


class Sqlite:
    """The database of one machine: a file."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger.sqlite3"
        self.url = f"sqlite:///{self.path}"

    @contextmanager
    def outage(self, seconds: float) -> Iterator[None]:
        """A stranger (a backup, say) holds the write lock all the while."""
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
        """Let no process of the installation write another page."""
        limit_files(pids, 4096)

    def free_disk(self, pids: list[int]) -> None:
        """Let them write again."""
        limit_files(pids, None)

    def close(self) -> None:
        """Nothing runs."""


class Postgresql:
    """A private server."""

    name = "postgresql"

    def __init__(self) -> None:
        # A short path of its own: the server may run as another user, and its socket's path has at most 107 bytes.
        folder = Path(tempfile.mkdtemp(prefix=f"pg-{secrets.token_hex(3)}-", dir="/tmp"))
        # What is committed must outlive a crash of the server, as it does in production; the machine does not crash.
        self._cluster = Cluster(folder, "-c synchronous_commit=on")
        self._cluster.start()
        self.url = self._cluster.url

    @contextmanager
    def outage(self, seconds: float) -> Iterator[None]:
        """The server crashes, and comes back after some seconds."""
        self._cluster.crash()
        back = threading.Timer(seconds, self._cluster.launch)
        back.start()
        yield
        back.join()

    def fill_disk(self, pids: list[int]) -> None:
        """Let the server write no more. Its log of changes has no room either, so it panics, as on a full disk."""
        del pids
        top = self._cluster.pid()
        self._cluster.limit_files([] if top is None else [top, *descendants(top)], 4096)

    def free_disk(self, pids: list[int]) -> None:
        """Make room and start the server again, as its operator would."""
        del pids
        self._cluster.crash()
        self._cluster.launch()

    def close(self) -> None:
        """End the server."""
        self._cluster.stop()


@contextmanager
def sandbox() -> Iterator[str]:
    """Run the providers' stand-in as a process nobody kills; gives its address."""
    command = [sys.executable, "-m", "notifier.sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()
