"""Rapid updates, said once: when a channel speaks about an incident, and with which updates.

`decide` is a pure function of a policy, what the channel has said, what is pending, and a clock. Ingest, the sweep and
`notifier simulate` run this very code. The rules are those of docs/coalescing.md; each has a property test, and a
mutation of each makes one fail (tests/unit/domain/incidents/test_coalesce_mutants.py).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from notifier.domain.incidents.coalesce_values import (
    Absorb,
    ChannelState,
    CoalescePolicy,
    Decision,
    Nothing,
    PendingUpdate,
    Send,
    Wait,
)
from notifier.domain.values import Status

_REASONS = ("flush_on", "escalated", "opened", "scope_grew", "window", "window_over")  # the first of equals is named
_Needless = tuple[tuple[PendingUpdate, ...], str]  # updates to absorb, and why; none where there are none


def in_order(updates: Sequence[PendingUpdate]) -> tuple[PendingUpdate, ...]:
    """Sort by their place in time; at equal times by arrival."""
    return tuple(sorted(updates, key=lambda update: (update.ordered_at, update.order)))


def is_stale(state: ChannelState, ordered_at: datetime) -> bool:
    """Whether an update of that time is older than what the channel already said."""
    return state.announced_until is not None and ordered_at < state.announced_until


def reopens(status: Status) -> bool:
    """Whether an update of this status, after the end was announced, is a new beginning."""
    return not status.is_over


def decide(policy: CoalescePolicy, state: ChannelState, pending: Sequence[PendingUpdate], now: datetime) -> Decision:
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
    begins = _beginning(state, waiting)
    needless, why = _closed_inside_delay(policy, waiting, begins) or _needless_resolution(policy, state, waiting)
    if needless:
        return Absorb(updates=needless, reason=why, state=_settled(state, needless[-1]))
    ready = _ready_times(policy, waiting)
    due, reason = _due(policy, state, waiting, ready, begins)
    if due > now:
        known = state.impact if begins is None else min(waiting[begins:], key=_arrival).impact
        holding = any(update.status.closes for update in waiting)
        return Wait(until=due, reason=reason, holding=holding, urgent_above=known.rank)
    # Before a re-opening, what is left of the round before (a postmortem, say) is a notification of its own.
    part = waiting[:begins] if begins else waiting
    said = part[: max((place for place in range(len(part)) if ready[place] <= now), default=len(part) - 1) + 1]
    if policy.window <= 0 and not (begins == 0 and policy.delay > 0):
        said = said[:1]  # machines want every update by itself
    return _send(policy, state, said, now, opens=begins == 0, urgency=reason)


def send_released(policy: CoalescePolicy, state: ChannelState, pending: Sequence[PendingUpdate], now: datetime) -> Send:
    """Announce what a person has released, whatever window runs. After it ask again with what remains.

    Args:
        policy: The channel's policy.
        state: What the channel has said so far.
        pending: What was released, at least one update, and what waits that was posted before it.
        now: Aware UTC instant.
    """
    waiting = in_order(pending)
    begins = _beginning(state, waiting)
    said = waiting[:begins] if begins else waiting
    if policy.window <= 0:
        said = said[:1]
    return _send(policy, state, said, now, opens=begins == 0, urgency="released")


def joins(policy: CoalescePolicy, state: ChannelState, wait: Wait, update: PendingUpdate) -> bool:
    """Whether an update that arrives while `wait` lasts leaves it exactly as it is.

    A shortcut for floods: where it holds, `decide` over all that is pending would answer `wait` again. It may say no
    where a closer look would say yes.
    """
    news = policy.flushes(update.status) or not reopens(update.status) or update.impact.rank > wait.urgent_above
    if wait.holding or news or update.received_at >= wait.until:
        return False
    if wait.reason == "opened":
        return True
    in_round = state.opened and not state.closed and policy.window > 0
    return in_round and wait.until <= _window_end(policy, state) and not _grew(state.components, update.components)


def _arrival(update: PendingUpdate) -> int:
    return update.order


def _is_monitors_end(update: PendingUpdate) -> bool:
    return update.automatic and update.status.closes


def _beginning(state: ChannelState, waiting: Sequence[PendingUpdate]) -> int | None:
    """Return where in `waiting` a round begins: at the first update ever, or at trouble after the announced end."""
    if state.episode == 0:
        return 0
    if not state.closed:
        return None
    return next((place for place, update in enumerate(waiting) if reopens(update.status)), None)


def _closed_inside_delay(
    policy: CoalescePolicy, waiting: tuple[PendingUpdate, ...], begins: int | None
) -> _Needless | None:
    """Find an incident that opened and closed before the delay of its first notification was over."""
    if begins is None or policy.delay <= 0 or not reopens(waiting[begins].status):
        return None
    over = min(update.received_at for update in waiting[begins:]) + timedelta(seconds=policy.delay)
    for place in range(begins + 1, len(waiting)):
        if waiting[place].status.closes and waiting[place].received_at < over:
            return waiting[begins : place + 1], "opened and closed inside the delay"
    return None


def _needless_resolution(policy: CoalescePolicy, state: ChannelState, waiting: tuple[PendingUpdate, ...]) -> _Needless:
    """Find a monitor's resolution that ends nothing, or that was taken back while it was held.

    What takes it back is absorbed with it where a monitor sent it and it says what was said before; if it says
    anything else (a higher impact, more components) it stays pending: the latest state is always announced.
    """
    is_open = state.opened and not state.closed
    said = (state.status, state.impact, state.components)
    place = 0
    while place < len(waiting):
        update = waiting[place]
        if not _is_monitors_end(update):
            is_open = reopens(update.status) or (is_open and not update.status.closes)
            said = (update.status, update.impact, update.components)
            place += 1
            continue
        end = next((at for at in range(place, len(waiting)) if not _is_monitors_end(waiting[at])), len(waiting))
        if not is_open:
            return waiting[place:end], "a monitor's resolution of what is not open"
        if end < len(waiting) and reopens(waiting[end].status) and policy.hold_resolved > 0:
            back = waiting[end]
            same = back.automatic and (back.status, back.impact, back.components) == said
            return waiting[place : end + same], "the monitor's resolution was taken back"
        is_open, place = False, end
    return (), ""


def _ready_times(policy: CoalescePolicy, waiting: Sequence[PendingUpdate]) -> list[datetime]:
    """Return from when each update may be said: on arrival, but a monitor's resolution only once it was held."""
    ready = [update.received_at for update in waiting]
    first = len(waiting)
    while first and _is_monitors_end(waiting[first - 1]):
        first -= 1
    if first < len(waiting):
        held_until = min(ready[first:]) + timedelta(seconds=max(policy.hold_resolved, 0))
        ready[first:] = [held_until] * (len(waiting) - first)
    return ready


