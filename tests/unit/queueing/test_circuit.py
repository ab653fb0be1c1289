"""A dead broker or Redis costs one wait, not one per call."""

import pytest
from redis.exceptions import RedisError

from notifier.queueing.circuit import Circuit, RedisCircuit


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def opened() -> tuple[Circuit, Clock]:
    clock = Clock()
    circuit = Circuit(clock=clock)
    assert circuit.failed()
    return circuit, clock


def test_everybody_tries_while_it_works() -> None:
    circuit = Circuit(clock=Clock())
    assert all(circuit.may_try() for _ in range(3))
    assert not circuit.succeeded()


def test_nobody_tries_during_the_pause_and_one_does_after_it() -> None:
    circuit, clock = opened()
    assert not circuit.may_try()
    clock.now += 0.5
    assert [circuit.may_try() for _ in range(3)] == [True, False, False]


def test_the_pause_doubles_up_to_its_limit() -> None:
    circuit, clock = opened()
    waits = []
    for _ in range(6):
        begun = clock.now
        while not circuit.may_try():
            clock.now += 0.25
        waits.append(clock.now - begun)
        assert not circuit.failed()
    assert waits == [0.5, 1, 2, 4, 5, 5]


def test_a_probe_that_never_says_how_it_went_is_followed_by_another() -> None:
    circuit, clock = opened()
    clock.now += 0.5
    assert circuit.may_try()
    clock.now += 4.9
    assert not circuit.may_try()
    clock.now += 0.1
    assert circuit.may_try()


def test_a_success_ends_the_outage_for_everybody() -> None:
    circuit, clock = opened()
    clock.now += 0.5
    assert circuit.may_try()
    assert circuit.succeeded()
    assert all(circuit.may_try() for _ in range(3))
    assert circuit.failed()


@pytest.mark.parametrize("error", [RedisError("away"), OSError("away")])
def test_a_redis_that_fails_is_told_of_once_and_left_alone(error: Exception) -> None:
    asked: list[bool] = []
    outages: list[str] = []
    circuit = RedisCircuit(outages.append)
    for _ in range(3):
        with circuit.attempt() as may:
            asked.append(may)
            if may:
                raise error
    assert asked == [True, False, False]
    assert outages == [type(error).__name__]


def test_an_error_that_is_not_of_redis_is_not_hidden() -> None:
    with pytest.raises(KeyError), RedisCircuit(print).attempt():
        raise KeyError
