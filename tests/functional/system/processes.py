"""The processes of a running installation, seen from outside."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from notifier.bench.processes import words_of
from notifier.supervise.installation import Installation
from tests import sandbox_server


def until(question: Callable[[], Any]) -> Any:
    """Ask a running installation until it says yes; returns what it said."""
    return sandbox_server.until(question, seconds=120, every=0.1)


def child(system: Installation, *words: str) -> int:
    """The process id of a child whose command line holds these words."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                line = words_of(folder)
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if parent == str(system.pid) and all(word in line for word in words):
                return int(folder.name)
    raise AssertionError(f"no child with {words}")
