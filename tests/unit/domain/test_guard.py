"""What waits for a person."""

import pytest

from notifier.domain.audience import Preferences, Scope
from notifier.domain.guard import GuardPolicy, is_held, reach_of
from notifier.domain.values import Channel, Impact, Wanted

PEOPLE = [
    (Preferences(), 10),
    (Preferences(components=frozenset({"api"})), 5),
    (Preferences(min_impact=Impact.CRITICAL), 3),
    (Preferences(updates=Wanted.RESOLUTION), 2),
    (Preferences(channels=frozenset({Channel.WEBHOOK})), 7),
]
CHECKOUT = Scope(impact=Impact.MAJOR, components=frozenset({"checkout"}))


@pytest.mark.parametrize(
    ("policy", "reach", "guarded", "earlier", "held"),
    [
        (GuardPolicy(), 10**7, False, False, False),
        (GuardPolicy(hold_above=100), 100, False, False, False),
        (GuardPolicy(hold_above=100), 101, False, False, True),
        (GuardPolicy(), 0, True, False, True),
        (GuardPolicy(), 0, False, True, True),
    ],
)
def test_too_many_no_right_or_something_waiting_holds(
    policy: GuardPolicy, reach: int, *, guarded: bool, earlier: bool, held: bool
) -> None:
    assert is_held(policy, reach=reach, guarded=guarded, earlier_held=earlier) is held


def test_whom_news_concerns_is_counted_by_what_they_chose() -> None:
    assert reach_of(PEOPLE, Channel.EMAIL, CHECKOUT, closes=False) == 10
    assert reach_of(PEOPLE, Channel.EMAIL, CHECKOUT, closes=True) == 12
    assert reach_of(PEOPLE, Channel.WEBHOOK, CHECKOUT, closes=False) == 7
    everything = Scope(impact=Impact.CRITICAL, components=frozenset())
    assert reach_of(PEOPLE, Channel.EMAIL, everything, closes=False) == 18
