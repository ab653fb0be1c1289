"""A clock that is put forward or back, beside seconds that nobody can set."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from notifier.services.operations.clock_jump import ClockJumpDetector


@dataclass
class Times:
    wall: datetime = field(default=datetime(2026, 3, 29, 12, 0, tzinfo=UTC))
    seconds: float = 1000.0

    def pass_by(self, seconds: float, *, step: float = 0.0) -> None:
        self.seconds += seconds
        self.wall += timedelta(seconds=seconds + step)


def steady_clock(times: Times) -> ClockJumpDetector:
    return ClockJumpDetector(lambda: times.wall, timedelta(seconds=90), lambda: times.seconds)


def test_a_clock_that_runs_evenly_is_believed_also_after_a_long_time_without_a_question() -> None:
    times = Times()
    steady = steady_clock(times)
    assert steady.is_steady()
    times.pass_by(3600, step=1.5)
    assert steady.is_steady()


def test_after_a_step_forward_or_back_nothing_is_overdue_for_as_long_as_a_lease_lasts() -> None:
    for step in (120.0, -120.0):
        times = Times()
        steady = steady_clock(times)
        assert steady.is_steady()
        times.pass_by(1, step=step)
        assert not steady.is_steady()
        times.pass_by(89)
        assert not steady.is_steady()
        times.pass_by(1)
        assert steady.is_steady()
