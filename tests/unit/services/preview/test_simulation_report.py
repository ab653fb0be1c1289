"""The simulation over random and over long histories: nothing is lost, doubled, out of order or slow."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.domain.incidents.coalesce_values import PendingUpdate
from notifier.domain.incidents.incident import AffectedComponent, Event, Incident, Update
from notifier.domain.incidents.snapshot import Earlier, complete
from notifier.domain.values import Channel, Impact, Status
from notifier.services.preview.simulate import simulate
from notifier.services.preview.simulation_report import SimulatedNotification, SimulationReport
from tests.support.call_counter import calls_of
from tests.unit.domain.incidents.coalesce_worlds import World, a_world, play
from tests.unit.services.preview.simulated_events import POLICIES, X_NL, an_event

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
    for announced in report.notifications:
        lines[announced.incident_id, announced.channel].append(announced)
    return lines


@settings(max_examples=80)
@given(st.lists(EVENTS, max_size=15))
def test_feeding_everything_twice_changes_nothing(events: list[Event]) -> None:
    once = simulate(events, POLICIES)
    twice = simulate([copy for event in events for copy in (event, event)], POLICIES)
    in_a_row = simulate([*events, *events], POLICIES)
    assert once.notifications == twice.notifications == in_a_row.notifications


@settings(max_examples=80)
@given(st.lists(EVENTS, max_size=15))
def test_every_update_is_accounted_for_on_every_channel(events: list[Event]) -> None:
    for summary in simulate(events, POLICIES).channels.values():
        suppressed = summary.duplicate + summary.stale + summary.recorded + summary.absorbed + summary.merged
        assert summary.notifications + suppressed == len(events)


@settings(max_examples=80)
@given(st.lists(EVENTS, max_size=15))
def test_sequences_have_no_gaps_and_no_update_is_told_twice(events: list[Event]) -> None:
    distinct = {event.update.id: event for event in events}.values()  # one event an update: no edits
    for line in by_line(simulate(list(distinct), POLICIES)).values():
        assert [announced.sequence for announced in line] == list(range(1, len(line) + 1))
        updates = [update_id for announced in line for update_id in announced.update_ids]
        assert len(updates) == len(set(updates))


def _as_stored(events: Sequence[Event], arrivals: Sequence[PendingUpdate]) -> Iterator[PendingUpdate]:
    """The end of an incident names all of its components, whatever its event says."""
    earlier: list[Earlier] = []
    for event, update in sorted(zip(events, arrivals, strict=True), key=lambda pair: pair[1].ordered_at):
        stored = complete(event, earlier)
        earlier.append(Earlier.of(stored))
        yield replace(update, impact=stored.incident.impact, components=stored.incident.component_keys)


@settings(max_examples=80)
@given(a_world(max_steps=15))
def test_a_channel_is_replayed_as_it_would_have_lived(world: World) -> None:
    """The replay and the plain driver of the property tests, which asks `decide` each time, agree to the letter."""
    in_time = World(world.policy, tuple(replace(update, ordered_at=update.received_at) for update in world.arrivals))
    events = [
        Event(
            id=f"e{update.order}",
            incident=Incident(
                id="inc",
                title={"en": "Trouble"},
                impact=update.impact,
                components=tuple(AffectedComponent(key=key) for key in sorted(update.components)),
            ),
            update=Update(id=update.id, status=update.status, body={"en": update.id}, posted_at=update.ordered_at),
            automatic=update.automatic,
        )
        for update in in_time.arrivals
    ]
    replayed = simulate(events, {Channel.EMAIL: world.policy})
    lived = play(World(world.policy, tuple(_as_stored(events, in_time.arrivals))))
    assert [(announced.at, list(announced.update_ids), announced.urgency) for announced in replayed.notifications] == [
        (announced.at, [update.id for update in announced.send.updates], announced.send.urgency)
        for announced in lived.announced
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
        announced = [update_id for one in line for update_id in one.update_ids]
        assert announced[-1] == last.update.id
        assert announced == [event.update.id for event in history if event.incident.id == incident]
        for one, other in pairwise(line):
            flush = any(updates[update_id].update.status in policy.flush_on for update_id in other.update_ids)
            assert flush or other.at - one.at >= timedelta(seconds=policy.window)


def test_the_same_history_gives_the_same_bytes(history: list[Event]) -> None:
    one, other = (json.dumps(simulate(list(history), POLICIES, accounts=[X_NL]).as_json()) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("kind", ["many incidents", "one flood", "one flood in the delay", "a flapping monitor"])
def test_four_times_the_updates_cost_about_four_times_as_much(kind: str) -> None:
    flapping = [Status.INVESTIGATING, Status.RESOLVED]
    makers: dict[str, Callable[[int], list[Event]]] = {
        "many incidents": a_history,
        "one flood": lambda number: [an_event(n, n / 10) for n in range(number)],
        "one flood in the delay": lambda number: [an_event(n, n / 100) for n in range(number)],
        "a flapping monitor": lambda number: [an_event(n, n, flapping[n % 2], automatic=True) for n in range(number)],
    }
    delay = 30.0 if kind.endswith("delay") else 0.0
    policies = {channel: replace(policy, delay=delay) for channel, policy in POLICIES.items()}
    few, many = makers[kind](200), makers[kind](800)
    assert calls_of(lambda: simulate(many, policies)) < 6 * calls_of(lambda: simulate(few, policies))
