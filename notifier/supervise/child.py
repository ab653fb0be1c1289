"""One child process: what it is, and its life from start to end."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from notifier.lifeline import NAME_VARIABLE, READY_VARIABLE

_STDERR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """What to run: a module with its arguments, and how long it may take to stop (seconds)."""

    name: str
    module: str
    arguments: Sequence[str] = ()
    environ: Mapping[str, str] = field(default_factory=dict)  # beyond the supervisor's own
    inherits: Sequence[int] = ()  # file descriptors
    stop_seconds: float = 10.0
    reports_ready: bool = True  # by `lifeline.report_ready`


@dataclass(slots=True)
class Child:
    """A spec and the process that runs it now, if any."""

    spec: ChildSpec
    process: subprocess.Popen[bytes] | None = None
    ready: bool = False

    @property
    def name(self) -> str:
        return self.spec.name

    def start(self, ready_fd: int) -> None:
        """Start the process in a session of its own, so that a Ctrl-C in the terminal reaches the supervisor alone."""
        self.close()
        self.ready = not self.spec.reports_ready
        names = {NAME_VARIABLE: self.name, READY_VARIABLE: str(ready_fd)}
        self.process = subprocess.Popen(  # noqa: S603  our own modules, no shell
            [sys.executable, "-m", "notifier.supervise.launch", self.spec.module, *self.spec.arguments],
            stdin=subprocess.PIPE,
            stdout=_STDERR,  # standard output belongs to the supervisor's own lines
            env={**os.environ, **self.spec.environ, **names},
            pass_fds=(ready_fd, *self.spec.inherits),
            start_new_session=True,
        )

    def exit_code(self) -> int | None:
        """The code of a process that has ended (negative: the signal), None while it runs."""
        return self.process.poll() if self.process else None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def terminate(self) -> None:
        """Ask it to finish what it has in hand and end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, with everything it may have started."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        with suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)

    def wait(self, seconds: float) -> bool:
        """Wait for the end; False when it takes longer."""
        if self.process is None:
            return True
        try:
            self.process.wait(timeout=max(seconds, 0))
        except subprocess.TimeoutExpired:
            return False
        return True

    def close(self) -> None:
        """Drop the lifeline of a process that has ended."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
