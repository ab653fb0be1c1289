"""Resources used by the processes of an installation: peak memory and CPU time, from /proc."""

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
    """Resources of a process since its start: peak memory (RSS) in MB, CPU seconds (user and system)."""

    peak_mb: float
    seconds: float


def usage_of(supervisor: int, others: Mapping[str, int] | None = None) -> dict[str, Usage]:
    """Return the usage of the supervisor and its children, by name.

    Args:
        supervisor: The pid of `notifier up`.
        others: Further pids by name. `postgresql` stands for all processes of the server: the sum
            of their CPU time, and the memory of the largest.
    """
    found: dict[str, Usage] = {}
    for folder in _family(supervisor):
        _add(found, _called(folder), folder)
    for name, pid in (others or {}).items():
        for folder in _family(pid):
            _add(found, name, folder)
    return found


def memory_of(supervisor: int) -> float:
    """Return the memory of the supervisor and its children in MB; shared pages count once (PSS)."""
    lines = [line for folder in _family(supervisor) for line in _read(folder / "smaps_rollup").splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def child_called(supervisor: int, name: str) -> int:
    """Return the pid of a child by its name in `usage_of`.

    Raises:
        LookupError: There is none.
    """
    found = [int(folder.name) for folder in _family(supervisor) if _called(folder) == name]
    if not found:
        raise LookupError(f"no child {name!r}")
    return found[0]


def server_pid(database: Database) -> int | None:
    """Return the pid of the PostgreSQL server of a database, if it runs on this machine."""
    with database.read() as connection:
        backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    folder = _PROC / str(backend)
    words = _read(folder / "cmdline")
    return _parent(folder) if words.startswith("postgres") else None


def _add(found: dict[str, Usage], name: str, folder: Path) -> None:
    peak = next((line.split()[1] for line in _read(folder / "status").splitlines() if line.startswith("VmHWM")), "0")
    fields = _read(folder / "stat").rpartition(")")[2].split()
    if not fields:
        return  # it has ended
    seconds = (int(fields[11]) + int(fields[12])) / _TICKS
    before = found.get(name, Usage(0.0, 0.0))
    found[name] = Usage(max(before.peak_mb, int(peak) / 1024), before.seconds + seconds)


def _family(pid: int) -> Iterator[Path]:
    """Yield a process and its children."""
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
    """Return the words of a command line by the process's /proc folder; empty if it is dead.

    Executed processes separate their words; forked ones have set one single text.
    """
    return _read(folder / "cmdline").replace("\0", " ").split()


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""
