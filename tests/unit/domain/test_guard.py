"""What waits for a person."""

from datetime import timedelta

import pytest

from notifier.domain.audience import Preferences, Scope
from notifier.domain.guard import GuardPolicy, HoldReason, hold_reason, reach_of
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
    ("policy", "reach", "guarded", "hours", "reason"),
    [
        (GuardPolicy(), 10**7, True, 10**5, None),
        (GuardPolicy(hold_above=100), 100, True, 0, None),
        (GuardPolicy(hold_above=100), 101, False, 0, HoldReason.MANY),
        (GuardPolicy(needs_announce=True, hold_above=1), 2, True, 0, HoldReason.NEEDS_ANNOUNCE),
        (GuardPolicy(needs_announce=True), 10**7, False, 10**5, None),
        (GuardPolicy(hold_older_than=timedelta(hours=24)), 0, False, 24, None),
        (GuardPolicy(hold_older_than=timedelta(hours=24)), 0, False, 24.01, HoldReason.OLD),
        (GuardPolicy(hold_older_than=timedelta(hours=24)), 0, False, -1, None),
    ],
)
def test_too_many_no_right_or_old_news_is_held(
    policy: GuardPolicy, reach: int, hours: float, reason: HoldReason | None, *, guarded: bool
) -> None:
    assert hold_reason(policy, guarded=guarded, age=timedelta(hours=hours), reach=reach) is reason


def test_whom_news_concerns_is_counted_by_what_they_chose() -> None:
    assert reach_of(PEOPLE, Channel.EMAIL, CHECKOUT, closes=False) == 10
    assert reach_of(PEOPLE, Channel.EMAIL, CHECKOUT, closes=True) == 12
    assert reach_of(PEOPLE, Channel.WEBHOOK, CHECKOUT, closes=False) == 7
    everything = Scope(impact=Impact.CRITICAL, components=frozenset())
    assert reach_of(PEOPLE, Channel.EMAIL, everything, closes=False) == 18
