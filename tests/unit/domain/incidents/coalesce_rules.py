"""What must hold of every play of the coalescing rules.

The checks are written against docs/coalescing.md, not against the code: they recompute windows and beginnings from what
was said. Each names its rule, so that a mutation of a rule can be shown to break that rule's check.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from notifier.domain.incidents.coalesce_values import CoalescePolicy, PendingUpdate
from notifier.domain.values import Status
from tests.unit.domain.incidents.coalesce_worlds import Play, Said, Violation, key, seconds


def is_monitors_end(update: PendingUpdate) -> bool:
    return update.automatic and update.status.closes


def is_trouble(update: PendingUpdate) -> bool:
    return not update.status.is_over


def ends(update: PendingUpdate) -> bool:
    return update.status.closes


@dataclass
class Told:
    """What the channel's readers know before a notification, recomputed from what was said."""

    last: Said | None = None
    closed: bool = False
    window: float = 0.0


def as_told(play: Play) -> Iterator[tuple[Told, Said]]:
    """Yield each notification with what was known before it."""
    told = Told()
    for said in play.said:
        yield told, said
        told = Told(said, _closed_after(told, said), _window_after(play.policy, told, said))


def _closed_after(told: Told, said: Said) -> bool:
    if said.lead.status is not Status.POSTMORTEM:
        return ends(said.lead)
    return told.last is None or told.closed or any(map(ends, said.send.updates))


def _window_after(policy: CoalescePolicy, told: Told, said: Said) -> float:
    first = min(update.received_at for update in said.send.updates)
    fresh = told.last is None or begins(told, said) or first >= told.last.at + seconds(told.window)
    window = policy.window if fresh else told.window
    limit = max(policy.max_window, policy.window)
    return min(window * 2, limit) if len(said.send.updates) > 1 else window


def begins(told: Told, said: Said) -> bool:
    """Whether a notification is the first of a round."""
    return told.last is None or (told.closed and is_trouble(said.send.updates[0]))


def flushes(policy: CoalescePolicy, told: Told, said: Said) -> bool:
    """Whether a notification carries what must not wait."""
    baseline = min(said.send.updates, key=lambda update: update.order)
    known = baseline.impact if begins(told, said) or told.last is None else told.last.lead.impact
    rises = any(update.impact.rank > known.rank for update in said.send.updates)
    return rises or any(update.status in policy.flush_on for update in said.send.updates)


def grows(told: Told, update: PendingUpdate) -> bool:
    before = told.last.lead.components if told.last else frozenset()
    return bool(before) and (not update.components or not update.components <= before)


def check_told_once(play: Play) -> None:
    """Every update is told or absorbed, once, and nothing stays behind."""
    told = [update.id for said in play.said for update in said.send.updates]
    gone = told + [update.id for absorb in play.absorbed for update in absorb.updates]
    if len(set(gone)) != len(gone) or set(gone) != {update.id for update in play.accepted} or play.left:
        raise Violation("told_once", f"accepted {[u.id for u in play.accepted]}, told {told}, gone {gone}")


def check_latest(play: Play) -> None:
    """The latest state is what was told last; what is absorbed instead says the same, or was never known to begin."""
    if not play.accepted:
        return
    newest = max(play.accepted, key=key)
    told, last = Told(), None
    for told_before, said in as_told(play):
        told, last = Told(said, _closed_after(told_before, said)), said
    if any(newest in said.send.updates for said in play.said):
        right = last is not None and last.lead == newest
    elif ends(newest):
        right = last is None or told.closed
    elif last is None:
        right = False
    else:
        lead = last.lead
        right = (lead.status, lead.impact, lead.components) == (newest.status, newest.impact, newest.components)
    if not right:
        raise Violation("latest", f"{newest} is not what was told last: {last}")


def check_order(play: Play) -> None:
    """Updates are told in the order of posting; sequences and times go forward."""
    told = [key(update) for said in play.said for update in said.send.updates]
    sequences = [said.send.state.sequence for said in play.said]
    times = [said.at for said in play.said]
    if told != sorted(told) or sequences != list(range(1, len(told) + 1))[: len(sequences)] or times != sorted(times):
        raise Violation("order", f"{told} {sequences} {times}")


def check_window(play: Play) -> None:
    """One notification a window, apart from flushes and beginnings; the window grows, is bounded, and is reset."""
    sayings = list(as_told(play))
    for place, (told, said) in enumerate(sayings):
        if told.last is None or begins(told, said) or flushes(play.policy, told, said):
            continue
        following = sayings[place + 1] if place + 1 < len(sayings) else None
        if following and begins(*following) and following[1].at == said.at:
            continue  # what was left of the round before goes out with the new beginning
        grew = any(grows(told, update) for update in said.send.updates)
        window = min(play.policy.window, told.window) if grew else told.window
        if said.at < told.last.at + seconds(window):
            raise Violation("window", f"{said} came inside {window} s of {told.last}")


def check_prompt(play: Play) -> None:
    """Nothing waits longer than its rule says: news goes at once, the rest to the end of the window or the delay."""
    for said in play.said:
        for update in said.send.updates:
            latest = _latest_moment(play, update)
            if said.at > latest:
                raise Violation("prompt", f"{update.id} was told at {said.at}, due by {latest}")


