"""What is proposed when a signal changes: the next step of its draft, a pure decision."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from notifier.domain.proposals.draft import Draft, DraftState
from notifier.domain.proposals.grouping import IGNORED_BY, SignalChange
from notifier.domain.proposals.signal import UPSTREAM, Signal, SignalState


class Step(StrEnum):
    """What is done to drafts because of one signal."""

    NOTHING = "nothing"
    OPEN = "open"  # propose a new incident, or join one that is proposed or open
    REFRESH = "refresh"
    NOTE = "note"  # a person edited the draft: only say what happened
    DISCARD = "discard"
    REOPEN = "reopen"
    PROPOSE_END = "propose_end"
    TAKE_BACK_END = "take_back_end"
    REOPEN_END = "reopen_end"
    PROPOSE_PROGRESS = "propose_progress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A changed signal and what there is about it.

    `draft`: the one the signal belongs to. `is_published`: an incident was published for it, which
    `is_over` or not. `end`: the last end a machine proposed of that incident. `fires`: whether any
    signal of the draft, or of the incident, fires.
    """

    change: SignalChange
    fires: bool
    draft: Draft | None = None
    is_published: bool = False
    is_over: bool = False
    end: Draft | None = None


def next_step(situation: Situation) -> Step:
    """Decide what a changed signal means for the drafts."""
    if not situation.is_published:
        return _before_publication(situation)
    if situation.is_over:
        return Step.OPEN if situation.change.fires_anew else Step.NOTHING
    return _while_it_runs(situation) if situation.fires else _at_the_end(situation)


def _before_publication(situation: Situation) -> Step:
    draft, signal = situation.draft, situation.change.after
    if draft is None:
        return Step.OPEN if signal.state is SignalState.FIRING else Step.NOTHING
    if draft.state is DraftState.OPEN:
        if situation.fires:
            return Step.NOTE if draft.edited_by else Step.REFRESH
        return Step.NOTE if draft.edited_by and IGNORED_BY not in signal.facts else Step.DISCARD
    if draft.state is DraftState.DISCARDED and draft.edited_by is None and situation.fires:
        return Step.REOPEN
    return Step.NOTHING


def _while_it_runs(situation: Situation) -> Step:
    end = situation.end
    if end is not None and end.state is DraftState.OPEN:
        return Step.NOTE if end.edited_by else Step.TAKE_BACK_END
    if stage(situation.change.after) is not None and _has_progress(situation.change):
        return Step.PROPOSE_PROGRESS
    return Step.NOTHING


def _at_the_end(situation: Situation) -> Step:
    """Propose the end once: a person's answer to it holds until the signal has fired again."""
    end, signal = situation.end, situation.change.after
    if end is None:
        return Step.PROPOSE_END
    if end.state is DraftState.OPEN:
        return Step.NOTHING
    if end.state is DraftState.DISCARDED and end.edited_by is None:
        return Step.REOPEN_END
    return Step.NOTHING if signal.draft_id == end.id else Step.PROPOSE_END


def is_answered(end: Draft | None) -> bool:
    """Whether a proposed end was closed for good: it was published, a person discarded it, or it has expired."""
    if end is None or end.state is DraftState.OPEN:
        return False
    return end.state is not DraftState.DISCARDED or end.edited_by is not None


def stage(signal: Signal) -> tuple[Any, ...] | None:
    """Where the incident of a source stands, as far as readers would learn of it; None: it has no stages."""
    status = signal.facts.get("status")
    if status is None:
        return None
    if signal.kind == UPSTREAM:
        return (status,)
    return status, signal.facts.get("title"), signal.facts.get("body")


def _has_progress(change: SignalChange) -> bool:
    return change.before is not None and stage(change.before) != stage(change.after)
