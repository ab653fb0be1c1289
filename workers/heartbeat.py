"""Heartbeat for a container's health check, sent only while messages can arrive."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from celery import bootsteps

from notifier.files import show_life

_SECONDS = 5.0


def heartbeat_step(data_dir: Path) -> type[bootsteps.StartStopStep]:
    """Return a consumer step that runs while the worker is connected to the broker."""

    class Heartbeat(bootsteps.StartStopStep):
        """Touches `<data dir>/heartbeat/worker` every five seconds."""

        def __init__(self, parent: Any, **options: Any) -> None:
            super().__init__(parent, **options)
            self._cancel: Callable[[], object] = bool

        def start(self, parent: Any) -> None:
            """Start, with the first touch at once."""
            show_life(data_dir, "worker")
            self._cancel = parent.timer.call_repeatedly(_SECONDS, show_life, (data_dir, "worker")).cancel

        def stop(self, parent: Any) -> None:
            """Stop: the connection is lost."""
            del parent
            self._cancel()

    return Heartbeat
