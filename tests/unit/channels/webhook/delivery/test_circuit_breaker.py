from notifier.channels.webhook.delivery.circuit_breaker import Breakers
from notifier.domain.circuit_breaker import BreakerPolicy

POLICY = BreakerPolicy(threshold=3, pause=30, max_pause=100)


def tripped(now: float = 0.0) -> Breakers:
    breakers = Breakers(POLICY)
    for _ in range(3):
        breakers.failed("a", now)
    return breakers


def test_it_stays_closed_below_the_threshold() -> None:
    breakers = Breakers(POLICY)
    breakers.failed("a", 0)
    breakers.failed("a", 0)
    assert breakers.ask("a", 0) is None


def test_it_opens_at_the_threshold_for_its_key_alone() -> None:
    breakers = tripped()
    assert breakers.ask("a", 10) == 20
    assert breakers.ask("b", 10) is None


def test_after_the_pause_exactly_one_attempt_probes() -> None:
    breakers = tripped()
    assert breakers.ask("a", 30) is None
    assert breakers.ask("a", 30) == 30
    breakers.succeeded("a")
    assert breakers.ask("a", 30) is None
    assert breakers.ask("a", 30) is None
    assert len(breakers) == 0


def test_failed_probes_double_the_pause_up_to_its_limit() -> None:
    breakers, now, waits = tripped(), 0.0, []
    for _ in range(4):
        wait = breakers.ask("a", now)
        assert wait is not None
        waits.append(wait)
        now += wait
        assert breakers.ask("a", now) is None
        breakers.failed("a", now)
    assert waits == [30, 60, 100, 100]


def test_a_probe_that_told_nothing_lets_the_next_one_try() -> None:
    breakers = tripped()
    assert breakers.ask("a", 30) is None
    breakers.unknown("a")
    assert breakers.ask("a", 30) is None


def test_any_success_starts_the_count_anew() -> None:
    breakers = Breakers(POLICY)
    for _ in range(10):
        breakers.failed("a", 0)
        breakers.failed("a", 0)
        breakers.succeeded("a")
    assert breakers.ask("a", 0) is None


def test_a_receiver_that_says_when_to_come_back_is_left_alone_until_then() -> None:
    breakers = Breakers(POLICY)
    breakers.failed("a", 0, at_least=45)
    assert breakers.ask("a", 5) == 40
    assert breakers.ask("a", 45) is None
    assert breakers.ask("a", 45) == 1  # one asks first, the others follow soon after
    breakers.failed("a", 45)
    assert breakers.ask("a", 45) is None  # two failures do not open it


def test_failures_of_attempts_that_were_under_way_do_not_move_the_end_of_the_pause() -> None:
    breakers = tripped()
    breakers.failed("a", 29)
    assert breakers.ask("a", 29) == 1


def test_only_receivers_in_trouble_are_remembered_and_not_too_many() -> None:
    breakers = Breakers(POLICY, most=2)
    for key in "abc":
        breakers.failed(key, 0)
    assert len(breakers) == 2


def test_what_failed_before_a_person_asked_for_a_retry_holds_nothing_back_that_comes_after() -> None:
    breakers = tripped()
    assert breakers.ask("a", 1) is not None
    assert [breakers.ask("a", 1, 7.0) for _ in range(3)] == [None, None, None]
    breakers.failed("a", 1, began_at=7.0)
    assert breakers.ask("a", 1, 7.0) is not None
    assert breakers.ask("a", 1, 8.0) is None
    breakers.succeeded("a")
    assert breakers.ask("a", 1) is None
