"""Simulate coalescing on a history of events, without clock, network or database.

Classifies by `domain.timeline` and announces by `domain.coalesce`, as ingest and the sweep do: an
event is decided on arrival, a waiting update at the end of its wait. A wait that ends at the
instant of an event's arrival is decided with that event, as when both wait for the incident's lock.
"""

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from notifier.domain.incidents.coalesce import decide, is_stale, joins
from notifier.domain.incidents.coalesce_values import Absorb, ChannelState, CoalescePolicy, PendingUpdate, Send, Wait
from notifier.domain.incidents.incident import Event
from notifier.domain.incidents.snapshot import Earlier, complete
from notifier.domain.incidents.timeline import Classification, TimelineContext, TimelineEntry, classify, content_digest
from notifier.domain.messages.brand import Account
from notifier.domain.values import Channel, Outcome
from notifier.services.preview.simulation_report import (
    ChannelSummary,
    SimulatedNotification,
    SimulationReport,
    post_costs,
)


def simulate(
    events: Sequence[Event], policies: Mapping[Channel, CoalescePolicy], *, accounts: Sequence[Account] = ()
) -> SimulationReport:
    """Replay events in order of time, then of input; each arrives at its own time.

    Args:
        events: Of any number of incidents, in any order.
        policies: One per channel to replay.
        accounts: The posting accounts; only accounts on X cost money.
    """
    replay = _Replay(policies)
    for event in sorted(events, key=lambda event: event.update.ordered_at):
        replay.take(event)
    replay.finish()
    by_id = {(event.incident.id, event.update.id): event for event in events}
    spoken = [
        by_id[announced.incident_id, announced.update_ids[-1]]
        for announced in replay.announced
        if announced.channel is Channel.SOCIAL
    ]
    return SimulationReport(
        updates=len(events),
        incidents=len(replay.timelines),
        outcomes=replay.outcomes,
        notifications=tuple(replay.announced),
        channels={channel: replay.summary(channel) for channel in policies},
        costs=post_costs(spoken, accounts),
        costs_of_every_update=post_costs(events if Channel.SOCIAL in policies else (), accounts),
    )


@dataclass(slots=True)
class _Timeline:
    """One incident's entries. Events come in order of posting, so each is the latest."""

    entries: dict[str, TimelineEntry] = field(default_factory=dict)
    latest_id: str | None = None
    # Update id by time and content digest, as first stored.
    by_content: dict[tuple[datetime, str], str] = field(default_factory=dict)
    earlier: dict[str, Earlier] = field(default_factory=dict)

    def around(self, event: Event, digest: str) -> TimelineContext:
        latest = self.entries[self.latest_id] if self.latest_id is not None else None
        copied = self.entries.get(self.by_content.get((event.update.ordered_at, digest), ""))
        if copied is not None and (copied.ordered_at, copied.digest) != (event.update.ordered_at, digest):
            copied = None  # edited since
        return TimelineContext(latest=latest, before=latest, same_id=self.entries.get(event.update.id), copied=copied)

    def store(self, event: Event, digest: str, classification: Classification) -> int:
        """Add or edit an entry; returns its number. Only an announced edit moves to its new time."""
        update, known = event.update, self.entries.get(event.update.id)
        if known is None:
            entry = TimelineEntry(
                update_id=update.id,
                number=len(self.entries),
                status=update.status,
                ordered_at=update.ordered_at,
                digest=digest,
                notify=event.notify,
                visible=event.visible,
            )
        else:
            notify = event.visible and (event.notify or known.notify)
            entry = replace(known, status=update.status, digest=digest, notify=notify, visible=event.visible)
        if known is None or classification.outcome is Outcome.ACCEPTED:
            entry, self.latest_id = replace(entry, ordered_at=update.ordered_at), update.id
        self.entries[update.id] = entry
        self.earlier.pop(update.id, None)  # re-insert at the end: a dict keeps the order of posting
        self.earlier[update.id] = Earlier.of(event)
        self.by_content[entry.ordered_at, digest] = update.id
        return entry.number


@dataclass(slots=True)
class _Line:
    """One channel's view of one incident."""

    key: tuple[int, int]  # incident and channel numbers: tie-break for equal due times
    incident_id: str
    channel: Channel
    policy: CoalescePolicy
    state: ChannelState = field(default_factory=ChannelState)
    pending: dict[str, PendingUpdate] = field(default_factory=dict)
    wait: Wait | None = None


