"""A history through the coalescing rules, with no clock and no network."""

import json
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from coverage import Coverage
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.domain.coalesce import CoalescePolicy
from notifier.domain.house import Account
from notifier.domain.incident import AffectedComponent, Event, Incident, Update
from notifier.domain.values import Channel, Impact, Outcome, Platform, Status
from notifier.services.simulate import simulate
from notifier.services.simulation_report import SimulatedNotification, SimulationReport, side_by_side
from tests.unit.domain.coalesce_worlds import START, World, a_world, play

POLICIES = {
    Channel.EMAIL: CoalescePolicy(),
    Channel.SOCIAL: CoalescePolicy(),
    Channel.WEBHOOK: CoalescePolicy(window=0),
}
X_NL = Account(name="x-nl", platform=Platform.X, locale="nl")
X_EN = Account(name="x-en", platform=Platform.X, locale="en", with_link=False)
MASTODON = Account(name="m-en", platform=Platform.MASTODON, locale="en")


def an_event(
    number: int,
    seconds: float,
    status: Status = Status.INVESTIGATING,
    *,
    incident: str = "inc",
    impact: Impact = Impact.MAJOR,
    text: str | None = None,
    update_id: str | None = None,
    notify: bool = True,
    automatic: bool = False,
) -> Event:
    return Event(
        id=f"e{number}",
        incident=Incident(
            id=incident, title={"en": "Trouble"}, impact=impact, components=(AffectedComponent(key="api"),)
        ),
        update=Update(
            id=update_id or f"u{number}",
            status=status,
            body={"en": text or f"News {number}"},
            posted_at=START + timedelta(seconds=seconds),
        ),
        notify=notify,
        automatic=automatic,
    )


def told(report: SimulationReport, channel: Channel) -> list[tuple[float, list[str]]]:
    return [
        ((said.at - START).total_seconds(), list(said.update_ids))
        for said in report.notifications
        if said.channel is channel
    ]


def test_the_incident_of_june_2022_is_told_update_by_update() -> None:
    minutes_and_statuses = [
        (0, Status.INVESTIGATING),
        (11, Status.IDENTIFIED),
        (27, Status.IDENTIFIED),
        (49, Status.MONITORING),
        (99, Status.RESOLVED),
        (443, Status.POSTMORTEM),
    ]
    events = [an_event(n, minutes * 60, status) for n, (minutes, status) in enumerate(minutes_and_statuses)]
    report = simulate(events, POLICIES)
    for channel in Channel:
        assert told(report, channel) == [
            (minutes * 60, [f"u{n}"]) for n, (minutes, _) in enumerate(minutes_and_statuses)
        ]
        assert report.channels[channel].longest_wait == timedelta()


def test_rapid_updates_are_held_per_channel_and_told_as_one() -> None:
    report = simulate([an_event(0, 0), an_event(1, 10), an_event(2, 20), an_event(3, 30, Status.RESOLVED)], POLICIES)
    assert told(report, Channel.EMAIL) == [(0, ["u0"]), (30, ["u1", "u2", "u3"])]
    assert told(report, Channel.WEBHOOK) == [(0, ["u0"]), (10, ["u1"]), (20, ["u2"]), (30, ["u3"])]
    assert report.channels[Channel.EMAIL].merged == 2
    assert report.channels[Channel.EMAIL].longest_wait == timedelta(seconds=20)


def test_what_still_waits_at_the_end_of_the_history_is_told_when_its_window_ends() -> None:
    report = simulate([an_event(0, 0), an_event(1, 10)], POLICIES)
    assert told(report, Channel.SOCIAL) == [(0, ["u0"]), (60, ["u1"])]


def test_an_update_that_comes_as_the_window_ends_goes_along() -> None:
    report = simulate([an_event(0, 0), an_event(1, 10), an_event(2, 60)], POLICIES)
    assert told(report, Channel.EMAIL) == [(0, ["u0"]), (60, ["u1", "u2"])]


def test_events_are_taken_in_order_of_posting_and_at_equal_times_in_the_order_given() -> None:
    report = simulate([an_event(2, 300), an_event(0, 0), an_event(1, 300)], POLICIES)
    assert told(report, Channel.WEBHOOK) == [(0, ["u0"]), (300, ["u2"]), (300, ["u1"])]


