"""Who is told: a table over every preference, status, impact, scope and standing, and the two promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.domain.recipients.audience import (
    AudienceContext,
    Exposure,
    IncidentScope,
    Preferences,
    checks,
    in_scope,
    is_notified,
)
from notifier.domain.values import Channel, Impact, Status, UpdateLevel

API, POS = frozenset({"api"}), frozenset({"pos"})
EVERYTHING: frozenset[str] = frozenset()
SEVERITY = [Impact.NONE, Impact.MINOR, Impact.MAJOR, Impact.CRITICAL]


def scope(impact: Impact = Impact.MAJOR, components: frozenset[str] = API) -> IncidentScope:
    return IncidentScope(impact=impact, components=components)


def context_of(status: Status, now: IncidentScope, earlier: Sequence[IncidentScope] = ()) -> AudienceContext:
    return AudienceContext(
        channel=Channel.EMAIL,
        scope=now,
        earlier_scopes=earlier,
        closes=status.closes,
        postmortem=status is Status.POSTMORTEM,
    )


def is_concerned(preferences: Preferences, now: IncidentScope) -> bool:
    """Say in the contract's words whether an incident matters to somebody."""
    if now.impact is Impact.MAINTENANCE:
        severe_enough = preferences.maintenance
    else:
        severe_enough = SEVERITY.index(now.impact) >= SEVERITY.index(preferences.min_impact)
    all_parts = not preferences.components or not now.components
    return severe_enough and (all_parts or any(part in preferences.components for part in now.components))


def should_be_notified(preferences: Preferences, status: Status, now: IncidentScope, exposure: Exposure) -> bool:
    """Say in the contract's words whether somebody is told."""
    was_notified = exposure in (Exposure.REACHED, Exposure.PENDING)
    match preferences.updates, status:
        case UpdateLevel.RESOLUTION, Status.RESOLVED | Status.COMPLETED | Status.CANCELED:
            return is_concerned(preferences, now) or was_notified  # having been in scope counts as told
        case UpdateLevel.RESOLUTION, _:
            return False  # hears only the end
        case _, Status.RESOLVED | Status.COMPLETED | Status.CANCELED | Status.POSTMORTEM:
            return was_notified
        case UpdateLevel.MILESTONES, _:
            return is_concerned(preferences, now) and exposure is not Exposure.REACHED
        case _:
            return is_concerned(preferences, now)


@pytest.mark.parametrize("updates", list(UpdateLevel))
@pytest.mark.parametrize("status", list(Status))
def test_every_preference_impact_scope_and_standing(status: Status, updates: UpdateLevel) -> None:
    table = product([EVERYTHING, API, POS], SEVERITY, [True, False], Impact, [EVERYTHING, API, API | POS], Exposure)
    for wanted, min_impact, maintenance, impact, affected, exposure in table:
        preferences = Preferences(components=wanted, min_impact=min_impact, updates=updates, maintenance=maintenance)
        now = scope(impact, affected)
        told = is_notified(preferences, exposure, context_of(status, now))
        assert told == should_be_notified(preferences, status, now, exposure), (preferences, status, now, exposure)


@pytest.mark.parametrize("exposure", list(Exposure))
@pytest.mark.parametrize("status", list(Status))
def test_nobody_is_told_on_a_channel_they_did_not_choose(status: Status, exposure: Exposure) -> None:
    preferences = Preferences(channels=frozenset({Channel.WEBHOOK}))
    assert not is_notified(preferences, exposure, context_of(status, scope()))


def test_who_wants_only_the_end_hears_it_if_they_were_ever_in_scope() -> None:
    preferences = Preferences(updates=UpdateLevel.RESOLUTION, min_impact=Impact.MAJOR)
    faded = context_of(Status.RESOLVED, scope(Impact.MINOR), earlier=[scope(Impact.MAJOR), scope(Impact.MINOR)])
    never = context_of(Status.RESOLVED, scope(Impact.MINOR), earlier=[scope(Impact.MINOR)])
    assert is_notified(preferences, Exposure.NONE, faded)
    assert not is_notified(preferences, Exposure.NONE, never)


