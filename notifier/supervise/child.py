"""One child process: its specification and its life cycle."""

import multiprocessing
import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.context import ForkProcess

from notifier.supervise.launch import HANDLED, exec_child

_POLL_SECONDS = 0.01
_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """What to run: a module with its arguments, and how long it may take to stop (seconds)."""

    name: str
    module: str
    arguments: Sequence[str] = ()
    environ: Mapping[str, str] = field(default_factory=dict)  # beyond the supervisor's own
    inherits: Sequence[int] = ()  # file descriptors
    stop_seconds: float = 10.0
    reports_ready: bool = True  # by `parent_watch.report_ready`


@dataclass(slots=True)
class Child:
    """A spec and the process that runs it now, if any."""

    spec: ChildSpec
    process: ForkProcess | None = None
    ready: bool = False
    _supervisor_pipe: int | None = None  # our end of the pipe, kept open

    @property
    def name(self) -> str:
        return self.spec.name

    def start(self, ready_fd: int) -> None:
        """Fork the process in its own session, so that Ctrl-C reaches only the supervisor.

        Raises:
            OSError: the system has no room for another process.
        """
        self.close()
        self.ready = not self.spec.reports_ready
        reader, self._supervisor_pipe = os.pipe()
        spec = self.spec
        process = _FORK.Process(
            target=exec_child,
            args=(spec.module, spec.arguments),
            kwargs={"name": spec.name, "environ": spec.environ, "supervisor_pipe": reader, "ready": ready_fd}
            | {"inherits": spec.inherits},
        )
        # Block stop signals until the child has replaced our handlers, which would swallow them.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            os.close(reader)
        self.process = process

    def exit_code(self) -> int | None:
        """The code of a process that has ended (negative: the signal), None while it runs."""
        return self.process.exitcode if self.process else None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.exitcode is None

    def terminate(self) -> None:
        """Ask it to finish its current work and exit."""
        if self.is_running and self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """Kill it at once, with all processes it started."""
        if self.is_running and self.process is not None and self.process.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.kill()  # if it has no session of its own yet

    def wait(self, seconds: float) -> bool:
        """Wait for it to exit; return False on time-out."""
        deadline = time.monotonic() + seconds
        while self.is_running and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return not self.is_running

    def close(self) -> None:
        """Close the lifeline of a process that has exited."""
        if self._supervisor_pipe is not None:
            os.close(self._supervisor_pipe)
            self._supervisor_pipe = None