def test_every_suppressed_update_is_counted_with_its_reason() -> None:
    events = [
        an_event(0, 0),
        an_event(0, 0),  # the same event
        an_event(1, 5, text="News 0"),  # the same content
        an_event(2, 10, notify=False),
        an_event(3, 20, update_id="u0", text="News 0, mended"),
        an_event(4, 25),
        an_event(5, 30, Status.MONITORING),
        an_event(6, 400, Status.RESOLVED, automatic=True),
        an_event(7, 410, Status.MONITORING, automatic=True),
        an_event(8, 500, Status.RESOLVED),
    ]
    report = simulate(events, POLICIES)
    assert report.outcomes == {Outcome.ACCEPTED: 6, Outcome.DUPLICATE: 2, Outcome.RECORDED: 2}
    email = report.channels[Channel.EMAIL]
    assert told(report, Channel.EMAIL) == [(0, ["u0"]), (60, ["u4", "u5"]), (500, ["u8"])]
    assert (email.duplicate, email.recorded, email.stale, email.absorbed, email.merged) == (2, 2, 0, 2, 1)


def test_an_edit_with_new_facts_is_announced_again() -> None:
    events = [an_event(0, 0, update_id="only"), an_event(1, 600, Status.RESOLVED, update_id="only")]
    report = simulate(events, POLICIES)
    assert told(report, Channel.EMAIL) == [(0, ["only"]), (600, ["only"])]
    assert [said.closes for said in report.notifications if said.channel is Channel.EMAIL] == [False, True]


def test_an_edit_of_what_is_still_pending_is_told_once() -> None:
    events = [an_event(0, 0), an_event(1, 10, update_id="x"), an_event(2, 20, Status.MONITORING, update_id="x")]
    report = simulate(events, POLICIES)
    assert told(report, Channel.EMAIL) == [(0, ["u0"]), (60, ["x"])]
    assert report.notifications[-1].lead_status is Status.MONITORING
    assert report.channels[Channel.EMAIL].merged == 1


def test_incidents_do_not_wait_for_each_other() -> None:
    events = [an_event(0, 0, incident="a"), an_event(1, 10, incident="b"), an_event(2, 20, incident="a")]
    report = simulate(events, POLICIES)
    email = [said for said in report.notifications if said.channel is Channel.EMAIL]
    assert [(said.incident_id, said.sequence) for said in email] == [("a", 1), ("b", 1), ("a", 2)]
    assert report.incidents == 2


def test_notifications_come_in_the_order_of_time() -> None:
    events = [an_event(0, 0, incident="a"), an_event(1, 1, incident="b")]
    events += [an_event(2, 10, incident="a"), an_event(3, 11, incident="b")]
    times = [said.at for said in simulate(events, POLICIES).notifications]
    assert times == sorted(times)


# --- costs, two policies ---------------------------------------------------------------------------------------------


def test_only_posts_on_x_cost_and_a_link_costs_thirteen_times_the_post() -> None:
    events = [an_event(0, 0), an_event(1, 100, text="See https://status.example for more")]
    assert simulate(events, POLICIES).cost == 0
    assert simulate(events, POLICIES, accounts=[MASTODON]).cost == 0
    assert simulate(events, POLICIES, accounts=[X_EN]).cost == 15 + 200
    assert simulate(events, POLICIES, accounts=[X_EN, X_NL]).cost == 15 + 200 + 2 * 200


def test_the_cost_is_compared_with_one_message_per_update() -> None:
    report = simulate([an_event(n, n) for n in range(10)], POLICIES, accounts=[X_NL])
    summary = report.summary()
    assert summary["estimated_cost_usd"] == 0.4
    assert summary["one_message_per_update"] == {
        "notifications": {"email": 10, "social": 10, "webhook": 10},
        "estimated_cost_usd": 2.0,
    }


def test_without_the_social_channel_nothing_is_posted_or_paid() -> None:
    report = simulate([an_event(0, 0)], {Channel.EMAIL: CoalescePolicy()}, accounts=[X_NL])
    assert (report.cost, report.cost_of_every_update) == (0, 0)


def test_two_policies_stand_side_by_side() -> None:
    events = [an_event(n, n * 10) for n in range(7)]
    patient = {channel: replace(policy, window=300.0) for channel, policy in POLICIES.items()}
    both = side_by_side({"now": simulate(events, POLICIES), "patient": simulate(events, patient)})
    assert list(both) == ["policies"]
    assert json.loads(json.dumps(both))["policies"].keys() == {"now", "patient"}