@dataclass(slots=True)
class _Replay:
    policies: Mapping[Channel, CoalescePolicy]
    timelines: dict[str, _Timeline] = field(default_factory=dict)
    lines: dict[str, list[_Line]] = field(default_factory=dict)
    seen: dict[str, Outcome] = field(default_factory=dict)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    announced: list[SimulatedNotification] = field(default_factory=list)
    due: list[tuple[datetime, tuple[int, int], str]] = field(default_factory=list)
    joined: Counter[Channel] = field(default_factory=Counter)
    absorbed: Counter[Channel] = field(default_factory=Counter)
    longest: dict[Channel, timedelta] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Announce what is due before an event, then classify it and let each channel decide."""
        now = event.update.ordered_at
        self._fire(before=now)
        timeline, lines = self._incident(event.incident.id)
        event = complete(event, timeline.earlier.values())
        digest = content_digest(event)
        ends = [line.state.announced_until for line in lines if line.state.announced_until is not None]
        classification = classify(
            event,
            digest,
            timeline.around(event, digest),
            announced_until=max(ends, default=None),
            seen_before=self.seen.get(event.id),
        )
        self.outcomes[classification.outcome] += 1
        self.seen.setdefault(event.id, classification.outcome)
        if classification.outcome is Outcome.DUPLICATE:
            return
        number = timeline.store(event, digest, classification)
        if classification.outcome in (Outcome.ACCEPTED, Outcome.STALE):
            self._arrive(lines, _pending(event, number), now)

    def finish(self) -> None:
        """Announce everything that is still waiting."""
        self._fire(before=None)

    def summary(self, channel: Channel) -> ChannelSummary:
        """Count the updates of one channel by outcome."""
        notifications = sum(1 for announced in self.announced if announced.channel is channel)
        absorbed = self.absorbed[channel]
        taken = self.outcomes[Outcome.ACCEPTED] + self.outcomes[Outcome.STALE]
        return ChannelSummary(
            notifications=notifications,
            duplicate=self.outcomes[Outcome.DUPLICATE],
            recorded=self.outcomes[Outcome.RECORDED],
            stale=taken - self.joined[channel],
            absorbed=absorbed,
            merged=self.joined[channel] - notifications - absorbed,
            longest_wait=self.longest.get(channel, timedelta()),
        )

    def _incident(self, incident_id: str) -> tuple[_Timeline, list[_Line]]:
        if incident_id not in self.timelines:
            number = len(self.timelines)
            self.timelines[incident_id] = _Timeline()
            self.lines[incident_id] = [
                _Line(key=(number, rank), incident_id=incident_id, channel=channel, policy=policy)
                for rank, (channel, policy) in enumerate(self.policies.items())
            ]
        return self.timelines[incident_id], self.lines[incident_id]

    def _arrive(self, lines: Sequence[_Line], update: PendingUpdate, now: datetime) -> None:
        for line in lines:
            if is_stale(line.state, update.ordered_at):
                continue
            self.joined[line.channel] += 1
            is_new = update.id not in line.pending
            line.pending[update.id] = update
            if not (is_new and line.wait and joins(line.policy, line.state, line.wait, update)):
                self._speak(line, now)

    def _fire(self, *, before: datetime | None) -> None:
        while self.due and (before is None or self.due[0][0] < before):
            until, (_, rank), incident_id = heapq.heappop(self.due)
            line = self.lines[incident_id][rank]
            if line.wait is not None and line.wait.until == until:
                self._speak(line, until)

    def _speak(self, line: _Line, now: datetime) -> None:
        """Announce what is due, by the loop of `ChannelAnnouncer.announce_due`."""
        line.wait = None
        for decision in _decisions(line, now):
            if isinstance(decision, Send):
                self._record_announcement(line, decision, now)
            elif isinstance(decision, Absorb):
                self.absorbed[line.channel] += len(decision.updates)
            else:
                line.wait = decision
                heapq.heappush(self.due, (decision.until, line.key, line.incident_id))

    def _record_announcement(self, line: _Line, sent: Send, now: datetime) -> None:
        waited = max(now - update.received_at for update in sent.updates)
        self.longest[line.channel] = max(self.longest.get(line.channel, waited), waited)
        self.announced.append(
            SimulatedNotification(
                incident_id=line.incident_id,
                channel=line.channel,
                sequence=sent.state.sequence,
                at=now,
                update_ids=tuple(update.id for update in sent.updates),
                lead_status=sent.updates[-1].status,
                urgency=sent.urgency,
                opens=sent.opens,
                closes=sent.closes,
            )
        )


def _decisions(line: _Line, now: datetime) -> Iterator[Send | Absorb | Wait]:
    """Yield decisions until nothing more is due, removing decided updates from the line."""
    while True:
        decision = decide(line.policy, line.state, tuple(line.pending.values()), now)
        if isinstance(decision, Send | Absorb):
            line.state = decision.state
            for update in decision.updates:
                del line.pending[update.id]
            yield decision
            continue
        if isinstance(decision, Wait):
            yield decision
        return


def _pending(event: Event, number: int) -> PendingUpdate:
    update = event.update
    return PendingUpdate(
        id=update.id,
        order=number,
        status=update.status,
        impact=event.incident.impact,
        components=event.incident.component_keys,
        ordered_at=update.ordered_at,
        received_at=update.ordered_at,
        automatic=event.automatic,
    )
