"""Files shared by processes: private folders, atomic writes, locks that end with their holder.

Standard library only, so that every layer may import it. Functions raise `OSError` unchanged.
"""

import fcntl
import os
import resource
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PRIVATE_DIR = 0o700
_PRIVATE_FILE = 0o600
_POLL_SECONDS = 0.02


def private_dir(path: Path) -> Path:
    """Create a folder that only this user may enter, and its parents; keep an existing one."""
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=_PRIVATE_DIR, exist_ok=True)
    return path


def is_private_dir(path: Path) -> bool:
    """Return whether `path` is a folder (not a link) of this user, closed to others; for /tmp."""
    found = path.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def make_private(path: Path) -> None:
    """Restrict an existing file of ours to this user; ignore a missing one."""
    with suppress(FileNotFoundError, PermissionError):
        found = path.stat()
        if found.st_mode & 0o077 and found.st_uid == os.geteuid():
            path.chmod(_PRIVATE_FILE)


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 atomically: readers see the old or the new content."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def grant_open_files(wanted: int) -> int:
    """Raise the soft limit of open files to `wanted`, within the hard limit; return the new limit.

    The soft limit of 1,024 exists for programs that use select(2); others are meant to raise it
    (systemd, "File Descriptor Limits").
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    goal = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (goal, hard))
    except (OSError, ValueError):  # macOS has a second, undocumented limit
        return soft
    return goal


def show_life(data_dir: Path, process: str) -> None:
    """Touch `<data dir>/heartbeat/<process>`: a container's health check reads its age."""
    private_dir(data_dir / "heartbeat").joinpath(process).touch()


class HeldElsewhereError(OSError):
    """Another process has the lock; `holder` is what it wrote about itself (its pid), or empty."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is locked by process {holder or 'unknown'}")
        self.holder = holder


@contextmanager
def file_lock(path: Path, *, wait: float) -> Iterator[None]:
    """Take an exclusive lock on `path`, which is created and never removed.

    The kernel releases the lock when its holder ends, so a leftover file never blocks (flock(2)).

    Args:
        path: The lock file.
        wait: Seconds to wait for another holder.

    Raises:
        HeldElsewhereError: Another process still has it after `wait` seconds.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, _PRIVATE_FILE)
    try:
        _take(descriptor, path, time.monotonic() + wait)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise HeldElsewhereError(path, os.pread(descriptor, 20, 0).decode(errors="replace").strip()) from None
            time.sleep(_POLL_SECONDS)
        else:
            return