def test_the_json_names_what_goes_out_where_when_and_with_which_updates() -> None:
    report = simulate([an_event(0, 0.5), an_event(1, 1, Status.RESOLVED)], {Channel.EMAIL: CoalescePolicy()})
    answer = report.as_json()
    assert answer["notifications"] == [
        {
            "incident_id": "inc",
            "channel": "email",
            "sequence": 1,
            "at": "2024-03-31T00:30:00.500000Z",
            "update_ids": ["u0"],
            "lead_status": "investigating",
            "urgency": "opened",
            "opens": True,
            "closes": False,
        },
        {
            "incident_id": "inc",
            "channel": "email",
            "sequence": 2,
            "at": "2024-03-31T00:30:01Z",
            "update_ids": ["u1"],
            "lead_status": "resolved",
            "urgency": "flush_on",
            "opens": False,
            "closes": True,
        },
    ]
    assert answer["summary"] == {
        "updates": 2,
        "incidents": 1,
        "outcomes": {"accepted": 2, "duplicate": 0, "stale": 0, "recorded": 0},
        "channels": {
            "email": {
                "notifications": 2,
                "suppressed": {"duplicate": 0, "stale": 0, "recorded": 0, "absorbed": 0, "merged": 0},
                "longest_wait_seconds": 0.0,
            }
        },
        "estimated_cost_usd": 0.0,
        "one_message_per_update": {"notifications": {"email": 2}, "estimated_cost_usd": 0.0},
    }


def test_an_empty_history_has_an_empty_report() -> None:
    report = simulate([], POLICIES)
    assert (report.updates, report.notifications) == (0, ())


# --- properties ------------------------------------------------------------------------------------------------------

EVENTS = st.builds(
    an_event,
    st.integers(min_value=0, max_value=25),
    st.sampled_from([0, 1, 5, 30, 59, 60, 61, 90, 120, 121, 300, 301, 900]),
    st.sampled_from([Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING, Status.RESOLVED, Status.POSTMORTEM]),
    incident=st.sampled_from(["a", "b"]),
    impact=st.sampled_from([Impact.MINOR, Impact.CRITICAL]),
    text=st.sampled_from(["one", "two", "three"]),
    notify=st.sampled_from([True, True, True, False]),
)


def by_line(report: SimulationReport) -> dict[tuple[str, Channel], list[SimulatedNotification]]:
    lines = defaultdict(list)
    for said in report.notifications:
        lines[said.incident_id, said.channel].append(said)
    return lines


@settings(max_examples=200, deadline=None)
@given(st.lists(EVENTS, max_size=15))
def test_feeding_everything_twice_changes_nothing(events: list[Event]) -> None:
    once = simulate(events, POLICIES)
    twice = simulate([copy for event in events for copy in (event, event)], POLICIES)
    in_a_row = simulate([*events, *events], POLICIES)
    assert once.notifications == twice.notifications == in_a_row.notifications


@settings(max_examples=200, deadline=None)
@given(st.lists(EVENTS, max_size=15))
def test_every_update_is_accounted_for_on_every_channel(events: list[Event]) -> None:
    for summary in simulate(events, POLICIES).channels.values():
        suppressed = summary.duplicate + summary.stale + summary.recorded + summary.absorbed + summary.merged
        assert summary.notifications + suppressed == len(events)


@settings(max_examples=200, deadline=None)
@given(st.lists(EVENTS, max_size=15))
def test_sequences_have_no_gaps_and_no_update_is_told_twice(events: list[Event]) -> None:
    distinct = {event.update.id: event for event in events}.values()  # one event an update: no edits
    for line in by_line(simulate(list(distinct), POLICIES)).values():
        assert [said.sequence for said in line] == list(range(1, len(line) + 1))
        updates = [update_id for said in line for update_id in said.update_ids]
        assert len(updates) == len(set(updates))