def test_scope_that_grows_brings_in_those_who_now_match() -> None:
    preferences = Preferences(components=POS)
    assert not is_notified(preferences, Exposure.NONE, context_of(Status.IDENTIFIED, scope(components=API)))
    assert is_notified(preferences, Exposure.NONE, context_of(Status.IDENTIFIED, scope(components=API | POS)))


def test_the_first_check_that_fails_is_the_reason() -> None:
    preferences = Preferences(min_impact=Impact.CRITICAL, components=POS)
    found = checks(preferences, Exposure.NONE, context_of(Status.INVESTIGATING, scope(Impact.MINOR, API)))
    assert [(check.rule, check.passed) for check in found] == [
        ("channel", True),
        ("min_impact", False),
        ("components", False),
        ("updates", True),
    ]
    assert found[1].seen == "impact=minor min_impact=critical"
    assert found[2].seen == "affected=api wanted=pos"


# --- the two promises, under preferences, impact and components that change while it runs --------------------------

PREFERENCES = st.builds(
    Preferences,
    components=st.sampled_from([EVERYTHING, API, POS]),
    min_impact=st.sampled_from(SEVERITY),
    updates=st.sampled_from(UpdateLevel),
    maintenance=st.booleans(),
)
SCOPES = st.builds(
    IncidentScope, impact=st.sampled_from(Impact), components=st.sampled_from([EVERYTHING, API, POS, API | POS])
)
RUNNING = st.sampled_from([Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING, Status.IN_PROGRESS])


@dataclass(frozen=True)
class Step:
    """One notification of an incident: what it says, the reader's wishes by then, and whether it reached them."""

    status: Status
    scope: IncidentScope
    preferences: Preferences
    arrives: bool


STEPS = st.builds(Step, status=RUNNING, scope=SCOPES, preferences=PREFERENCES, arrives=st.booleans())


def live_through(steps: Sequence[Step]) -> tuple[Exposure, list[IncidentScope]]:
    """Return what a reader knows after a running incident, and how far it reached along the way."""
    exposure, scopes = Exposure.NONE, list[IncidentScope]()
    for step in steps:
        if is_notified(step.preferences, exposure, context_of(step.status, step.scope, scopes)):
            exposure = Exposure.REACHED if step.arrives or exposure is Exposure.REACHED else Exposure.PENDING
        scopes.append(step.scope)
    return exposure, scopes


@settings(max_examples=500)
@given(st.lists(STEPS, max_size=6), SCOPES, PREFERENCES)
def test_who_was_told_that_it_began_is_told_that_it_ended(
    steps: list[Step], end: IncidentScope, last: Preferences
) -> None:
    exposure, scopes = live_through(steps)
    if exposure is not Exposure.NONE:
        assert is_notified(last, exposure, context_of(Status.RESOLVED, end, scopes))


@settings(max_examples=500)
@given(st.lists(STEPS, max_size=6), SCOPES, PREFERENCES)
def test_who_was_not_told_that_it_began_is_not_told_that_it_ended(
    steps: list[Step], end: IncidentScope, last: Preferences
) -> None:
    exposure, scopes = live_through(steps)
    told = is_notified(last, exposure, context_of(Status.RESOLVED, end, scopes))
    if exposure is Exposure.NONE and told:
        assert last.updates is UpdateLevel.RESOLUTION
        assert any(in_scope(last, each) for each in [*scopes, end])


@given(PREFERENCES, SCOPES, st.sampled_from(Exposure), st.sampled_from(Status))
def test_the_verdict_is_the_sum_of_its_checks(
    preferences: Preferences, now: IncidentScope, exposure: Exposure, status: Status
) -> None:
    context = context_of(status, now)
    found = checks(preferences, exposure, context)
    assert is_notified(preferences, exposure, context) == all(check.passed for check in found)
    assert len({check.rule for check in found}) == len(found)
    assert all(check.seen for check in found)


def test_a_canary_concerns_only_who_names_it() -> None:
    now = context_of(Status.INVESTIGATING, scope(components=frozenset({"canary"})))
    assert is_notified(Preferences(components=frozenset({"canary"})), Exposure.NONE, now)
    assert not is_notified(Preferences(), Exposure.NONE, now)
    assert not is_notified(Preferences(components=API), Exposure.NONE, now)
