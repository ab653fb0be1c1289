import fcntl
import os
import resource
from types import SimpleNamespace
from typing import BinaryIO

import pytest

from notifier.channels.webhook.delivery.limits import EngineLimits, SlotLimits
from notifier.channels.webhook.delivery.open_files import fit_to_open_files

LIMITS = EngineLimits(
    first=SlotLimits(fast=100, slow=400), retry=SlotLimits(fast=100, slow=400), idle_sockets=1_000
)  # 2,000 sockets and the reserve


class FakeSystem:
    """A process's limits of open files."""

    def __init__(self, soft: int, hard: int, *, obstinate: bool = False) -> None:
        self.soft, self.hard, self.obstinate = soft, hard, obstinate

    def getrlimit(self, _which: int) -> tuple[int, int]:
        return self.soft, self.hard

    def setrlimit(self, _which: int, limits: tuple[int, int]) -> None:
        if self.obstinate:
            raise ValueError("not allowed to raise maximum limit")
        self.soft, self.hard = limits


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> FakeSystem:
    fake = FakeSystem(**request.param)
    monkeypatch.setattr(resource, "getrlimit", fake.getrlimit)
    monkeypatch.setattr(resource, "setrlimit", fake.setrlimit)
    return fake


@pytest.mark.parametrize("system", [{"soft": 1024, "hard": 100_000}, {"soft": 1024, "hard": -1}], indirect=True)
def test_the_soft_limit_is_raised_to_what_the_slots_need(system: FakeSystem) -> None:
    assert fit_to_open_files(LIMITS) is LIMITS
    assert system.soft == 2_256


@pytest.mark.parametrize("system", [{"soft": 50_000, "hard": 100_000}, {"soft": -1, "hard": -1}], indirect=True)
def test_a_limit_that_is_high_enough_stays(system: FakeSystem) -> None:
    before = system.soft
    assert fit_to_open_files(LIMITS) is LIMITS
    assert system.soft == before


@pytest.mark.parametrize(
    "system", [{"soft": 512, "hard": 1256}, {"soft": 1256, "hard": 9999, "obstinate": True}], indirect=True
)
def test_fewer_files_mean_fewer_slots(system: FakeSystem) -> None:
    fitted = fit_to_open_files(LIMITS)
    assert (fitted.first.fast, fitted.first.slow, fitted.retry.slow, fitted.idle_sockets) == (50, 200, 200, 500)


@pytest.mark.parametrize("system", [{"soft": 64, "hard": 64}], indirect=True)
def test_some_slots_always_remain(system: FakeSystem) -> None:
    fitted = fit_to_open_files(LIMITS)
    assert min(fitted.first.fast, fitted.first.slow, fitted.retry.fast, fitted.retry.slow) == 8
    assert fitted.idle_sockets == 0


def test_the_systems_table_of_open_files_grows_to_all_of_them_at_once_and_nothing_stays_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = []

    def remembering(file: BinaryIO, command: int, least: int) -> int:
        opened.append(fcntl.fcntl(file, command, least))
        return opened[-1]

    system = SimpleNamespace(fcntl=remembering, F_DUPFD_CLOEXEC=fcntl.F_DUPFD_CLOEXEC)
    monkeypatch.setattr("notifier.channels.webhook.delivery.open_files.fcntl", system)
    fit_to_open_files(LIMITS)
    (highest,) = opened
    assert highest >= min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 2_256) - 1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(highest)