def _latest_moment(play: Play, update: PendingUpdate) -> datetime:
    policy, told = play.policy, _told_when(play, update)
    if is_monitors_end(update):  # another notification may go out while it is held, and starts a window
        slack = 0 if update.status in policy.flush_on else policy.delay + max(policy.window, policy.max_window)
        return update.received_at + seconds(policy.hold_resolved + slack)
    if told.last is None or (told.closed and is_trouble(update)):
        return update.received_at + seconds(0 if update.status in policy.flush_on else policy.delay)
    rises = not told.closed and update.impact.rank > told.last.lead.impact.rank
    if update.status in policy.flush_on or rises:
        return update.received_at
    window = min(policy.window, told.window) if grows(told, update) else told.window
    # What follows trouble after the end goes with that beginning, once its delay is over.
    delay = seconds(policy.delay if told.closed else 0)
    return max(update.received_at + delay, told.last.at + seconds(window))


def _told_when(play: Play, update: PendingUpdate) -> Told:
    """What was known when an update arrived."""
    known = Told()
    for told, said in as_told(play):
        if said.arrived > play.accepted.index(update):
            return told
        known = Told(said, _closed_after(told, said), _window_after(play.policy, told, said))
    return known


def check_delay(play: Play) -> None:
    """The first notification of a round waits for the delay, unless something in it must not wait."""
    for told, said in as_told(play):
        if begins(told, said) and not flushes(play.policy, told, said):
            first = min(update.received_at for update in said.send.updates)
            if said.at < first + seconds(play.policy.delay):
                raise Violation("delay", f"{said} came before the delay was over")


def check_hold(play: Play) -> None:
    """A monitor's resolution is told only once it (or the first of several) was held, or a person has confirmed it."""
    told_before: set[str] = set()
    for said in play.said:
        known = [update for update in play.accepted[: said.arrived] if update.id not in told_before]
        held_until = min(
            (update.received_at + seconds(play.policy.hold_resolved) for update in known if is_monitors_end(update)),
            default=said.at,
        )
        for update in filter(is_monitors_end, said.send.updates):
            confirmed = any(key(later) > key(update) and not is_monitors_end(later) for later in known)
            if not confirmed and said.at < held_until:
                raise Violation("hold", f"{update.id} was told at {said.at}, to be held until {held_until}")
        told_before |= {update.id for update in said.send.updates}


def check_flaps(play: Play) -> None:
    """Flaps are told to nobody; nothing else is absorbed."""
    for told, said in as_told(play):
        _check_no_flap_told(play.policy, told, said)
    for absorb in play.absorbed:
        tail_ends = ends(absorb.updates[-1]) and is_trouble(absorb.updates[0]) and play.policy.delay > 0
        over = min(update.received_at for update in absorb.updates) + seconds(play.policy.delay)
        inside_delay = tail_ends and absorb.updates[-1].received_at < over
        if not inside_delay and not all(update.automatic for update in absorb.updates):
            raise Violation("flaps", f"a person's update was absorbed: {absorb}")
        if not inside_delay and not is_monitors_end(absorb.updates[0]):
            raise Violation("flaps", f"this is no flap: {absorb}")


def _check_no_flap_told(policy: CoalescePolicy, told: Told, said: Said) -> None:
    updates = said.send.updates
    first = min(update.received_at for update in updates)
    if begins(told, said) and policy.delay > 0 and is_trouble(updates[0]):
        for update in updates[1:]:
            if ends(update) and update.received_at < first + seconds(policy.delay):
                raise Violation("flaps", f"opened and closed inside the delay, and told: {said}")
    is_open = told.last is not None and not told.closed
    for place, update in enumerate(updates):
        following = updates[place + 1] if place + 1 < len(updates) else None
        if is_monitors_end(update):
            if not is_open:
                raise Violation("flaps", f"the end of nothing was told: {said}")
            if following is not None and is_trouble(following) and policy.hold_resolved > 0:
                raise Violation("flaps", f"a resolution that was taken back was told: {said}")
            is_open = following is not None and is_monitors_end(following)  # one run of ends
        else:
            is_open = is_trouble(update) or (is_open and not ends(update))


def check_beginnings(play: Play) -> None:
    """A round begins with the first notification and at trouble after the announced end, and nowhere else."""
    rounds = 0
    for told, said in as_told(play):
        rounds += begins(told, said)
        if said.send.opens != begins(told, said) or said.send.state.episode != rounds:
            raise Violation("beginnings", f"opens={said.send.opens} in round {said.send.state.episode}: {said}")
        if not said.send.opens and told.closed and any(map(is_trouble, said.send.updates)):
            raise Violation("beginnings", f"trouble after the end goes with the round before: {said}")
        closes = any(map(ends, said.send.updates)) and _closed_after(told, said)
        if said.send.closes != closes:
            raise Violation("beginnings", f"closes={said.send.closes}: {said}")


def check_together(play: Play) -> None:
    """A pending set is one notification; without a window every update is its own."""
    sayings = list(as_told(play))
    for (told, said), (_, following) in pairwise(sayings):
        same_moment = said.at == following.at and said.arrived == following.arrived
        if play.policy.window > 0 and same_moment and not following.send.opens:
            raise Violation("together", f"told apart for no reason after {told}: {said}, {following}")
    for told, said in sayings:
        alone = play.policy.window <= 0 and not (play.policy.delay > 0 and begins(told, said))
        if alone and len(said.send.updates) > 1:
            raise Violation("together", f"machines want every update by itself: {said}")


CHECKS = (
    check_told_once,
    check_order,
    check_latest,
    check_window,
    check_prompt,
    check_delay,
    check_hold,
    check_flaps,
    check_beginnings,
    check_together,
)


def check_all(play: Play) -> None:
    for check in CHECKS:
        check(play)
