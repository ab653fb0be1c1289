"""The machine of a benchmark run: without it, figures mean nothing."""

import os
import platform
import resource
import sqlite3
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

_MANY_FILES = 1 << 16
_LIBRARIES = ("celery", "sqlalchemy", "psycopg", "sendgrid", "aiohttp", "orjson")


@dataclass(frozen=True, slots=True)
class Machine:
    """This machine and its software. `load`: its one-minute load average before the run."""

    day: str
    system: str
    processor: str
    cores: int
    memory_gb: float
    load: float
    versions: dict[str, str]

    def line(self) -> str:
        """Return two lines of text."""
        versions = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return (
            f"{self.day}: {self.system}, {self.cores} cores ({self.processor}), {self.memory_gb:.0f} GB, "
            f"load {self.load:.1f} before the run\n{versions}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return a JSON-serialisable dict."""
        return asdict(self)


def open_files() -> int:
    """Raise this process's limit of open files as far as allowed; returns the new limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MANY_FILES if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


def machine() -> Machine:
    """Collect the facts about this machine."""
    return Machine(
        day=datetime.now(UTC).date().isoformat(),
        system=platform.platform(),
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        load=os.getloadavg()[0],
        versions={
            "Python": platform.python_version(),
            "SQLite": sqlite3.sqlite_version,
            **{name: version(name) for name in _LIBRARIES},
        },
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
