"""Rapid updates, said once: when a channel speaks about an incident, and with which updates.

`decide` is a pure function of a policy, what the channel has said, what is pending, and a clock. Ingest, the sweep and
`notifier simulate` run this very code. The rules are those of docs/coalescing.md; each has a property test.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from notifier.domain.values import Impact, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class CoalescePolicy:
    """How long a channel may hold updates back. All durations in seconds."""

    delay: float = 0.0  # wait before an incident's first notification
    window: float = 60.0  # after a notification, hold further updates this long
    max_window: float = 600.0  # the window doubles up to this while updates keep coming
    flush_on: frozenset[Status] = frozenset({Status.RESOLVED, Status.COMPLETED, Status.POSTMORTEM})
    hold_resolved: float = 60.0  # a monitor's "resolved" waits this long for the flap; a person's never waits


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingUpdate:
    """An update the channel has not announced. Times are aware UTC; `order` is the order of arrival."""

    id: str
    order: int
    status: Status
    impact: Impact
    components: frozenset[str]
    posted_at: datetime
    received_at: datetime
    automatic: bool = False  # sent by a monitor, not by a person


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """What one channel has said about one incident."""

    round: int = 0  # counts beginnings: 1 from the first notification, one more at each re-opening
    sequence: int = 0  # of the last notification, over all rounds
    opened: bool = False  # a notification of this round went out
    closed: bool = False  # the last word was that it is over
    last_sent_at: datetime | None = None
    window: float = 0.0  # the present window, in seconds
    impact: Impact = Impact.NONE  # as last announced
    components: frozenset[str] = frozenset()  # as last announced
    announced_until: datetime | None = None  # `posted_at` of the newest announced update


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Announce `updates` (oldest first; the last one leads) now; `state` is the channel's afterwards."""

    updates: tuple[PendingUpdate, ...]
    opens: bool
    closes: bool
    urgency: str
    state: ChannelState


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing is due before `until` (aware UTC); new arrivals may pull it forward, never push it back."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Absorb:
    """These updates cancel each other out and are told to nobody."""

    updates: tuple[PendingUpdate, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing is pending."""


Decision = Send | Wait | Absorb | Nothing


def in_order(updates: Sequence[PendingUpdate]) -> tuple[PendingUpdate, ...]:
    """Sort by the time of posting; at equal times by arrival."""
    return tuple(sorted(updates, key=lambda update: (update.posted_at, update.order)))


def is_stale(state: ChannelState, posted_at: datetime) -> bool:
    """Whether an update of that time is older than what the channel already said."""
    return state.announced_until is not None and posted_at < state.announced_until


def decide(
    policy: CoalescePolicy, state: ChannelState, pending: Sequence[PendingUpdate], now: datetime
) -> Decision:
    """Decide, touching nothing, what one channel does about one incident now.

    Args:
        policy: The channel's policy.
        state: What the channel has said so far.
        pending: Updates not announced on this channel, in any order, none of them stale.
        now: Aware UTC instant.

    Returns:
        `Send`, `Absorb` or `Wait`; `Nothing` when `pending` is empty. After `Send` and `Absorb` ask again with what
        remains: more may be due.
    """
    waiting = in_order(pending)
    if not waiting:
        return Nothing()
    flap = _flap(policy, state, waiting)
    if flap is not None:
        return flap
    ready, held_until = _without_held_resolution(policy, waiting)
    if not ready:
        return Wait(until=held_until, reason="hold_resolved") if held_until > now else _send(policy, state, waiting, now)
    chosen = _alone_or_together(policy, state, ready)
    due, reason = _due(policy, state, chosen)
    if due > now:
        until = min(due, held_until) if len(ready) < len(waiting) else due
        return Wait(until=until, reason=reason)
    if len(ready) < len(waiting) and held_until <= now:
        chosen = _alone_or_together(policy, state, waiting)
    return _send(policy, state, chosen, now, reason)


def _is_new_beginning(state: ChannelState, update: PendingUpdate) -> bool:
    """Whether an update starts a round: the first ever, or trouble again after the end was announced."""
    reopens = state.closed and not update.status.closes and update.status is not Status.POSTMORTEM
    return state.round == 0 or reopens


def _flap(policy: CoalescePolicy, state: ChannelState, waiting: tuple[PendingUpdate, ...]) -> Absorb | None:
    """Find updates that cancel out: closed inside `delay`, or a monitor's resolution taken back while it was held."""
    first = waiting[0]
    if _is_new_beginning(state, first) and not first.status.closes and policy.delay > 0:
        for index, update in enumerate(waiting):
            if update.status.closes and update.received_at < first.received_at + timedelta(seconds=policy.delay):
                return Absorb(updates=waiting[: index + 1], reason="opened and closed inside the delay")
    for update, following in zip(waiting, waiting[1:], strict=False):
        back = not following.status.closes and following.status is not Status.POSTMORTEM
        if update.automatic and update.status.closes and back and following.automatic and state.opened:
            return Absorb(updates=(update, following), reason="the monitor took its resolution back")
    return None


def _without_held_resolution(
    policy: CoalescePolicy, waiting: tuple[PendingUpdate, ...]
) -> tuple[tuple[PendingUpdate, ...], datetime]:
    """Set a monitor's newest resolution aside: returns what may be said now, and until when the rest is held."""
    last = waiting[-1]
    if last.automatic and last.status.closes and policy.hold_resolved > 0:
        return waiting[:-1], last.received_at + timedelta(seconds=policy.hold_resolved)
    return waiting, last.received_at


def _alone_or_together(
    policy: CoalescePolicy, state: ChannelState, ready: tuple[PendingUpdate, ...]
) -> tuple[PendingUpdate, ...]:
    """Without a window every update is its own notification (machines want each one); else a pending set is one."""
    opening = _is_new_beginning(state, ready[0])
    together = policy.delay > 0 if opening else False
    return ready if policy.window > 0 or together else ready[:1]


def _due(policy: CoalescePolicy, state: ChannelState, ready: tuple[PendingUpdate, ...]) -> tuple[datetime, str]:
    """Return when a pending set is due, and why then."""
    first = ready[0]
    arrived = max(update.received_at for update in ready)
    if any(update.status in policy.flush_on for update in ready):
        return arrived, "flush_on"
    if _is_new_beginning(state, first):
        if any(update.impact.rank > first.impact.rank for update in ready):
            return arrived, "escalated"
        return first.received_at + timedelta(seconds=policy.delay), "opened"
    if any(update.impact.rank > state.impact.rank for update in ready):
        return arrived, "escalated"
    if state.last_sent_at is None or _window_was_quiet(state, first):
        return first.received_at, "window_over"
    grew = any(_grew(state.components, update.components) for update in ready)
    window = min(state.window, policy.window) if grew else state.window
    return state.last_sent_at + timedelta(seconds=window), "scope_grew" if grew else "window"


def _grew(before: frozenset[str], after: frozenset[str]) -> bool:
    """Whether more of the platform is affected; no components means all of it."""
    return bool(before) and (not after or not after <= before)


def _window_was_quiet(state: ChannelState, first: PendingUpdate) -> bool:
    """Whether the window ended with nothing pending: the first pending update came after its end."""
    return state.last_sent_at is None or first.received_at >= state.last_sent_at + timedelta(seconds=state.window)


def _send(
    policy: CoalescePolicy,
    state: ChannelState,
    chosen: tuple[PendingUpdate, ...],
    now: datetime,
    urgency: str = "hold_resolved",
) -> Send:
    opens = _is_new_beginning(state, chosen[0])
    window = policy.window if opens or _window_was_quiet(state, chosen[0]) else max(state.window, policy.window)
    if len(chosen) > 1:
        window = min(window * 2, max(policy.max_window, policy.window))
    lead = chosen[-1]
    told_closed = lead.status.closes or (lead.status is Status.POSTMORTEM and (state.closed or _any_closes(chosen)))
    after = replace(
        state,
        round=state.round + 1 if opens else state.round,
        sequence=state.sequence + 1,
        opened=True,
        closed=told_closed,
        last_sent_at=now,
        window=window,
        impact=lead.impact,
        components=lead.components,
        announced_until=max(lead.posted_at, state.announced_until or lead.posted_at),
    )
    return Send(updates=chosen, opens=opens, closes=_any_closes(chosen) and told_closed, urgency=urgency, state=after)


def _any_closes(updates: Sequence[PendingUpdate]) -> bool:
    return any(update.status.closes for update in updates)
