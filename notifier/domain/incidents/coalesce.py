"""Coalesce rapid updates: when a channel announces an incident, and with which updates.

`decide` is a pure function of the policy, what the channel has announced, what is pending, and the
time. Ingest, the sweep and `notifier simulate` all run this code. docs/coalescing.md describes the
rules; each has a property test that fails if the rule is mutated
(tests/unit/domain/incidents/test_coalesce_mutants.py).
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

_REASONS = ("flush_on", "escalated", "opened", "scope_grew", "window", "window_over")  # on a tie, the first wins
_Needless = tuple[tuple[PendingUpdate, ...], str]  # updates to absorb, and why; may be empty


def in_order(updates: Sequence[PendingUpdate]) -> tuple[PendingUpdate, ...]:
    """Sort by time; at equal times by arrival."""
    return tuple(sorted(updates, key=lambda update: (update.ordered_at, update.order)))


def is_stale(state: ChannelState, ordered_at: datetime) -> bool:
    """Whether an update of that time is older than what the channel already announced."""
    return state.announced_until is not None and ordered_at < state.announced_until


def reopens(status: Status) -> bool:
    """Whether an update of this status, after the announced end, starts a new episode."""
    return not status.is_over


def decide(policy: CoalescePolicy, state: ChannelState, pending: Sequence[PendingUpdate], now: datetime) -> Decision:
    """Decide what one channel does about one incident now, without side effects.

    Args:
        policy: The channel's policy.
        state: What the channel has announced so far.
        pending: Updates not announced on this channel, in any order, none of them stale.
        now: Aware UTC instant.

    Returns:
        `Send`, `Absorb` or `Wait`; `Nothing` when `pending` is empty. After `Send` and `Absorb`
        call again with the remaining updates: more may be due.
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
    # What remains of the previous episode (a postmortem, say) gets its own notification.
    part = waiting[:begins] if begins else waiting
    announced = part[: max((index for index in range(len(part)) if ready[index] <= now), default=len(part) - 1) + 1]
    if policy.window <= 0 and not (begins == 0 and policy.delay > 0):
        announced = announced[:1]  # machine readers want each update separately
    return _send(policy, state, announced, now, opens=begins == 0, urgency=reason)


def send_released(policy: CoalescePolicy, state: ChannelState, pending: Sequence[PendingUpdate], now: datetime) -> Send:
    """Announce what an operator released, ignoring the window. Call again with what remains.

    Args:
        policy: The channel's policy.
        state: What the channel has announced so far.
        pending: The released updates (at least one), and pending ones posted before them.
        now: Aware UTC instant.
    """
    waiting = in_order(pending)
    begins = _beginning(state, waiting)
    announced = waiting[:begins] if begins else waiting
    if policy.window <= 0:
        announced = announced[:1]
    return _send(policy, state, announced, now, opens=begins == 0, urgency="released")


def joins(policy: CoalescePolicy, state: ChannelState, wait: Wait, update: PendingUpdate) -> bool:
    """Whether an update that arrives during `wait` leaves it unchanged.

    A shortcut for floods: if True, `decide` over everything pending would return `wait` again.
    False negatives are possible.
    """
    news = policy.flushes(update.status) or not reopens(update.status) or update.impact.rank > wait.urgent_above
    if wait.holding or news or update.received_at >= wait.until:
        return False
    if wait.reason == "opened":
        return True
    in_episode = state.opened and not state.closed and policy.window > 0
    return in_episode and wait.until <= _window_end(policy, state) and not _grew(state.components, update.components)


def _arrival(update: PendingUpdate) -> int:
    return update.order


def _is_monitors_end(update: PendingUpdate) -> bool:
    return update.automatic and update.status.closes


def _beginning(state: ChannelState, waiting: Sequence[PendingUpdate]) -> int | None:
    """Return the index in `waiting` where an episode begins.

    That is the very first update, or trouble after the announced end.
    """
    if state.episode == 0:
        return 0
    if not state.closed:
        return None
    return next((index for index, update in enumerate(waiting) if reopens(update.status)), None)


def _closed_inside_delay(
    policy: CoalescePolicy, waiting: tuple[PendingUpdate, ...], begins: int | None
) -> _Needless | None:
    """Find an incident that opened and closed within the delay of its first notification."""
    if begins is None or policy.delay <= 0 or not reopens(waiting[begins].status):
        return None
    over = min(update.received_at for update in waiting[begins:]) + timedelta(seconds=policy.delay)
    for index in range(begins + 1, len(waiting)):
        if waiting[index].status.closes and waiting[index].received_at < over:
            return waiting[begins : index + 1], "opened and closed inside the delay"
    return None


