"""One incident on three channels at once, lived through step by step: events of every kind, repeats, and time."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from notifier.domain.incidents.coalesce import decide, is_stale
from notifier.domain.incidents.coalesce_values import CoalescePolicy, PendingUpdate
from notifier.domain.incidents.incident import AffectedComponent, Event, Incident, Update
from notifier.domain.incidents.timeline import Classification, TimelineEntry, classify, content_digest, timeline_context
from notifier.domain.values import Channel, Impact, Outcome, Status
from tests.unit.domain.incidents.coalesce_rules import check_all
from tests.unit.domain.incidents.coalesce_worlds import START, ChannelLine, Play, a_policy, seconds

STATUSES = st.sampled_from(
    [Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING, Status.RESOLVED, Status.POSTMORTEM]
)
IMPACTS = st.sampled_from([Impact.MINOR, Impact.MAJOR])
COMPONENTS = st.sampled_from([("api",), ("api", "pos"), ()])


class OneIncident(RuleBasedStateMachine):
    """What ingest and the sweep do, with lists for tables."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.events: dict[str, Event] = {}
        self.entries: dict[str, TimelineEntry] = {}
        self.arrivals = 0
        self.lines: dict[Channel, ChannelLine] = {}

    @initialize(policy=a_policy(), webhook=a_policy())
    def configure(self, policy: CoalescePolicy, webhook: CoalescePolicy) -> None:
        policies = {Channel.EMAIL: policy, Channel.SOCIAL: policy, Channel.WEBHOOK: replace(webhook, window=0.0)}
        self.lines = {channel: ChannelLine(Play(each), decide) for channel, each in policies.items()}

    @rule(
        status=STATUSES,
        impact=IMPACTS,
        components=COMPONENTS,
        automatic=st.booleans(),
        late=st.sampled_from([0, 0, 7, 90]),
    )
    def somebody_posts(
        self, *, status: Status, impact: Impact, components: tuple[str, ...], automatic: bool, late: int
    ) -> None:
        number = len(self.events)
        event = Event(
            id=f"e{number}",
            incident=Incident(
                id="inc",
                title={"en": "Trouble"},
                impact=impact,
                components=tuple(AffectedComponent(key=key) for key in components),
            ),
            update=Update(
                id=f"u{number}", status=status, body={"en": f"News {number}"}, posted_at=self.now - seconds(late)
            ),
            automatic=automatic,
        )
        told = [line.state.announced_until for line in self.lines.values() if line.state.announced_until]
        classification = self.take(event)
        is_behind = bool(told) and event.update.posted_at < max(told)
        assert classification.outcome is (Outcome.STALE if is_behind else Outcome.ACCEPTED)

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def the_same_event_comes_again(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(list(self.events.values())))
        self.changes_nothing(event, Outcome.DUPLICATE)

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def the_same_update_comes_in_another_event(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from([e for e in self.events.values() if self.is_as_stored(e)]))
        self.changes_nothing(replace(event, id=f"{event.id}-again"), Outcome.DUPLICATE)

    @precondition(lambda self: self.events)
    @rule(later=st.sampled_from([0, 3]))
    def another_producer_repeats_it(self, later: int) -> None:
        latest = max(self.entries.values(), key=lambda entry: (entry.ordered_at, entry.number))
        event = next(e for e in self.events.values() if e.update.id == latest.update_id and self.is_as_stored(e))
        update = replace(event.update, id=f"{latest.update_id}-copy", posted_at=latest.ordered_at + seconds(later))
        self.changes_nothing(replace(event, id=f"{event.id}-copy", update=update), Outcome.DUPLICATE)

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def another_producer_hands_an_old_update_in(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from([e for e in self.events.values() if self.is_as_stored(e)]))
        update = replace(event.update, id=f"{event.update.id}-elsewhere")
        self.changes_nothing(replace(event, id=f"{event.id}-elsewhere", update=update), Outcome.DUPLICATE)

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def somebody_mends_a_typo(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from([e for e in self.events.values() if self.is_as_stored(e)]))
        update = replace(event.update, body={"en": f"{event.update.body['en']}, mended"})
        mended = replace(event, id=f"{event.id}-mended-{len(self.events)}", update=update)
        self.changes_nothing(mended, Outcome.RECORDED)

    @rule(passed=st.sampled_from([1, 20, 30, 59, 60, 61, 600]))
    def time_passes(self, passed: int) -> None:
        self.now += timedelta(seconds=passed)
        for line in self.lines.values():
            line.pass_time(before=self.now)

    @invariant()
    def sequences_have_no_gaps(self) -> None:
        for line in self.lines.values():
            assert [announced.send.state.sequence for announced in line.play.announced] == list(
                range(1, line.state.sequence + 1)
            )

    @invariant()
    def what_is_pending_was_neither_announced_nor_lost(self) -> None:
        for line in self.lines.values():
            gone = {update.id for announced in line.play.announced for update in announced.send.updates}
            gone |= {update.id for absorbed in line.play.absorbed for update in absorbed.updates}
            assert gone | {update.id for update in line.pending} == {update.id for update in line.play.accepted}
            assert not gone & {update.id for update in line.pending}

    def teardown(self) -> None:
        for line in self.lines.values():
            line.pass_time(before=None)
            line.play.left = line.pending
            check_all(line.play)

    def is_as_stored(self, event: Event) -> bool:
        return self.entries[event.update.id].digest == content_digest(event)

    def changes_nothing(self, event: Event, outcome: Outcome) -> None:
        before = {channel: (line.state, list(line.pending), line.wait) for channel, line in self.lines.items()}
        assert self.take(event).outcome is outcome
        assert before == {channel: (line.state, list(line.pending), line.wait) for channel, line in self.lines.items()}

    def take(self, event: Event) -> Classification:
        digest = content_digest(event)
        told = [line.state.announced_until for line in self.lines.values() if line.state.announced_until]
        classification = classify(
            event,
            digest,
            timeline_context(list(self.entries.values()), event, digest),
            announced_until=max(told, default=None),
            seen_before=Outcome.ACCEPTED if event.id in self.events else None,
        )
        if classification.outcome is not Outcome.DUPLICATE:
            self.store(event, digest, classification)
        return classification

    def store(self, event: Event, digest: str, classification: Classification) -> None:
        self.events[event.id] = event
        known = self.entries.get(event.update.id)
        if known is not None:
            self.entries[known.update_id] = replace(known, digest=digest)
            return
        update, number = event.update, len(self.entries)
        self.entries[update.id] = TimelineEntry(
            update_id=update.id, number=number, status=update.status, ordered_at=update.ordered_at, digest=digest
        )
        if classification.outcome not in (Outcome.ACCEPTED, Outcome.STALE):
            return
        pending = PendingUpdate(
            id=update.id,
            order=number,
            status=update.status,
            impact=event.incident.impact,
            components=event.incident.component_keys,
            ordered_at=update.ordered_at,
            received_at=self.now,
            automatic=event.automatic,
        )
        for line in self.lines.values():
            if not is_stale(line.state, pending.ordered_at):
                line.play.accepted.append(pending)
                line.pending = [*line.pending, pending]
                line.speak(self.now)


TestOneIncident = OneIncident.TestCase
TestOneIncident.settings = settings(max_examples=150, stateful_step_count=25)
