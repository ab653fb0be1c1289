"""The embedded Redis: this installation's own Valkey server, on a unix socket, with an AOF.

It opens no port and runs detached: it outlives a killed parent, and the next process adopts it. Any
number of processes may call this: one at a time decides, under a lock that is released if its
holder dies.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from notifier.domain.errors import ConfigError
from notifier.files import HeldElsewhereError, file_lock, is_private_dir, private_dir
from notifier.observability import get_logger
from notifier.queueing.addresses import SHORT_FOLDERS, embedded_url, socket_path
from notifier.queueing.server import Server, ServerHealth

_LOCK_SECONDS = 30.0
_START_SECONDS = 15.0
_HUNG_SECONDS = 5.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.02
_VARIABLE = "NOTIFIER_REDIS_URL"
_log = get_logger(__name__)


def ensure(data_dir: Path, *, wait: float = _LOCK_SECONDS) -> str:
    """Adopt the server of this data folder, or start it; returns its address once it answers.

    Raises:
        ConfigError: there is no server program, or it does not start; says why and how to fix it.
    """
    try:
        home = private_dir(private_dir(data_dir.resolve()) / "redis")
        server = Server(home=home, socket=socket_path(data_dir))
        _run_folder(server.socket.parent)
        if server.health() is not ServerHealth.READY:
            with file_lock(home / "lock", wait=wait):
                _ensure_alone(server)
    except HeldElsewhereError as error:
        raise ConfigError(_VARIABLE, f"process {error.holder} starts the embedded Redis and does not end") from error
    except OSError as error:
        where = error.filename or data_dir
        raise ConfigError(_VARIABLE, f"the embedded Redis cannot use {where}: {error.strerror}") from error
    return embedded_url(data_dir)


def stop(data_dir: Path) -> bool:
    """Shut down this data folder's server and keep its data; return whether it has stopped."""
    server = Server(home=data_dir.resolve() / "redis", socket=socket_path(data_dir))
    if server.health() is ServerHealth.GONE or not server.home.is_dir():
        return True
    with suppress(HeldElsewhereError), file_lock(server.home / "lock", wait=_STOP_SECONDS):
        server.shut_down()
        if _settled(server, {ServerHealth.GONE}, _STOP_SECONDS) is not ServerHealth.GONE:
            server.kill()
    gone = server.health() is ServerHealth.GONE
    if gone and server.socket.parent.parent == SHORT_FOLDERS:
        with suppress(OSError):
            server.socket.parent.rmdir()
    return gone


def _ensure_alone(server: Server) -> None:
    """Wait, adopt or start; the caller holds the lock."""
    found = _settled(server, {ServerHealth.READY, ServerHealth.GONE}, _HUNG_SECONDS)
    if found is ServerHealth.LOADING:
        found = _settled(server, {ServerHealth.READY, ServerHealth.GONE}, _START_SECONDS)
    if found is ServerHealth.READY:
        _log.info("embedded_redis_adopted", socket=str(server.socket))
        return
    if found is not ServerHealth.GONE:
        _log.warning("embedded_redis_killed", socket=str(server.socket), hint="it did not answer")
        server.kill()
    if not _started(server):
        # Move unreadable data aside: messages are only hints, the database knows what is due.
        if not server.put_data_aside():
            raise ConfigError(_VARIABLE, f"the embedded Redis does not start: {server.last_words()}")
        _log.warning("embedded_redis_data_set_aside", reason=server.last_words(), folder=str(server.home))
        if not _started(server):
            raise ConfigError(_VARIABLE, f"the embedded Redis does not start: {server.last_words()}")


def _started(server: Server) -> bool:
    server.launch()
    return _settled(server, {ServerHealth.READY}, _START_SECONDS, alive=server.may_come_up) is ServerHealth.READY


def _settled(
    server: Server, wanted: set[ServerHealth], seconds: float, alive: Callable[[], bool] = lambda: True
) -> ServerHealth:
    """Ask until the answer is a wanted one, the process is no longer `alive`, or `seconds` are over."""
    deadline = time.monotonic() + seconds
    while True:
        found = server.health()
        if found in wanted or not alive() or time.monotonic() >= deadline:
            return found
        time.sleep(_POLL_SECONDS)


def _run_folder(folder: Path) -> None:
    """Create the socket's folder; refuse one under /tmp that another user created."""
    private_dir(folder)
    if folder.parent == SHORT_FOLDERS and not is_private_dir(folder):
        raise ConfigError("NOTIFIER_DATA_DIR", f"its path is too long for a socket, and {folder} is not ours alone")
