"""An installation to measure, with an audience and a sink that counts arrivals."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notifier.bootstrap.api_container import ApiContainer
from notifier.settings import load_settings
from notifier.storage.database.engine import Database
from notifier.supervise.installation import Installation, installation, request
from tests.support.processes import Usage, server_pid, usage_of

_TIMEOUT = 600.0
_POLL = 0.05
_KEY = "SG.benchbenchbenchbench00.benchbenchbenchbenchbenchbenchbenchbenchben"


@dataclass(frozen=True, slots=True)
class Sink:
    """A client of the counting receiver (`sink.py`)."""

    port: int
    pid: int

    def ask(self, method: str, path: str) -> Any:
        """Call the sink; returns the JSON answered."""
        return request(method, f"http://127.0.0.1:{self.port}{path}", b"" if method == "POST" else None, {})

    def reset(self) -> None:
        """Reset all counts."""
        self.ask("POST", "/reset")

    def stats(self) -> dict[str, Any]:
        """Return the counts since the last reset; times in Unix seconds."""
        found: dict[str, Any] = self.ask("GET", "/stats")
        return found

    def wait_for(self, recipients: int, *, seconds: float = _TIMEOUT) -> dict[str, Any]:
        """Wait for so many recipients, at most `seconds`; returns the counts."""
        deadline = time.monotonic() + seconds
        found = self.stats()
        while found["recipients"] < recipients and time.monotonic() < deadline:
            time.sleep(_POLL)
            found = self.stats()
        return found


@contextmanager
def sink(keep: int = 0) -> Iterator[Sink]:
    """Run a sink that keeps the bodies of the first `keep` requests."""
    command = [sys.executable, "-m", "tests.benchmarks.sink", "0", "--keep", str(keep)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Sink(int(process.stdout.readline().split()[-1]), process.pid)
        finally:
            process.terminate()
            process.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A running installation whose mails and webhooks go to a sink."""

    system: Installation
    sink: Sink
    server: int | None
    folder: Path
    variables: Mapping[str, str]

    def usage(self) -> dict[str, Usage]:
        """Return the resources used by every process, including database server and sink."""
        others = {"sink": self.sink.pid, **({"postgresql": self.server} if self.server else {})}
        return usage_of(self.system.pid, others)

    @contextmanager
    def ledger(self) -> Iterator[ApiContainer]:
        """Open the installation's database, to create states that would take an incident."""
        notifier = _container(self.folder, self.variables)
        try:
            yield notifier
        finally:
            notifier.close()


@contextmanager
def stage(
    url: str | None,
    fill: Callable[[ApiContainer, Sink], None],
    *,
    keep: int = 0,
    config: str = "accounts = []\n",
    environ: Mapping[str, str] | None = None,
) -> Iterator[Stage]:
    """Create an installation, fill its database, run it.

    Args:
        url: An empty PostgreSQL database; None for SQLite.
        fill: Writes the audience, before anything runs.
        keep: Number of request bodies that the sink keeps.
        config: The text of `notifier.toml`.
        environ: Further variables of the installation.
    """
    with tempfile.TemporaryDirectory(prefix="notifier-bench-") as name, sink(keep) as counting:
        folder = Path(name)
        (folder / "notifier.toml").write_text(config, encoding="utf-8")
        variables = {
            "NOTIFIER_CONFIG": str(folder / "notifier.toml"),
            "NOTIFIER_EMAIL_PROVIDERS": "sendgrid",
            "NOTIFIER_SENDGRID_API_KEY": _KEY,
            "NOTIFIER_SENDGRID_URL": f"http://127.0.0.1:{counting.port}",
            "NOTIFIER_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
            **({"NOTIFIER_DATABASE_URL": url} if url else {}),
            **(environ or {}),
        }
        server = _fill(folder, variables, lambda notifier: fill(notifier, counting))
        with installation(folder, variables) as system:
            yield Stage(system=system, sink=counting, server=server, folder=folder, variables=variables)


def _container(folder: Path, variables: Mapping[str, str]) -> ApiContainer:
    return ApiContainer(load_settings({**variables, "NOTIFIER_DATA_DIR": str(folder / "data")}, cwd=folder))


def _fill(folder: Path, variables: Mapping[str, str], fill: Callable[[ApiContainer], None]) -> int | None:
    """Create and fill the database; returns the pid of its server, if it runs here."""
    notifier = _container(folder, variables)
    try:
        notifier.migrate()
        fill(notifier)
        _analyze(notifier.database)
        return None if notifier.database.is_sqlite else server_pid(notifier.database)
    finally:
        notifier.close()


def _analyze(database: Database) -> None:
    """Gather statistics, as a running PostgreSQL does by itself after an import."""
    with database.write() as connection:
        connection.exec_driver_sql("ANALYZE")