def _due(
    policy: CoalescePolicy,
    state: ChannelState,
    waiting: Sequence[PendingUpdate],
    ready: Sequence[datetime],
    begins: int | None,
) -> tuple[datetime, str]:
    """Return when the channel speaks next, and why then: the soonest of what each pending update asks for.

    A soonest over updates can only come forward when one is added. That is how noise never pushes news back.
    """
    opening = len(waiting) if begins is None else begins
    dues = [_due_in_episode(policy, state, waiting[place], ready[place]) for place in range(opening)]
    if opening < len(waiting):
        first = min(waiting[opening:], key=_arrival)
        over = min(update.received_at for update in waiting[opening:]) + timedelta(seconds=policy.delay)
        dues += [_due_at_beginning(policy, first, over, waiting[at], ready[at]) for at in range(opening, len(waiting))]
    return min(dues, key=lambda due: (due[0], _REASONS.index(due[1])))


def _due_at_beginning(
    policy: CoalescePolicy, first: PendingUpdate, over: datetime, update: PendingUpdate, ready: datetime
) -> tuple[datetime, str]:
    """Return when an update of a round that was not announced yet is due; `over` is the end of the delay."""
    if policy.flushes(update.status):
        return ready, "flush_on"
    if update.impact.rank > first.impact.rank:
        return ready, "escalated"
    return max(ready, over), "opened"


def _due_in_episode(
    policy: CoalescePolicy, state: ChannelState, update: PendingUpdate, ready: datetime
) -> tuple[datetime, str]:
    """Return when an update is due of which the channel's readers know the beginning."""
    if policy.flushes(update.status):
        return ready, "flush_on"
    if update.impact.rank > state.impact.rank:
        return ready, "escalated"
    end, reason = _window_end(policy, state), "window"
    if _grew(state.components, update.components):
        end, reason = min(end, _window_end(policy, replace(state, window=0.0))), "scope_grew"
    return (end, reason) if end > ready else (ready, "window_over")


def _grew(before: frozenset[str], after: frozenset[str]) -> bool:
    """Whether more of the platform is affected; no components means all of it."""
    return bool(before) and (not after or not after <= before)


def _present_window(policy: CoalescePolicy, state: ChannelState) -> float:
    """Return the window in force, in seconds: what it has grown to, within what the policy allows today."""
    if policy.window <= 0:
        return 0.0
    return min(max(state.window, policy.window), max(policy.max_window, policy.window))


def _window_end(policy: CoalescePolicy, state: ChannelState) -> datetime:
    """Return when the present window ends. Only asked of a channel that has spoken."""
    if state.last_sent_at is None:
        raise ValueError("a round that was announced has the time of its last notification")
    return state.last_sent_at + timedelta(seconds=_present_window(policy, state))


def _next_window(policy: CoalescePolicy, state: ChannelState, said: Sequence[PendingUpdate], *, opens: bool) -> float:
    """Return the window that follows a notification: reset by a quiet one, doubled by more than one update."""
    quiet = opens or min(update.received_at for update in said) >= _window_end(policy, state)
    window = policy.window if quiet else _present_window(policy, state)
    if len(said) > 1:
        window = min(window * 2, max(policy.max_window, policy.window))
    return max(window, 0.0)


def _settled(state: ChannelState, newest: PendingUpdate) -> ChannelState:
    """Remember up to when updates are dealt with."""
    return replace(state, announced_until=max(newest.ordered_at, state.announced_until or newest.ordered_at))


def _send(
    policy: CoalescePolicy,
    state: ChannelState,
    said: tuple[PendingUpdate, ...],
    now: datetime,
    *,
    opens: bool,
    urgency: str,
) -> Send:
    lead = said[-1]
    ends = any(update.status.closes for update in said)
    over = lead.status.closes or (lead.status is Status.POSTMORTEM and (state.closed or ends or opens))
    after = replace(
        state,
        episode=state.episode + 1 if opens else state.episode,
        sequence=state.sequence + 1,
        opened=True,
        closed=over,
        last_sent_at=now,
        window=_next_window(policy, state, said, opens=opens),
        status=lead.status,
        impact=lead.impact,
        components=lead.components,
    )
    after = _settled(after, lead)
    return Send(updates=said, opens=opens, closes=ends and over, urgency=urgency, state=after)
