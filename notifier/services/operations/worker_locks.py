"""One lock file per worker process: the kernel drops it with its holder, however that ends (flock(2))."""

import socket
from contextlib import ExitStack, suppress
from pathlib import Path

from notifier.files import HeldElsewhereError, file_lock, private_dir
from notifier.observability import get_logger

_log = get_logger(__name__)
_SUFFIX = ".lock"
_HOST_LENGTH = 40


def this_host() -> str:
    """Return how this machine is called in the names of its processes."""
    return socket.gethostname()[:_HOST_LENGTH]


class WorkerLocks:
    """The locks of a data folder. Where its disk knows no locks, nobody is found gone, and heartbeats decide."""

    def __init__(self, folder: Path) -> None:
        """Touch nothing yet."""
        self._folder = folder
        self._held = ExitStack()

    def acquire(self, owner: str) -> None:
        """Hold the lock of a process, until it ends or `close`."""
        try:
            # Under another name until it is locked: it must never be seen without its holder.
            draft = private_dir(self._folder) / f".{owner}"
            self._held.enter_context(file_lock(draft, wait=0))
            draft.rename(self._path(owner))
        except OSError as error:
            _log.warning("process_lock_unavailable", error=str(error), hint="liveness depends on the heartbeat")

    def gone(self) -> list[str]:
        """Return the processes that hold their lock no more and were not forgotten."""
        named = [path.name.removesuffix(_SUFFIX) for path in self._folder.glob(f"*{_SUFFIX}")]
        return [owner for owner in named if self._is_free(owner)]

    @staticmethod
    def are_proof(owner: str) -> bool:
        """Whether a free lock proves that a process is gone: few disks that machines share lend locks."""
        return owner.rsplit("-", 2)[0] == this_host()

    def forget(self, owner: str) -> None:
        """Remove the lock of a process that is gone."""
        self._path(owner).unlink(missing_ok=True)

    def close(self, owner: str, *, forget: bool = True) -> None:
        """Let go of what `hold` holds; the file stays where there is something to be found."""
        if forget:
            self.forget(owner)
        self._held.close()

    def _path(self, owner: str) -> Path:
        return self._folder / f"{owner}{_SUFFIX}"

    def _is_free(self, owner: str) -> bool:
        with suppress(HeldElsewhereError, FileNotFoundError), file_lock(self._path(owner), wait=0):
            return True
        return False
