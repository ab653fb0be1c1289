"""What the processes of an installation cost: peak memory and processor time, as Linux's /proc tells."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from notifier.storage.database.engine import Database

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one process since it started: peak resident memory in MB, processor time (user and system) in seconds."""

    peak_mb: float
    seconds: float


def usage_of(supervisor: int, others: Mapping[str, int] | None = None) -> dict[str, Usage]:
    """Return what the supervisor and its children used, by what each is.

    Args:
        supervisor: The process id of `notifier up`.
        others: Further processes by name. One called `postgresql` stands for all the server's processes: their time
            is added up, and their memory is the largest of them.
    """
    found: dict[str, Usage] = {}
    for folder in _family(supervisor):
        _add(found, _called(folder), folder)
    for name, pid in (others or {}).items():
        for folder in _family(pid):
            _add(found, name, folder)
    return found


def memory_of(supervisor: int) -> float:
    """Return the memory of the supervisor and its children in MB; what several of them share counts once (PSS)."""
    lines = [line for folder in _family(supervisor) for line in _read(folder / "smaps_rollup").splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def child_called(supervisor: int, name: str) -> int:
    """Return the process id of a child that `usage_of` calls so.

    Raises:
        LookupError: there is none.
    """
    found = [int(folder.name) for folder in _family(supervisor) if _called(folder) == name]
    if not found:
        raise LookupError(f"no child {name!r}")
    return found[0]


def server_pid(database: Database) -> int | None:
    """Return the process id of the PostgreSQL server behind a database, where it runs on this machine."""
    with database.read() as connection:
        backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    folder = _PROC / str(backend)
    words = _read(folder / "cmdline")
    return _parent(folder) if words.startswith("postgres") else None


def _add(found: dict[str, Usage], name: str, folder: Path) -> None:
    peak = next((line.split()[1] for line in _read(folder / "status").splitlines() if line.startswith("VmHWM")), "0")
    fields = _read(folder / "stat").rpartition(")")[2].split()
    if not fields:
        return  # it has ended meanwhile
    seconds = (int(fields[11]) + int(fields[12])) / _TICKS
    before = found.get(name, Usage(0.0, 0.0))
    found[name] = Usage(max(before.peak_mb, int(peak) / 1024), before.seconds + seconds)


def _family(pid: int) -> Iterator[Path]:
    """A process and its children."""
    for folder in _PROC.iterdir():
        if folder.name.isdigit() and pid in (int(folder.name), _parent(folder)):
            yield folder


def _parent(folder: Path) -> int:
    fields = _read(folder / "stat").rpartition(")")[2].split()
    return int(fields[1]) if fields else 0


def _called(folder: Path) -> str:
    words = words_of(folder)
    if "--queues" in words:
        return "worker " + words[words.index("--queues") + 1]
    for word in ("api", "scheduler", "up"):
        if word in words:
            return word
    return Path(words[0]).name if words else "other"


def words_of(folder: Path) -> list[str]:
    """Return a process's command line, by its folder in /proc, word by word; empty when it is gone.

    One that was started has its words apart; one that was forked names itself in a single text.
    """
    return _read(folder / "cmdline").replace("\0", " ").split()


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""
