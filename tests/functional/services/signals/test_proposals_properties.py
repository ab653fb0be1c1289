"""Whatever sources report and people do: one open proposal per outage, every end proposed once, nobody told before."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select

from notifier.bootstrap.api_container import ApiContainer
from notifier.bootstrap.proposals import build_reports
from notifier.domain.proposals.draft import Draft, DraftState
from notifier.domain.proposals.signal import Alert, Report, Signal, SignalState
from notifier.domain.values import Impact
from notifier.services.security.audit import Actor
from notifier.services.signals.proposals import Proposing
from notifier.storage import tables as t
from notifier.storage.proposals import drafts, signals

START = datetime(2026, 8, 1, 10, 0, tzinfo=UTC)
ANN = Actor("cli:ann", "here")
TABLES = (t.signal_alert, t.signal, t.draft, t.incident_update, t.incident, t.event, t.channel_state)
COMPONENTS = ("checkout", "api")

FIRING = st.sampled_from([frozenset[int](), frozenset({0}), frozenset({0, 1})])
GROUPS = st.tuples(st.just("report"), st.integers(0, 2), FIRING)
STEPS = st.one_of(
    GROUPS,
    GROUPS,
    st.tuples(st.just("wait"), st.sampled_from([1, 4, 11])),
    st.tuples(st.sampled_from(["publish", "discard", "edit"])),
)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class World:
    """An installation under a clock that moves, and what people did in it."""

    container: ApiContainer
    clock: Clock
    published: int = 0

    def __post_init__(self) -> None:
        self.reports = build_reports(self.container)
        with self.container.database.write() as connection:
            for table in TABLES:
                connection.execute(delete(table))

    def do(self, step: tuple[Any, ...]) -> None:
        self.clock.now += timedelta(seconds=1)
        if step[0] == "report":
            self.report(*step[1:])
        elif step[0] == "wait":
            self.clock.now += timedelta(minutes=step[1])
        elif proposed := self.drafts(DraftState.OPEN):
            getattr(self, step[0])(proposed[0])

    def report(self, group: int, firing: frozenset[int], source: int = 0) -> None:
        """A whole report of a group: two alerts, those of `firing` fire; the component follows from the group."""
        alerts = tuple(
            Alert(
                key=f"{group}-{number}",
                is_firing=number in firing,
                impact=Impact.MAJOR,
                components={COMPONENTS[group % 2]: None},
            )
            for number in range(2)
        )
        told = Report(
            source=f"mon{source}",
            kind="alertmanager",
            group=f"g{group}",
            change="",
            alerts=alerts,
            at=self.clock.now,
            is_whole=True,
        )
        self.reports.take(told, Proposing())

    def publish(self, draft: Draft) -> None:
        self.container.publish_draft.publish(draft.id, seen_version=draft.version, actor=ANN)
        self.published += draft.update["status"] == "investigating"

    def discard(self, draft: Draft) -> None:
        self.container.drafts.discard(draft.id, seen_version=draft.version, actor=ANN)

    def edit(self, draft: Draft) -> None:
        patch = {"update": {"body": {"en": "In a person's words."}}}
        self.container.drafts.change(draft.id, patch, seen_version=draft.version, actor=ANN)

    def drafts(self, state: DraftState) -> list[Draft]:
        with self.container.database.read() as connection:
            return list(drafts.page(connection, state, before=None, limit=500))

    def signals(self) -> list[Signal]:
        with self.container.database.read() as connection:
            return signals.page(connection, states=(), source=None, before=None, limit=500)

    def incidents(self) -> dict[str, str]:
        with self.container.database.read() as connection:
            return {row.id: row.status for row in connection.execute(select(t.incident.c.id, t.incident.c.status))}

    def check(self) -> None:
        proposed, found, incidents = self.drafts(DraftState.OPEN), self.signals(), self.incidents()
        assert len(incidents) == self.published, "nobody is told, and nothing shown, before a person publishes"
        for signal in found:
            mine = [draft for draft in proposed if draft.id == signal.draft_id]
            assert len(mine) <= 1
        for draft in proposed:
            self._check_draft(draft, found, incidents)
        for incident_id, status in incidents.items():
            if status != "resolved":
                self._check_running(incident_id, proposed, [one for one in found if one.incident_id == incident_id])

    def _check_draft(self, draft: Draft, found: list[Signal], incidents: dict[str, str]) -> None:
        of_draft = [signal for signal in found if signal.draft_id == draft.id]
        if draft.incident_id not in incidents and draft.edited_by is None:
            assert any(signal.state is SignalState.FIRING for signal in of_draft), "what is over is not proposed"

    def _check_running(self, incident_id: str, proposed: list[Draft], mine: list[Signal]) -> None:
        ends = [draft for draft in proposed if draft.incident_id == incident_id]
        assert len(ends) <= 1, "an end is proposed once"
        if any(signal.state is SignalState.FIRING for signal in mine):
            assert all(draft.edited_by for draft in ends), "what fires has no end"
            return
        refused = [
            draft
            for draft in self.drafts(DraftState.DISCARDED)
            if draft.incident_id == incident_id and draft.edited_by is not None
        ]
        assert ends or refused, "who is told that it began is told that it ended"


@pytest.fixture
def clock(container: ApiContainer) -> Clock:
    found = Clock()
    container.clock = found
    return found


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=1, max_size=25))
@example(
    steps=[("report", 0, {0}), ("publish",), ("report", 0, set()), ("report", 2, {0})]
)  # fires beside a proposed end
@pytest.mark.timeout(300)
def test_every_outage_has_one_proposal_and_every_incident_an_end(
    container: ApiContainer, clock: Clock, steps: list[tuple[Any, ...]]
) -> None:
    world = World(container, clock)
    for step in steps:
        world.do(step)
        world.check()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    reports=st.lists(
        st.tuples(st.sampled_from([0, 2]), st.sampled_from([frozenset({0}), frozenset({0, 1})]), st.integers(0, 1)),
        min_size=1,
        max_size=15,
    )
)
@pytest.mark.timeout(300)
def test_groups_of_one_component_that_fire_together_share_one_draft(
    container: ApiContainer, clock: Clock, reports: list[tuple[int, frozenset[int], int]]
) -> None:
    world = World(container, clock)
    for group, firing, source in reports:
        world.clock.now += timedelta(seconds=5)
        world.report(group, firing, source)
    assert len(world.drafts(DraftState.OPEN)) == 1
    with world.container.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(t.draft)).scalar_one() == 1
