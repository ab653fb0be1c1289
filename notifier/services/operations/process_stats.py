"""Memory and open files of a process, where the kernel reports them (Linux)."""

import os
from collections.abc import Mapping
from pathlib import Path

MEMORY, FILES = "notifier_process_resident_bytes", "notifier_process_open_files"
_SELF = Path("/proc/self")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def process_stats(process: str) -> Mapping[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return this process's gauges; empty without /proc."""
    try:
        pages = int((_SELF / "statm").read_text(encoding="ascii").split()[1])
        files = sum(1 for _ in (_SELF / "fd").iterdir())
    except OSError:
        return {}
    labels = (("process", process), ("pid", str(os.getpid())))
    return {(MEMORY, labels): float(pages * _PAGE), (FILES, labels): float(files)}