def _needless_resolution(policy: CoalescePolicy, state: ChannelState, waiting: tuple[PendingUpdate, ...]) -> _Needless:
    """Find a monitor's resolution that ends nothing, or that was retracted while it was held.

    The retraction is absorbed too if a monitor sent it and it repeats the previous state. If it
    says anything else (a higher impact, more components) it stays pending: the latest state is
    always announced.
    """
    is_open = state.opened and not state.closed
    announced = (state.status, state.impact, state.components)
    index = 0
    while index < len(waiting):
        update = waiting[index]
        if not _is_monitors_end(update):
            is_open = reopens(update.status) or (is_open and not update.status.closes)
            announced = (update.status, update.impact, update.components)
            index += 1
            continue
        end = next((at for at in range(index, len(waiting)) if not _is_monitors_end(waiting[at])), len(waiting))
        if not is_open:
            return waiting[index:end], "a monitor's resolution of what is not open"
        if end < len(waiting) and reopens(waiting[end].status) and policy.hold_resolved > 0:
            back = waiting[end]
            same = back.automatic and (back.status, back.impact, back.components) == announced
            return waiting[index : end + same], "the monitor's resolution was taken back"
        is_open, index = False, end
    return (), ""


def _ready_times(policy: CoalescePolicy, waiting: Sequence[PendingUpdate]) -> list[datetime]:
    """Return when each update may go: on arrival, but a monitor's resolution after the hold."""
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
    """Return when the channel announces next, and why: the earliest time of any pending update.

    Adding an update can only move this minimum earlier, so noise never delays news.
    """
    opening = len(waiting) if begins is None else begins
    dues = [_due_in_episode(policy, state, waiting[index], ready[index]) for index in range(opening)]
    if opening < len(waiting):
        first = min(waiting[opening:], key=_arrival)
        over = min(update.received_at for update in waiting[opening:]) + timedelta(seconds=policy.delay)
        dues += [_due_at_beginning(policy, first, over, waiting[at], ready[at]) for at in range(opening, len(waiting))]
    return min(dues, key=lambda due: (due[0], _REASONS.index(due[1])))


def _due_at_beginning(
    policy: CoalescePolicy, first: PendingUpdate, over: datetime, update: PendingUpdate, ready: datetime
) -> tuple[datetime, str]:
    """Return when an update of an unannounced episode is due; `over` is the end of the delay."""
    if policy.flushes(update.status):
        return ready, "flush_on"
    if update.impact.rank > first.impact.rank:
        return ready, "escalated"
    return max(ready, over), "opened"


def _due_in_episode(
    policy: CoalescePolicy, state: ChannelState, update: PendingUpdate, ready: datetime
) -> tuple[datetime, str]:
    """Return when an update is due in an episode that was already announced."""
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
    """Return the current window in seconds, limited by the current policy."""
    if policy.window <= 0:
        return 0.0
    return min(max(state.window, policy.window), max(policy.max_window, policy.window))


def _window_end(policy: CoalescePolicy, state: ChannelState) -> datetime:
    """Return when the current window ends. The channel must have announced something."""
    if state.last_sent_at is None:
        raise ValueError("a round that was announced has the time of its last notification")
    return state.last_sent_at + timedelta(seconds=_present_window(policy, state))


def _next_window(
    policy: CoalescePolicy, state: ChannelState, announced: Sequence[PendingUpdate], *, opens: bool
) -> float:
    """Return the window after a notification: reset if quiet, doubled if it had several updates."""
    quiet = opens or min(update.received_at for update in announced) >= _window_end(policy, state)
    window = policy.window if quiet else _present_window(policy, state)
    if len(announced) > 1:
        window = min(window * 2, max(policy.max_window, policy.window))
    return max(window, 0.0)


def _settled(state: ChannelState, newest: PendingUpdate) -> ChannelState:
    """Record up to when updates are handled."""
    return replace(state, announced_until=max(newest.ordered_at, state.announced_until or newest.ordered_at))


def _send(
    policy: CoalescePolicy,
    state: ChannelState,
    announced: tuple[PendingUpdate, ...],
    now: datetime,
    *,
    opens: bool,
    urgency: str,
) -> Send:
    lead = announced[-1]
    ends = any(update.status.closes for update in announced)
    over = lead.status.closes or (lead.status is Status.POSTMORTEM and (state.closed or ends or opens))
    after = replace(
        state,
        episode=state.episode + 1 if opens else state.episode,
        sequence=state.sequence + 1,
        opened=True,
        closed=over,
        last_sent_at=now,
        window=_next_window(policy, state, announced, opens=opens),
        status=lead.status,
        impact=lead.impact,
        components=lead.components,
    )
    after = _settled(after, lead)
    return Send(updates=announced, opens=opens, closes=ends and over, urgency=urgency, state=after)
