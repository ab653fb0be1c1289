"""What waits for a person."""

from datetime import timedelta

import pytest

from notifier.domain.recipients.audience import IncidentScope, Preferences
from notifier.domain.recipients.blast_guard import BlastGuardPolicy, HoldReason, hold_reason, reach_of
from notifier.domain.values import Channel, Impact, UpdateLevel

PEOPLE = [
    (Preferences(), 10),
    (Preferences(components=frozenset({"api"})), 5),
    (Preferences(min_impact=Impact.CRITICAL), 3),
    (Preferences(updates=UpdateLevel.RESOLUTION), 2),
    (Preferences(channels=frozenset({Channel.WEBHOOK})), 7),
]
CHECKOUT = IncidentScope(impact=Impact.MAJOR, components=frozenset({"checkout"}))


@pytest.mark.parametrize(
    ("policy", "many", "guarded", "hours", "reason"),
    [
        (BlastGuardPolicy(), False, True, 10**5, None),
        (BlastGuardPolicy(), True, False, 0, HoldReason.MANY),
        (BlastGuardPolicy(needs_announce=True), True, True, 0, HoldReason.NEEDS_ANNOUNCE),
        (BlastGuardPolicy(needs_announce=True), False, False, 10**5, None),
        (BlastGuardPolicy(hold_older_than=timedelta(hours=24)), False, False, 24, None),
        (BlastGuardPolicy(hold_older_than=timedelta(hours=24)), False, False, 24.01, HoldReason.OLD),
        (BlastGuardPolicy(hold_older_than=timedelta(hours=24)), False, False, -1, None),
    ],
)
def test_too_many_no_right_or_old_news_is_held(
    policy: BlastGuardPolicy, hours: float, reason: HoldReason | None, *, many: bool, guarded: bool
) -> None:
    assert hold_reason(policy, guarded=guarded, age=timedelta(hours=hours), many=many) is reason


def test_whom_news_concerns_is_counted_by_what_they_chose() -> None:
    assert reach_of(PEOPLE, Channel.EMAIL, CHECKOUT, closes=False) == 10
    assert reach_of(PEOPLE, Channel.EMAIL, CHECKOUT, closes=True) == 12
    assert reach_of(PEOPLE, Channel.WEBHOOK, CHECKOUT, closes=False) == 7
    everything = IncidentScope(impact=Impact.CRITICAL, components=frozenset())
    assert reach_of(PEOPLE, Channel.EMAIL, everything, closes=False) == 18
