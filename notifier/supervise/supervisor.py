"""Keep child processes running and stop them in order, whatever they do."""

import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from notifier.observability import get_logger
from notifier.supervise.child import Child, ChildSpec

_TICK_SECONDS = 0.2
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_SETTLED_SECONDS = 10.0  # a child that ran this long restarts without a growing pause
_WRONG_CONFIGURATION = 2
_FORCED = 2  # signals
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_log = get_logger(__name__)


@dataclass(slots=True)
class Supervised:
    """A child, and when to start it (again). Times by `time.monotonic`."""

    child: Child
    start_at: float = 0.0
    started_at: float = 0.0
    pause: float = 0.0
    was_ready: bool = False


@dataclass(slots=True)
class Supervisor:
    """Runs groups of children until told to stop.

    Attributes:
        groups: In draining order: a group has ended before the next one is stopped.
        check: Called repeatedly until it reports that the system is ready; then `on_ready` is
            called.
        on_start: Called after each start of a child, with its name.
        every_tick: Called a few times a second; must not block for long.
        on_drain: Called when draining begins; must stop new work from coming in.
        is_orphaned: Called a few times a second; True (the parent is dead) has the effect of a
            signal.
    """

    groups: Sequence[Sequence[ChildSpec]]
    check: Callable[[], bool]
    on_ready: Callable[[], None]
    on_start: Callable[[str], None] = lambda _name: None
    every_tick: Callable[[], None] = lambda: None
    on_drain: Callable[[], None] = lambda: None
    is_orphaned: Callable[[], bool] = lambda: False
    _stops: int = 0
    _lines: bytes = b""
    _all: list[list[Supervised]] = field(default_factory=list)

    def run(self) -> int:
        """Start, watch and drain the children. Returns 0, 1 if forced, 2 if a child did.

        A child that exits with 2 before it was ready has reported a configuration error: restarting
        it would only repeat the message.
        """
        self._all = [[Supervised(Child(spec)) for spec in group] for group in self.groups]
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        try:
            with self._wakeups() as waker:
                code = self._watch(reader, writer, waker)
                self.on_drain()
                forced = self._drain(waker)
        finally:
            for item in self._each():
                item.child.kill()
                item.child.wait(5)
                item.child.close()
            os.close(reader)
            os.close(writer)
        return 1 if forced else code

    def _each(self) -> Iterator[Supervised]:
        return (item for group in self._all for item in group)

    # --- watching ---

    def _watch(self, reader: int, writer: int, waker: int) -> int:
        announced = False
        while not self._stops and not self.is_orphaned():
            now = time.monotonic()
            # Last group first: the others depend on what is drained last.
            for group in reversed(self._all):
                for item in group:
                    if self._restart_if_due(item, writer, now):
                        return _WRONG_CONFIGURATION
            self.every_tick()
            if not announced and all(item.child.ready for item in self._each()) and self.check():
                announced = True
                for item in self._each():
                    item.was_ready = True
                self.on_ready()
            select.select([reader, waker], [], [], _TICK_SECONDS)
            _empty(waker)
            self._read_ready(reader)
        return 0

    def _restart_if_due(self, item: Supervised, writer: int, now: float) -> bool:
        """Start a due child, record a dead one; True if it reports a configuration error."""
        child = item.child
        if child.process is None:
            if now >= item.start_at:
                self._start(item, writer, now)
            return False
        code = child.exit_code()
        if code is None:
            return False
        if code == _WRONG_CONFIGURATION and not item.was_ready:
            return True
        child.close()
        child.process, child.ready = None, False
        self._wait_longer(item, now)
        _log.warning("child_exited", child=child.name, cause=_cause(code), restart_in=item.pause)
        return False

    def _start(self, item: Supervised, writer: int, now: float) -> None:
        try:
            item.child.start(writer)
        except OSError as error:  # no memory or process available: may be temporary
            self._wait_longer(item, now)
            _log.error("child_start_failed", child=item.child.name, error=str(error), restart_in=item.pause)
            return
        item.started_at = now
        self.on_start(item.child.name)

    def _wait_longer(self, item: Supervised, now: float) -> None:
        calm = now - item.started_at >= _SETTLED_SECONDS
        item.pause = _FIRST_PAUSE if calm or not item.pause else min(item.pause * 2, _LONGEST_PAUSE)
        item.start_at = now + item.pause

    def _read_ready(self, reader: int) -> None:
        """Read the names of children that have reported ready."""
        try:
            self._lines += os.read(reader, 4096)
        except BlockingIOError:
            return
        *whole, self._lines = self._lines.split(b"\n")
        names = {line.decode() for line in whole}
        for item in self._each():
            if item.child.name in names and item.child.is_running:
                item.child.ready = item.was_ready = True

    # --- draining ---

    def _drain(self, waker: int) -> bool:
        """Stop group after group; a second signal kills all. Return whether that happened."""
        for group in self._all:
            for item in group:
                item.child.terminate()
            deadlines = [(item, time.monotonic() + item.child.spec.stop_seconds) for item in group]
            while any(item.child.is_running for item, _ in deadlines):
                if self._stops >= _FORCED:
                    return True
                for item, deadline in deadlines:
                    if item.child.is_running and time.monotonic() >= deadline:
                        _log.warning("child_killed", child=item.child.name, after_seconds=item.child.spec.stop_seconds)
                        item.child.kill()
                select.select([waker], [], [], _TICK_SECONDS)
                _empty(waker)
        return False

    # --- signals ---

    @contextmanager
    def _wakeups(self) -> Iterator[int]:
        """Count stop signals, and let every signal (SIGCHLD too) interrupt a wait."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        # A closed terminal ends it too, unless it was started with nohup.
        hang_up = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
        before = {number: signal.signal(number, self._count) for number in (*_STOP_SIGNALS, *hang_up)}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _ignore)
        earlier = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        try:
            yield reader
        finally:
            signal.set_wakeup_fd(earlier)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(reader)
            os.close(writer)

    def _count(self, _number: int, _frame: FrameType | None) -> None:
        self._stops += 1


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Handled by the wakeup alone."""


def _empty(descriptor: int) -> None:
    try:
        os.read(descriptor, 4096)
    except BlockingIOError:
        return


def _cause(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
