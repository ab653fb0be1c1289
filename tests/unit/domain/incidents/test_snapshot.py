"""What follows for an event from the earlier updates of its incident."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.incidents.incident import AffectedComponent, Event, Incident, Update, Window
from notifier.domain.incidents.snapshot import Earlier, complete, lacks_window
from notifier.domain.values import ComponentStatus, Impact, Status

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WELL, DOWN = ComponentStatus.OPERATIONAL, ComponentStatus.MAJOR_OUTAGE
FIRST = Window(START + timedelta(days=1), START + timedelta(days=1, hours=2))
SECOND = Window(START + timedelta(days=3), START + timedelta(days=3, hours=2))
Parts = Mapping[str, ComponentStatus | None]


def an_event(
    number: int,
    status: Status,
    parts: Parts | Sequence[str] = (),
    *,
    impact: Impact = Impact.MAJOR,
    window: Window | None = None,
) -> Event:
    named: Parts = parts if isinstance(parts, Mapping) else dict.fromkeys(parts)
    incident = Incident(
        id="inc",
        title={"en": "Trouble"},
        impact=impact,
        components=tuple(AffectedComponent(key=key, status=health) for key, health in named.items()),
        scheduled_for=window.start if window else None,
        scheduled_until=window.end if window else None,
    )
    update = Update(id=f"u{number}", status=status, body={"en": "x"}, posted_at=START + timedelta(minutes=number))
    return Event(id=f"e{number}", incident=incident, update=update)


def stored(*events: Event) -> list[Earlier]:
    """Take events in one after another; the same update id replaces an entry."""
    timeline: dict[str, Earlier] = {}
    for event in events:
        entry = Earlier.of(complete(event, list(timeline.values())))
        timeline[entry.update_id] = entry
    return list(timeline.values())


def parts_of(event: Event, *before: Event) -> dict[str, ComponentStatus | None]:
    return {part.key: part.status for part in complete(event, stored(*before)).incident.components}


# --- the end of an incident -----------------------------------------------------------------------------------------

ENDS = [Status.RESOLVED, Status.COMPLETED, Status.CANCELED]


@pytest.mark.parametrize("status", ENDS)
@pytest.mark.parametrize("said", [(), ("api",), ("api", "pos")])
def test_an_end_that_says_nothing_of_components_leaves_all_of_them_operational(
    status: Status, said: tuple[str, ...]
) -> None:
    before = an_event(1, Status.INVESTIGATING, {"api": DOWN}), an_event(2, Status.IDENTIFIED, {"pos": None})
    assert parts_of(an_event(3, status, said), *before) == {"api": WELL, "pos": WELL}


@pytest.mark.parametrize("status", ENDS)
def test_a_component_whose_state_the_end_names_keeps_it(status: Status) -> None:
    before = an_event(1, Status.INVESTIGATING, {"api": DOWN, "pos": DOWN})
    degraded = ComponentStatus.DEGRADED_PERFORMANCE
    assert parts_of(an_event(2, status, {"pos": degraded}), before) == {"pos": degraded, "api": WELL}


def test_before_the_end_components_are_what_the_event_says() -> None:
    before = an_event(1, Status.INVESTIGATING, {"api": DOWN, "pos": DOWN})
    assert parts_of(an_event(2, Status.MONITORING, {"api": None}), before) == {"api": None}


def test_an_update_edited_into_the_end_resets_what_it_named_itself() -> None:
    before = an_event(1, Status.INVESTIGATING, {"api": DOWN})
    assert parts_of(an_event(1, Status.RESOLVED), before) == {"api": WELL}


def test_a_postmortem_and_a_second_end_name_what_the_first_end_named() -> None:
    before = an_event(1, Status.INVESTIGATING, {"api": DOWN}), an_event(2, Status.RESOLVED)
    assert parts_of(an_event(3, Status.POSTMORTEM), *before) == {"api": WELL}
    again = an_event(3, Status.INVESTIGATING, {"pos": DOWN})
    assert parts_of(an_event(4, Status.RESOLVED), *before, again) == {"pos": WELL, "api": WELL}


def test_what_was_posted_later_is_not_looked_at() -> None:
    later = an_event(5, Status.INVESTIGATING, {"api": DOWN})
    assert parts_of(an_event(2, Status.RESOLVED, ["pos"]), later) == {"pos": WELL}


# --- one notion of maintenance --------------------------------------------------------------------------------------


@given(st.sampled_from(Status), st.sampled_from(Impact), st.lists(st.sampled_from(Status), max_size=4))
def test_status_and_incident_always_agree_on_what_is_planned_work(
    status: Status, impact: Impact, before: list[Status]
) -> None:
    known = stored(*(an_event(number, each, impact=impact) for number, each in enumerate(before)))
    event = complete(an_event(9, status, impact=impact), known)
    if status is Status.POSTMORTEM:
        kinds = [entry.status.is_maintenance for entry in known if entry.status is not Status.POSTMORTEM]
        assert event.incident.is_maintenance == (kinds[-1] if kinds else impact is Impact.MAINTENANCE)
    else:
        assert event.incident.is_maintenance == status.is_maintenance


def test_a_postmortem_of_maintenance_keeps_its_window() -> None:
    before = an_event(1, Status.SCHEDULED, window=FIRST), an_event(2, Status.COMPLETED, window=FIRST)
    event = complete(an_event(3, Status.POSTMORTEM, impact=Impact.MINOR), stored(*before))
    assert event.incident.window == FIRST


def test_a_disruption_that_a_page_calls_maintenance_has_the_impact_that_was_known() -> None:
    before = an_event(1, Status.INVESTIGATING, impact=Impact.CRITICAL)
    event = an_event(2, Status.POSTMORTEM, impact=Impact.MAINTENANCE)
    assert complete(event, stored(before)).incident.impact is Impact.CRITICAL
    assert complete(an_event(2, Status.MONITORING, impact=Impact.MAINTENANCE)).incident.impact is Impact.NONE


# --- windows --------------------------------------------------------------------------------------------------------


def moved_from(event: Event, *before: Event) -> Window | None:
    return complete(event, stored(*before)).incident.moved_from


def test_another_window_than_the_one_before_was_moved() -> None:
    first = an_event(1, Status.SCHEDULED, window=FIRST)
    assert moved_from(first) is None
    assert moved_from(an_event(2, Status.SCHEDULED, window=FIRST), first) is None
    assert moved_from(an_event(2, Status.SCHEDULED, window=SECOND), first) == FIRST
    assert moved_from(an_event(2, Status.IN_PROGRESS, window=SECOND), first) == FIRST


def test_a_window_corrected_in_place_was_moved_from_what_stood_there_first() -> None:
    first = an_event(1, Status.SCHEDULED, window=FIRST)
    corrected = an_event(1, Status.SCHEDULED, window=SECOND)
    third = Window(START + timedelta(days=9), None)
    assert moved_from(corrected, first) == FIRST
    assert moved_from(an_event(1, Status.SCHEDULED, window=third), first, corrected) == FIRST
    assert moved_from(first, first, corrected) is None  # moved back


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.CANCELED])
def test_the_end_moves_nothing_and_a_new_announcement_is_no_move(status: Status) -> None:
    first = an_event(1, Status.SCHEDULED, window=FIRST)
    end = an_event(2, status, window=SECOND)
    assert moved_from(end, first) is None
    assert moved_from(an_event(3, Status.SCHEDULED, window=SECOND), first, an_event(2, status, window=FIRST)) is None


def test_a_source_that_leaves_the_window_out_means_the_known_one() -> None:
    first = an_event(1, Status.SCHEDULED, window=FIRST)
    assert complete(an_event(2, Status.IN_PROGRESS), stored(first)).incident.window == FIRST


def test_planned_work_without_any_window_lacks_it_until_it_is_over() -> None:
    assert lacks_window(complete(an_event(1, Status.SCHEDULED)))
    assert not lacks_window(complete(an_event(1, Status.SCHEDULED, window=FIRST)))
    assert not lacks_window(complete(an_event(1, Status.COMPLETED)))
    assert not lacks_window(complete(an_event(1, Status.INVESTIGATING)))
