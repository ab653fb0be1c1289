from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.circuit_breaker import CLOSED, BreakerPolicy

POLICY = BreakerPolicy(threshold=3, pause=30, max_pause=100, probe=60)


def test_the_pause_begins_at_the_threshold_and_doubles_up_to_its_limit() -> None:
    assert [POLICY.pause_after(failures) for failures in (1, 2, 3)] == [0, 0, 30]
    assert [POLICY.pause_after(3, last=last) for last in (30, 60, 100)] == [60, 100, 100]


def test_a_probe_without_an_outcome_gives_its_place_up_in_the_end() -> None:
    breaker = CLOSED
    for _ in range(3):
        breaker = breaker.after_failure(POLICY, 0)
    breaker, first = breaker.permit(POLICY, 30)
    breaker, meanwhile = breaker.permit(POLICY, 89)
    breaker, later = breaker.permit(POLICY, 90)
    assert (first, meanwhile, later) == (None, 30, None)


@given(st.lists(st.tuples(st.sampled_from(["ask", "fail", "ok", "nothing"]), st.floats(0, 50)), max_size=60))
def test_it_never_refuses_for_longer_than_the_longest_pause(history: list[tuple[str, float]]) -> None:
    breaker, now = CLOSED, 0.0
    for step, passed in history:
        now += passed
        if step == "ask":
            breaker, wait = breaker.permit(POLICY, now)
            assert wait is None or 0 < wait <= POLICY.max_pause
        elif step == "fail":
            breaker = breaker.after_failure(POLICY, now)
        else:
            breaker = CLOSED if step == "ok" else breaker.after_nothing()
