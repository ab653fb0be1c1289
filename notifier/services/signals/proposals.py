"""Carries out what a changed signal means for drafts, in the transaction that stores the signal."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from notifier.domain.proposals.draft import Draft, DraftState
from notifier.domain.proposals.grouping import SignalChange
from notifier.domain.proposals.proposing import Situation, Step, is_answered, next_step, stage
from notifier.domain.proposals.signal import Signal, SignalState
from notifier.services.drafts import propose
from notifier.services.drafts.propose import Origin
from notifier.services.signals.contents import Contents
from notifier.storage.database import Connection
from notifier.storage.incidents import open_incidents
from notifier.storage.incidents.open_incidents import IncidentNow
from notifier.storage.proposals import drafts, signals

_OVER = "over according to the source, before anybody was notified"
_FIRES_AGAIN = "reported again"
_ENDED = "every source of this incident reports its end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposing:
    """How the reports of one source are proposed. `opens` False: only updates of incidents that run."""

    template_id: str | None = None
    opens: bool = True


@dataclass(frozen=True)
class Proposals:
    """Keeps the drafts of signals up to date. The caller holds `signals.lock_proposals`."""

    contents: Contents
    merge_within: timedelta

    def follow(self, connection: Connection, change: SignalChange, how: Proposing, now: datetime) -> None:
        """Do what follows from a signal that was stored as `change.after`."""
        signal = change.after
        draft = drafts.find(connection, signal.draft_id, lock=True) if signal.draft_id else None
        incident_id = signal.incident_id or _published_as(draft)
        incident = open_incidents.find(connection, incident_id) if incident_id else None
        end = propose.newest_end(connection, incident_id) if incident_id else None
        if end is not None and change.fires_anew and is_answered(end):
            signals.belong_to(connection, [signal.id], None)  # its next end is another one
        peers = self._peers(connection, signal, incident_id)
        situation = Situation(
            change=change,
            fires=any(peer.state is SignalState.FIRING for peer in peers),
            draft=draft,
            is_published=incident_id is not None,
            is_over=incident is not None and incident.status.is_over,
            end=end,
        )
        step = next_step(situation)
        if incident is not None:
            self._of_running(connection, step, situation, incident, now)
        else:
            self._of_draft(connection, step, situation, peers, now)
        if step is Step.OPEN:
            self._open(connection, change, how, now)

    def published(self, connection: Connection, incident_id: str, now: datetime) -> None:
        """Propose the end of an incident at once if all of its sources ended before it was published."""
        peers = signals.of_incident(connection, incident_id)
        ended = [peer for peer in peers if peer.state is SignalState.ENDED]
        incident = open_incidents.find(connection, incident_id)
        if not ended or incident is None or incident.status.is_over:
            return
        fires = any(peer.state is SignalState.FIRING for peer in peers)
        if not fires and propose.newest_end(connection, incident_id) is None:
            self._end(connection, ended[0], incident, None, now)

    @staticmethod
    def _peers(connection: Connection, signal: Signal, incident_id: str | None) -> list[Signal]:
        if incident_id is not None:
            return signals.of_incident(connection, incident_id)
        return signals.of_draft(connection, signal.draft_id) if signal.draft_id else [signal]

    def _of_draft(
        self, connection: Connection, step: Step, situation: Situation, peers: list[Signal], now: datetime
    ) -> None:
        draft = situation.draft
        if draft is None:
            return
        if step in (Step.REFRESH, Step.REOPEN):
            content = self.contents.start(connection, peers, draft.template_id)
            change = propose.refresh if step is Step.REFRESH else propose.reopen
            change(connection, draft, content, _why(peers), now)
        elif step is Step.NOTE:
            propose.note(connection, draft, _why(peers) if situation.fires else _OVER, now)
        elif step is Step.DISCARD:
            ignored = situation.change.after.state is SignalState.IGNORED
            propose.discard(connection, draft, situation.change.after.reason if ignored else _OVER, now)

    def _of_running(
        self, connection: Connection, step: Step, situation: Situation, incident: IncidentNow, now: datetime
    ) -> None:
        signal, end = situation.change.after, situation.end
        if step is Step.PROPOSE_PROGRESS:
            self._progress(connection, signal, incident, situation.draft, now)
        elif step is Step.PROPOSE_END:
            self._end(connection, signal, incident, situation.draft, now)
        elif end is None:
            return
        elif step is Step.REOPEN_END:
            propose.reopen(connection, end, self.contents.end(connection, incident, signal), _ENDED, now)
        elif step is Step.TAKE_BACK_END:
            propose.discard(connection, end, f"{signal.source}: {_FIRES_AGAIN}", now)
        elif step is Step.NOTE:
            propose.note(connection, end, f"{signal.source}: {_FIRES_AGAIN}", now)

    def _progress(
        self, connection: Connection, signal: Signal, incident: IncidentNow, draft: Draft | None, now: datetime
    ) -> None:
        content = self.contents.progress(connection, incident, signal)
        reason = f"{signal.source} reports: {signal.title or signal.facts.get('status')}"
        if draft is None or draft.state is not DraftState.OPEN:
            made = propose.create(connection, content, _origin(signal), reason, now)
            signals.belong_to(connection, [signal.id], made.id)
        elif draft.edited_by:
            propose.note(connection, draft, reason, now)
        else:
            propose.refresh(connection, draft, content, reason, now)

    def _end(
        self, connection: Connection, signal: Signal, incident: IncidentNow, draft: Draft | None, now: datetime
    ) -> None:
        """Propose an end, in the place of a progress that nobody has looked at."""
        content = self.contents.end(connection, incident, signal)
        if draft is not None and draft.state is DraftState.OPEN and draft.edited_by is None:
            made = propose.refresh(connection, draft, content, _ENDED, now)
        else:
            made = propose.create(connection, content, _origin(signal), _ENDED, now)
        peers = signals.of_incident(connection, incident.id)
        signals.belong_to(connection, [peer.id for peer in peers], made.id)

    def _open(self, connection: Connection, change: SignalChange, how: Proposing, now: datetime) -> None:
        """Let a signal join an incident that runs, or a proposal, on one of its components; else propose anew."""
        signal = replace(change.after, draft_id=None, incident_id=None)
        if (change.after.draft_id, change.after.incident_id) != (None, None):
            signals.detach(connection, signal.id)
        incident = open_incidents.running_on(connection, signal.components)
        if incident is not None:
            signals.join_incident(connection, [signal.id], incident.id)
            self._take_back_end(connection, signal, incident, now)
            if stage(signal) is not None:
                self._progress(connection, signal, incident, None, now)
            return
        if not how.opens:
            return
        joined = self._joined(connection, signal, now)
        if joined is None:
            content = self.contents.start(connection, [signal], how.template_id)
            origin = _origin(signal, how.template_id)
            made = propose.create(connection, content, origin, _why([signal]), now)
            signals.belong_to(connection, [signal.id], made.id)
            return
        signals.belong_to(connection, [signal.id], joined.id)
        peers = signals.of_draft(connection, joined.id)
        if joined.edited_by:
            propose.note(connection, joined, _why(peers), now)
        else:
            content = self.contents.start(connection, peers, joined.template_id)
            propose.refresh(connection, joined, content, _why(peers), now)

    @staticmethod
    def _take_back_end(connection: Connection, signal: Signal, incident: IncidentNow, now: datetime) -> None:
        """An incident that another source reports too is not over, whatever was proposed meanwhile."""
        end = propose.newest_end(connection, incident.id)
        if end is None or end.state is not DraftState.OPEN:
            return
        act = propose.note if end.edited_by else propose.discard
        act(connection, end, f"{signal.source}: {_FIRES_AGAIN}", now)

    def _joined(self, connection: Connection, signal: Signal, now: datetime) -> Draft | None:
        """The oldest proposal of signals that began within `merge_within` on one of the same components."""
        asked = frozenset(signal.components)
        if not asked:
            return None
        for draft_id, components in signals.proposed_since(connection, now - self.merge_within):
            if asked & components:
                found = drafts.find(connection, draft_id, lock=True)
                if found is not None and found.state is DraftState.OPEN:
                    return found
        return None


def _published_as(draft: Draft | None) -> str | None:
    """The incident of a draft that was published while the report came in."""
    return draft.incident_id if draft is not None and draft.state is DraftState.PUBLISHED else None


def _origin(signal: Signal, template_id: str | None = None) -> Origin:
    return Origin(source=signal.source, signal_id=signal.id, template_id=template_id)


def _why(peers: list[Signal]) -> str:
    """What is reported, and by whom, for the person who reads the draft."""
    firing = [signal for signal in peers if signal.state is SignalState.FIRING]
    said = [f"{signal.source}: {signal.title}" if signal.title else signal.source for signal in firing]
    shown = list(dict.fromkeys(said))
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""  # noqa: PLR2004 - enough to recognise it
    return f"reported by {'; '.join(shown[:3])}{more}"
