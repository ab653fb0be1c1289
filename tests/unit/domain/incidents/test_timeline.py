"""What ingest makes of an event, by example and as properties."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.incidents.incident import AffectedComponent, Event, Incident, Update
from notifier.domain.incidents.timeline import (
    CLOCK_SKEW,
    Classification,
    TimelineContext,
    TimelineEntry,
    believed,
    classify,
    content_digest,
    same_facts,
    timeline_context,
)
from notifier.domain.values import ComponentStatus, Impact, Outcome, Status

START = datetime(2022, 6, 21, 6, 36, tzinfo=UTC)
DOWN = ComponentStatus.MAJOR_OUTAGE


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def an_event(number: int = 1, minutes: float = 0, **changes: Any) -> Event:
    """An event; `changes` are of the event, or of its update or incident where those have such a field."""
    update = Update(id=f"u{number}", status=Status.INVESTIGATING, body={"en": f"News {number}"}, posted_at=at(minutes))
    incident = Incident(
        id="inc", title={"en": "Trouble"}, impact=Impact.MAJOR, components=(AffectedComponent(key="api", status=DOWN),)
    )
    if Status(changes.get("status", Status.INVESTIGATING)).is_maintenance:
        incident = replace(incident, impact=Impact.MAINTENANCE, scheduled_for=at(600), scheduled_until=at(660))
    for name in list(changes):
        if name in ("status", "body", "posted_at", "created_at"):
            update = replace(update, **{name: changes.pop(name)})
        elif name in ("title", "impact", "components", "links", "started_at", "scheduled_for", "scheduled_until"):
            incident = replace(incident, **{name: changes.pop(name)})
    return replace(Event(id=f"e{number}", incident=incident, update=update), **changes)


def timeline_of(*events: Event) -> list[TimelineEntry]:
    return [
        TimelineEntry(
            update_id=event.update.id,
            number=number,
            status=event.update.status,
            ordered_at=event.update.ordered_at,
            digest=content_digest(event),
        )
        for number, event in enumerate(events)
    ]


def judged(event: Event, *before: Event, announced_until: datetime | None = None) -> Classification:
    around = timeline_context(timeline_of(*before), event, content_digest(event))
    return classify(event, content_digest(event), around, announced_until=announced_until)


def test_the_first_event_is_accepted() -> None:
    assert judged(an_event()) == Classification(outcome=Outcome.ACCEPTED, reason="will be announced")


def test_an_event_of_a_known_id_is_a_duplicate_whatever_it_says() -> None:
    event = an_event(body={"en": "Quite other news"})
    classification = classify(event, content_digest(event), TimelineContext(), seen_before=Outcome.ACCEPTED)
    assert classification == Classification(
        outcome=Outcome.DUPLICATE, reason="event e1 was already published (accepted)"
    )


def test_the_content_of_the_latest_update_is_a_duplicate_under_any_id() -> None:
    first = an_event()
    copy = replace(an_event(2, minutes=7), update=replace(first.update, id="other", posted_at=at(7)))
    assert judged(copy, first) == Classification(outcome=Outcome.DUPLICATE, reason="has the same content as update u1")


def test_the_content_of_an_earlier_update_is_news_again() -> None:
    down, up = an_event(1), an_event(2, 5, status=Status.MONITORING)
    down_again = replace(an_event(3, 9), update=replace(down.update, id="u3", posted_at=at(9)))
    assert judged(down_again, down, up).outcome is Outcome.ACCEPTED


def test_a_late_copy_of_what_was_said_then_is_a_duplicate() -> None:
    """The slower of two inbound paths brings an update again, after a newer one that is not announced yet."""
    first, second = an_event(1), an_event(2, 5)
    copy = replace(first, id="slow", update=replace(first.update, id="slow-1", posted_at=at(1)))
    assert judged(copy, first, second, announced_until=at(0)).outcome is Outcome.DUPLICATE


def test_a_copy_that_is_dated_before_the_original_is_a_duplicate() -> None:
    first, second = an_event(1, 3), an_event(2, 5)
    copy = replace(first, id="fast", update=replace(first.update, id="fast-1", posted_at=at(1)))
    assert judged(copy, first, second).outcome is Outcome.DUPLICATE


@pytest.mark.parametrize(
    "change",
    [
        {"status": Status.IDENTIFIED},
        {"body": {"en": "Other news"}},
        {"body": {"en": "News 1", "nl": "Nieuws"}},
        {"title": {"en": "Other trouble"}},
        {"impact": Impact.CRITICAL},
        {"components": (AffectedComponent(key="api"),)},
        {"components": (AffectedComponent(key="pos", status=DOWN),)},
        {"scheduled_for": at(600)},
        {"scheduled_until": at(700)},
    ],
    ids=str,
)
def test_whatever_a_reader_would_see_makes_another_content(change: dict[str, Any]) -> None:
    first = an_event()
    other = replace(an_event(1, 5, **change), id="e2")
    other = replace(other, update=replace(other.update, id="u2"))
    assert judged(other, first).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    "change",
    [
        {"body": {"en": "News 1\n"}},
        {"title": {"en": " Trouble "}},
        {"links": ("https://status.example",)},
        {"started_at": at(-5)},
        {"source": "statuspage"},
        {"automatic": True},
    ],
    ids=str,
)
def test_what_is_no_news_makes_no_other_content(change: dict[str, Any]) -> None:
    assert content_digest(an_event(**change)) == content_digest(an_event())


def test_line_ends_and_the_order_of_components_and_locales_do_not_count() -> None:
    api, pos = AffectedComponent(key="api"), AffectedComponent(key="pos")
    one = an_event(components=(api, pos), body={"en": "a\r\nb", "nl": "c"})
    other = an_event(components=(pos, api), body={"nl": "c", "en": "a\nb"})
    assert content_digest(one) == content_digest(other)


def test_a_digest_is_64_hexadecimal_digits() -> None:
    assert len(bytes.fromhex(content_digest(an_event()))) == 32


def test_an_update_posted_before_what_was_announced_is_stale() -> None:
    classification = judged(an_event(2, 3), an_event(1, 5), announced_until=at(5))
    assert classification == Classification(
        outcome=Outcome.STALE, reason="older than an update that was already announced"
    )


@pytest.mark.parametrize("minutes", [3, 5])
def test_a_copy_of_an_overtaken_update_by_another_way_changes_nothing(minutes: float) -> None:
    first = an_event(1, minutes)
    copy = replace(first, id="e3", update=replace(first.update, id="u3"))
    assert judged(copy, first, an_event(2, 5), announced_until=at(5)).outcome is Outcome.DUPLICATE


def test_an_update_of_the_very_time_that_was_announced_is_not_stale() -> None:
    assert judged(an_event(2, 5), an_event(1, 5), announced_until=at(5)).outcome is Outcome.ACCEPTED


def test_an_older_update_is_accepted_as_long_as_nothing_newer_was_announced() -> None:
    assert judged(an_event(2, 3), an_event(1, 5), announced_until=at(1)).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("minutes", [0.0, 10.0])
def test_what_asks_for_silence_is_recorded_however_old(minutes: float) -> None:
    classification = judged(an_event(2, minutes, notify=False), an_event(1, 5), announced_until=at(5))
    assert classification == Classification(outcome=Outcome.RECORDED, reason="notify is false")


# --- edits ---------------------------------------------------------------------------------------------------------


def test_new_words_under_the_same_update_id_are_kept_and_not_announced() -> None:
    mended = an_event(1, body={"en": "News 1, spelled right"}, id="e2")
    classification = judged(mended, an_event(1), announced_until=at(0))
    assert (classification.outcome, classification.edits) == (Outcome.RECORDED, True)
    assert classification.reason == "a text edit of update u1: kept in the timeline, not announced by itself"


def test_new_words_are_announced_if_that_is_asked_for() -> None:
    mended = an_event(1, body={"en": "News 1, spelled right"}, id="e2", announce_edits=True)
    classification = judged(mended, an_event(1), announced_until=at(0))
    assert (classification.outcome, classification.edits) == (Outcome.ACCEPTED, True)


def test_an_edit_that_repeats_what_the_update_says_now_is_a_duplicate() -> None:
    mended = an_event(1, body={"en": "News 1, spelled right"})
    assert judged(replace(mended, id="e3"), mended, an_event(2, 5)).outcome is Outcome.DUPLICATE


@pytest.mark.parametrize(
    "change",
    [{"status": Status.RESOLVED}, {"impact": Impact.CRITICAL}, {"components": ()}, {"scheduled_for": at(60)}],
    ids=str,
)
def test_new_facts_under_the_same_update_id_are_news(change: dict[str, Any]) -> None:
    """A producer that has one update id per incident is still heard to say that it is over."""
    classification = judged(an_event(1, id="e2", **change), an_event(1), announced_until=at(0))
    assert (classification.outcome, classification.edits) == (Outcome.ACCEPTED, True)


@pytest.mark.parametrize(
    "change", [{"status": Status.RESOLVED}, {"announce_edits": True, "body": {"en": "x"}}], ids=str
)
def test_an_edit_of_an_overtaken_update_is_history(change: dict[str, Any]) -> None:
    classification = judged(an_event(1, id="e3", **change), an_event(1), an_event(2, 5), announced_until=at(5))
    assert (classification.outcome, classification.edits) == (Outcome.RECORDED, True)
    assert classification.reason == "an edit of update u1, which newer updates have superseded"


def test_an_edit_with_a_newer_date_describes_the_present() -> None:
    resolved = an_event(1, 9, id="e3", status=Status.RESOLVED)
    assert judged(resolved, an_event(1), an_event(2, 5), announced_until=at(5)).outcome is Outcome.ACCEPTED


def test_an_edit_that_asks_for_silence_gets_it() -> None:
    silent = an_event(1, id="e2", status=Status.RESOLVED, notify=False)
    classification = judged(silent, an_event(1))
    assert (classification.outcome, classification.edits) == (Outcome.RECORDED, True)


# --- re-opening, clocks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "status", "begins"),
    [
        (Status.RESOLVED, Status.INVESTIGATING, True),
        (Status.POSTMORTEM, Status.MONITORING, True),
        (Status.COMPLETED, Status.IN_PROGRESS, True),
        (Status.CANCELED, Status.SCHEDULED, True),
        (Status.RESOLVED, Status.POSTMORTEM, False),
        (Status.RESOLVED, Status.COMPLETED, False),
        (Status.MONITORING, Status.INVESTIGATING, False),
    ],
)
def test_trouble_after_the_end_reopens(last: Status, status: Status, begins: bool) -> None:  # noqa: FBT001
    classification = judged(an_event(2, 5, status=status), an_event(1, status=last))
    assert (classification.outcome, classification.reopens) == (Outcome.ACCEPTED, begins)


def test_trouble_that_was_posted_before_the_end_does_not_reopen() -> None:
    assert not judged(an_event(2, 3), an_event(1, 5, status=Status.RESOLVED)).reopens


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(minutes=-90), CLOCK_SKEW])
def test_a_time_that_a_fast_clock_explains_is_believed(ahead: timedelta) -> None:
    update = replace(an_event().update, posted_at=at(0) + ahead, created_at=at(0) + ahead)
    assert believed(update, at(0)) == update


def test_a_time_further_in_the_future_counts_as_the_arrival() -> None:
    """Else everything that follows would be stale until that time has come."""
    ahead = at(0) + CLOCK_SKEW + timedelta(seconds=1)
    update = believed(replace(an_event().update, posted_at=ahead, created_at=ahead), at(0))
    assert (update.posted_at, update.created_at) == (at(0), at(0))


def test_what_its_source_created_last_is_the_newest_whatever_time_is_shown_with_it() -> None:
    monitoring = an_event(1, 20, created_at=at(20), status=Status.MONITORING)
    backdated = an_event(2, 10, created_at=at(30), status=Status.RESOLVED)
    assert judged(backdated, monitoring, announced_until=at(20)).outcome is Outcome.ACCEPTED
    assert judged(monitoring, backdated, announced_until=at(30)).outcome is Outcome.STALE


# --- properties -----------------------------------------------------------------------------------------------------

EVENTS = st.builds(
    lambda number, minutes, status, text: an_event(number, minutes, status=status, body={"en": text}),
    st.integers(min_value=0, max_value=9),
    st.integers(min_value=0, max_value=4),
    st.sampled_from(Status),
    st.sampled_from("ab"),
)


@given(st.lists(EVENTS, max_size=6), EVENTS, st.none() | st.integers(min_value=0, max_value=4))
def test_the_order_in_which_a_timeline_is_read_does_not_matter(
    before: list[Event], event: Event, told: int | None
) -> None:
    entries = timeline_of(*{each.update.id: each for each in before}.values())
    until = None if told is None else at(told)
    digest = content_digest(event)
    one, other = (timeline_context(order, event, digest) for order in (entries, entries[::-1]))
    assert classify(event, digest, one, announced_until=until) == classify(event, digest, other, announced_until=until)


@given(st.lists(EVENTS, min_size=1, max_size=6), st.none() | st.integers(min_value=0, max_value=4))
def test_what_was_just_stored_is_a_duplicate_when_it_comes_again(before: list[Event], told: int | None) -> None:
    stored = list({each.update.id: each for each in before}.values())
    until = None if told is None else at(told)
    for event in stored:
        assert judged(replace(event, id="again"), *stored, announced_until=until).outcome is Outcome.DUPLICATE


@given(st.lists(EVENTS, min_size=1, max_size=6), st.none() | st.integers(min_value=0, max_value=4))
def test_what_was_stored_is_a_duplicate_when_another_producer_hands_it_in(
    before: list[Event], told: int | None
) -> None:
    stored = list({each.update.id: each for each in before}.values())
    until = None if told is None else at(told)
    for event in stored:
        copy = replace(event, id="again", update=replace(event.update, id="copy"))
        assert judged(copy, *stored, announced_until=until).outcome is Outcome.DUPLICATE


@given(st.lists(EVENTS, max_size=6), EVENTS, st.integers(min_value=0, max_value=4))
def test_nothing_older_than_what_was_announced_is_accepted(before: list[Event], event: Event, told: int) -> None:
    stored = list({each.update.id: each for each in before}.values())
    classification = judged(event, *stored, announced_until=at(told))
    if classification.outcome is Outcome.ACCEPTED and not classification.edits:
        assert event.update.posted_at >= at(told)


@given(EVENTS, EVENTS)
def test_contents_agree_on_facts_if_their_digests_do(one: Event, other: Event) -> None:
    facts_agree = one.update.status is other.update.status
    words_agree = one.update.body == other.update.body
    assert same_facts(content_digest(one), content_digest(other)) == facts_agree
    assert (content_digest(one) == content_digest(other)) == (facts_agree and words_agree)
