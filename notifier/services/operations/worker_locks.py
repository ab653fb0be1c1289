"""One lock file per worker process, released by the kernel when the process ends (flock(2))."""

import socket
from contextlib import ExitStack, suppress
from pathlib import Path

from notifier.files import HeldElsewhereError, file_lock, private_dir
from notifier.observability import get_logger

_log = get_logger(__name__)
_SUFFIX = ".lock"
_HOST_LENGTH = 40


def this_host() -> str:
    """Return this machine's name as used in process names."""
    return socket.gethostname()[:_HOST_LENGTH]


class WorkerLocks:
    """The locks of a data folder. On a disk without locks, only heartbeats detect dead workers."""

    def __init__(self, folder: Path) -> None:
        """Store the folder; create nothing yet."""
        self._folder = folder
        self._held = ExitStack()

    def acquire(self, owner: str) -> None:
        """Lock a process's file until it ends or `close` is called."""
        try:
            # Locked under a temporary name first: the file must never be visible unlocked.
            draft = private_dir(self._folder) / f".{owner}"
            self._held.enter_context(file_lock(draft, wait=0))
            draft.rename(self._path(owner))
        except OSError as error:
            _log.warning("process_lock_unavailable", error=str(error), hint="liveness depends on the heartbeat")

    def gone(self) -> list[str]:
        """Return the processes whose lock is free and was not removed."""
        named = [path.name.removesuffix(_SUFFIX) for path in self._folder.glob(f"*{_SUFFIX}")]
        return [owner for owner in named if self._is_free(owner)]

    @staticmethod
    def are_proof(owner: str) -> bool:
        """Whether a free lock proves that a process is dead: not across machines."""
        return owner.rsplit("-", 2)[0] == this_host()

    def forget(self, owner: str) -> None:
        """Remove a dead process's lock file."""
        self._path(owner).unlink(missing_ok=True)

    def close(self, owner: str, *, forget: bool = True) -> None:
        """Release what `acquire` locked; keep the file if `forget` is false."""
        if forget:
            self.forget(owner)
        self._held.close()

    def _path(self, owner: str) -> Path:
        return self._folder / f"{owner}{_SUFFIX}"

    def _is_free(self, owner: str) -> bool:
        with suppress(HeldElsewhereError, FileNotFoundError), file_lock(self._path(owner), wait=0):
            return True
        return False
