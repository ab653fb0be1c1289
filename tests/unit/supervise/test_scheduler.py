"""The heartbeat."""

import threading
from datetime import datetime, timedelta

import pytest

from notifier.domain.errors import UnavailableError
from notifier.supervise.scheduler import run_loop


class Time(threading.Event):
    """A stop event whose waits move a clock; stops after `limit` seconds of that clock."""

    def __init__(self, limit: float) -> None:
        super().__init__()
        self.now, self.limit = 0.0, limit

    def __call__(self) -> float:
        return self.now

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0
        if self.now >= self.limit:
            self.set()
        return self.is_set()


def test_beats_keep_their_places_however_long_a_sweep_takes() -> None:
    time, starts = Time(limit=10), list[float]()

    def sweep(_now: datetime) -> None:
        starts.append(time.now)
        time.now += 0.3 if len(starts) != 3 else 2.5

    run_loop(sweep, stop=time, clock=time)
    assert starts == [0, 1, 2, 5, 6, 7, 8, 9]


def test_a_sweep_is_told_the_aware_time() -> None:
    time, told = Time(limit=1), list[datetime]()
    run_loop(told.append, stop=time, clock=time)
    assert told[0].utcoffset() == timedelta(0)


def test_while_the_database_is_away_the_pause_grows_and_then_the_beat_returns() -> None:
    time, starts = Time(limit=40), list[float]()

    def sweep(_now: datetime) -> None:
        starts.append(time.now)
        if time.now < 20:
            raise UnavailableError("the database does not answer")

    run_loop(sweep, stop=time, clock=time)
    assert starts[:8] == [0, 2, 6, 14, 30, 31, 32, 33]


def test_the_pause_has_a_limit() -> None:
    time, starts = Time(limit=200), list[float]()

    def sweep(_now: datetime) -> None:
        starts.append(time.now)
        raise UnavailableError("away")

    run_loop(sweep, stop=time, clock=time)
    assert starts[-1] - starts[-2] == 30


def test_a_bug_ends_the_loop() -> None:
    def sweep(_now: datetime) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_loop(sweep, stop=threading.Event())
