"""A dead broker costs one wait, not one per message."""

from notifier.queueing.producer import Circuit


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


def test_a_success_ends_the_outage_for_everybody() -> None:
    circuit, clock = opened()
    clock.now += 0.5
    assert circuit.may_try()
    assert circuit.succeeded()
    assert all(circuit.may_try() for _ in range(3))
    assert circuit.failed()
