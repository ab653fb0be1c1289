"""Run the sweep every second. Several schedulers may run: a sweep is safe to repeat."""

import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType

from notifier.domain.errors import NotifierError
from notifier.files import show_life
from notifier.observability import get_logger
from notifier.parent_watch import report_ready
from notifier.services.operations.sweep import Sweep
from notifier.settings import Settings

_INTERVAL = 1.0
_LONGEST_PAUSE = 30.0
_log = get_logger(__name__)


def run_loop(
    sweep: Callable[[datetime], object],
    *,
    stop: threading.Event,
    interval: float = _INTERVAL,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Call `sweep(now)` at every multiple of `interval` seconds after the start, until `stop` is set.

    A slow sweep skips the runs it missed: the next one sees everything that is due. While the
    database or the broker is down the pause doubles up to 30 s. Any other error is a bug: the
    process logs it and exits, and the supervisor starts a new one.
    """
    beats_at, pause = clock(), interval
    while not stop.is_set():
        try:
            sweep(datetime.now(UTC))
        except NotifierError as error:
            pause = min(pause * 2, _LONGEST_PAUSE)
            _log.warning("sweep_failed", error=str(error), retry_in=pause)
            beats_at = clock() + pause
        else:
            if pause > interval:
                _log.info("sweep_recovered")
            pause = interval
            missed = max(0, int((clock() - beats_at) / interval))
            beats_at += interval * (missed + 1)
        stop.wait(max(0.0, beats_at - clock()))


def run_scheduler(settings: Settings, sweep: Sweep) -> int:
    """Run the scheduler in this process until SIGTERM or Ctrl-C; return 0.

    Touches `<data dir>/heartbeat/scheduler` with each sweep, even a failed one.
    """
    stop, data_dir = threading.Event(), settings.ensure_data_dir()

    def sweep_once(_now: datetime) -> None:
        show_life(data_dir, "scheduler")
        sweep.run()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    report_ready()
    run_loop(sweep_once, stop=stop)
    return 0