@settings(max_examples=200, deadline=None)
@given(a_world(max_steps=15))
def test_a_channel_is_replayed_as_it_would_have_lived(world: World) -> None:
    """The replay and the plain driver of the property tests, which asks `decide` each time, agree to the letter."""
    in_time = World(world.policy, tuple(replace(update, posted_at=update.received_at) for update in world.arrivals))
    events = [
        Event(
            id=f"e{update.order}",
            incident=Incident(
                id="inc",
                title={"en": "Trouble"},
                impact=update.impact,
                components=tuple(AffectedComponent(key=key) for key in sorted(update.components)),
            ),
            update=Update(id=update.id, status=update.status, body={"en": update.id}, posted_at=update.posted_at),
            automatic=update.automatic,
        )
        for update in in_time.arrivals
    ]
    replayed = simulate(events, {Channel.EMAIL: world.policy})
    lived = play(in_time)
    assert [(said.at, list(said.update_ids), said.urgency) for said in replayed.notifications] == [
        (said.at, [update.id for update in said.send.updates], said.send.urgency) for said in lived.said
    ]
    assert replayed.channels[Channel.EMAIL].absorbed == sum(len(absorbed.updates) for absorbed in lived.absorbed)


# --- a long history ---------------------------------------------------------------------------------------------------


def a_history(updates: int) -> list[Event]:
    """Incidents of 1 to 30 updates, a third of which follow within seconds, in whole minutes as pages show them."""
    random, events, minutes = Random(5), list[Event](), 0
    while len(events) < updates:
        incident, minutes = f"inc-{len(events)}", minutes + random.randrange(600)
        impact = random.choice([Impact.MINOR, Impact.MAJOR, Impact.CRITICAL])
        length, posted = random.randint(1, 30), minutes
        for place in range(length):
            status = Status.RESOLVED if place == length - 1 else Status.INVESTIGATING
            events.append(an_event(len(events), posted * 60, status, incident=incident, impact=impact))
            posted += random.choice([0, 0, 1, 4, 17, 45])
    return events


def last_states(events: Sequence[Event]) -> dict[str, Event]:
    return {event.incident.id: event for event in sorted(events, key=lambda event: event.update.posted_at)}


@pytest.fixture(scope="module")
def history() -> list[Event]:
    return a_history(2000)


@pytest.mark.parametrize("channel", list(Channel))
def test_a_long_history_keeps_every_promise(history: list[Event], channel: Channel) -> None:
    report, policy = simulate(history, POLICIES), POLICIES[channel]
    updates = {event.update.id: event for event in history}
    lines = {incident: line for (incident, on), line in by_line(report).items() if on is channel}
    for incident, last in last_states(history).items():
        line = lines[incident]
        said = [update_id for one in line for update_id in one.update_ids]
        assert said[-1] == last.update.id
        assert said == [event.update.id for event in history if event.incident.id == incident]
        for one, other in pairwise(line):
            flush = any(updates[update_id].update.status in policy.flush_on for update_id in other.update_ids)
            assert flush or other.at - one.at >= timedelta(seconds=policy.window)


def test_the_same_history_gives_the_same_bytes(history: list[Event]) -> None:
    one, other = (json.dumps(simulate(list(history), POLICIES, accounts=[X_NL]).as_json()) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("kind", ["many incidents", "one flood", "one flood in the delay", "a flapping monitor"])
def test_ten_thousand_updates_take_less_than_three_seconds(kind: str) -> None:
    flapping = [Status.INVESTIGATING, Status.RESOLVED]
    events = {
        "many incidents": lambda: a_history(10_000),
        "one flood": lambda: [an_event(number, number / 10) for number in range(10_000)],
        "one flood in the delay": lambda: [an_event(number, number / 100) for number in range(10_000)],
        "a flapping monitor": lambda: [an_event(n, n, flapping[n % 2], automatic=True) for n in range(10_000)],
    }[kind]()
    delay = 30.0 if kind.endswith("delay") else 0.0
    policies = {channel: replace(policy, delay=delay) for channel, policy in POLICIES.items()}
    begin = time.process_time()
    simulate(events, policies)
    assert time.process_time() - begin < (9 if Coverage.current() else 3)  # measuring coverage takes its time


def test_instants_are_shown_in_utc() -> None:
    elsewhere = datetime.fromisoformat("2022-06-21T08:36:00+02:00")
    event = an_event(0, 0)
    report = simulate([replace(event, update=replace(event.update, posted_at=elsewhere.astimezone(UTC)))], POLICIES)
    assert report.notifications[0].as_json()["at"] == "2022-06-21T06:36:00Z"
