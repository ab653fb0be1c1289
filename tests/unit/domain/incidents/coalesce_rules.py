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
from tests.unit.domain.incidents.coalesce_worlds import Announced, Play, Violation, key, seconds


def is_monitors_end(update: PendingUpdate) -> bool:
    return update.automatic and update.status.closes


def is_trouble(update: PendingUpdate) -> bool:
    return not update.status.is_over


def ends(update: PendingUpdate) -> bool:
    return update.status.closes


@dataclass
class Knowledge:
    """What the channel's readers know before a notification, recomputed from what was said."""

    last: Announced | None = None
    closed: bool = False
    window: float = 0.0


def with_knowledge(play: Play) -> Iterator[tuple[Knowledge, Announced]]:
    """Yield each notification with what was known before it."""
    knowledge = Knowledge()
    for announced in play.announced:
        yield knowledge, announced
        knowledge = Knowledge(
            announced, _closed_after(knowledge, announced), _window_after(play.policy, knowledge, announced)
        )


def _closed_after(knowledge: Knowledge, announced: Announced) -> bool:
    if announced.lead.status is not Status.POSTMORTEM:
        return ends(announced.lead)
    return knowledge.last is None or knowledge.closed or any(map(ends, announced.send.updates))


def _window_after(policy: CoalescePolicy, knowledge: Knowledge, announced: Announced) -> float:
    first = min(update.received_at for update in announced.send.updates)
    fresh = (
        knowledge.last is None or begins(knowledge, announced) or first >= knowledge.last.at + seconds(knowledge.window)
    )
    window = policy.window if fresh else knowledge.window
    limit = max(policy.max_window, policy.window)
    return min(window * 2, limit) if len(announced.send.updates) > 1 else window


def begins(knowledge: Knowledge, announced: Announced) -> bool:
    """Whether a notification is the first of a round."""
    return knowledge.last is None or (knowledge.closed and is_trouble(announced.send.updates[0]))


def flushes(policy: CoalescePolicy, knowledge: Knowledge, announced: Announced) -> bool:
    """Whether a notification carries what must not wait."""
    baseline = min(announced.send.updates, key=lambda update: update.order)
    known = baseline.impact if begins(knowledge, announced) or knowledge.last is None else knowledge.last.lead.impact
    rises = any(update.impact.rank > known.rank for update in announced.send.updates)
    return rises or any(update.status in policy.flush_on for update in announced.send.updates)


def grows(knowledge: Knowledge, update: PendingUpdate) -> bool:
    before = knowledge.last.lead.components if knowledge.last else frozenset()
    return bool(before) and (not update.components or not update.components <= before)


def check_announced_once(play: Play) -> None:
    """Every update is told or absorbed, once, and nothing stays behind."""
    knowledge = [update.id for announced in play.announced for update in announced.send.updates]
    gone = knowledge + [update.id for absorb in play.absorbed for update in absorb.updates]
    if len(set(gone)) != len(gone) or set(gone) != {update.id for update in play.accepted} or play.left:
        raise Violation("told_once", f"accepted {[u.id for u in play.accepted]}, told {knowledge}, gone {gone}")


def check_latest(play: Play) -> None:
    """The latest state is what was told last; what is absorbed instead says the same, or was never known to begin."""
    if not play.accepted:
        return
    newest = max(play.accepted, key=key)
    knowledge, last = Knowledge(), None
    for knowledge_before, announced in with_knowledge(play):
        knowledge, last = Knowledge(announced, _closed_after(knowledge_before, announced)), announced
    if any(newest in announced.send.updates for announced in play.announced):
        right = last is not None and last.lead == newest
    elif ends(newest):
        right = last is None or knowledge.closed
    elif last is None:
        right = False
    else:
        lead = last.lead
        right = (lead.status, lead.impact, lead.components) == (newest.status, newest.impact, newest.components)
    if not right:
        raise Violation("latest", f"{newest} is not what was told last: {last}")


def check_order(play: Play) -> None:
    """Updates are told in the order of posting; sequences and times go forward."""
    knowledge = [key(update) for announced in play.announced for update in announced.send.updates]
    sequences = [announced.send.state.sequence for announced in play.announced]
    times = [announced.at for announced in play.announced]
    if (
        knowledge != sorted(knowledge)
        or sequences != list(range(1, len(knowledge) + 1))[: len(sequences)]
        or times != sorted(times)
    ):
        raise Violation("order", f"{knowledge} {sequences} {times}")


def check_window(play: Play) -> None:
    """One notification a window, apart from flushes and beginnings; the window grows, is bounded, and is reset."""
    announcements = list(with_knowledge(play))
    for place, (knowledge, announced) in enumerate(announcements):
        if knowledge.last is None or begins(knowledge, announced) or flushes(play.policy, knowledge, announced):
            continue
        following = announcements[place + 1] if place + 1 < len(announcements) else None
        if following and begins(*following) and following[1].at == announced.at:
            continue  # what was left of the round before goes out with the new beginning
        grew = any(grows(knowledge, update) for update in announced.send.updates)
        window = min(play.policy.window, knowledge.window) if grew else knowledge.window
        if announced.at < knowledge.last.at + seconds(window):
            raise Violation("window", f"{announced} came inside {window} s of {knowledge.last}")


def check_prompt(play: Play) -> None:
    """Nothing waits longer than its rule says: news goes at once, the rest to the end of the window or the delay."""
    for announced in play.announced:
        for update in announced.send.updates:
            latest = _latest_moment(play, update)
            if announced.at > latest:
                raise Violation("prompt", f"{update.id} was told at {announced.at}, due by {latest}")


def _latest_moment(play: Play, update: PendingUpdate) -> datetime:
    policy, knowledge = play.policy, _knowledge_when(play, update)
    if is_monitors_end(update):  # another notification may go out while it is held, and starts a window
        slack = 0 if update.status in policy.flush_on else policy.delay + max(policy.window, policy.max_window)
        return update.received_at + seconds(policy.hold_resolved + slack)
    if knowledge.last is None or (knowledge.closed and is_trouble(update)):
        return update.received_at + seconds(0 if update.status in policy.flush_on else policy.delay)
    rises = not knowledge.closed and update.impact.rank > knowledge.last.lead.impact.rank
    if update.status in policy.flush_on or rises:
        return update.received_at
    window = min(policy.window, knowledge.window) if grows(knowledge, update) else knowledge.window
    # What follows trouble after the end goes with that beginning, once its delay is over.
    delay = seconds(policy.delay if knowledge.closed else 0)
    return max(update.received_at + delay, knowledge.last.at + seconds(window))


def _knowledge_when(play: Play, update: PendingUpdate) -> Knowledge:
    """What was known when an update arrived."""
    known = Knowledge()
    for knowledge, announced in with_knowledge(play):
        if announced.arrived > play.accepted.index(update):
            return knowledge
        known = Knowledge(
            announced, _closed_after(knowledge, announced), _window_after(play.policy, knowledge, announced)
        )
    return known


def check_delay(play: Play) -> None:
    """The first notification of a round waits for the delay, unless something in it must not wait."""
    for knowledge, announced in with_knowledge(play):
        if begins(knowledge, announced) and not flushes(play.policy, knowledge, announced):
            first = min(update.received_at for update in announced.send.updates)
            if announced.at < first + seconds(play.policy.delay):
                raise Violation("delay", f"{announced} came before the delay was over")


def check_hold(play: Play) -> None:
    """A monitor's resolution is told only once it (or the first of several) was held, or a person has confirmed it."""
    knowledge_before: set[str] = set()
    for announced in play.announced:
        known = [update for update in play.accepted[: announced.arrived] if update.id not in knowledge_before]
        held_until = min(
            (update.received_at + seconds(play.policy.hold_resolved) for update in known if is_monitors_end(update)),
            default=announced.at,
        )
        for update in filter(is_monitors_end, announced.send.updates):
            confirmed = any(key(later) > key(update) and not is_monitors_end(later) for later in known)
            if not confirmed and announced.at < held_until:
                raise Violation("hold", f"{update.id} was told at {announced.at}, to be held until {held_until}")
        knowledge_before |= {update.id for update in announced.send.updates}


def check_flaps(play: Play) -> None:
    """Flaps are told to nobody; nothing else is absorbed."""
    for knowledge, announced in with_knowledge(play):
        _check_no_flap_announced(play.policy, knowledge, announced)
    for absorb in play.absorbed:
        tail_ends = ends(absorb.updates[-1]) and is_trouble(absorb.updates[0]) and play.policy.delay > 0
        over = min(update.received_at for update in absorb.updates) + seconds(play.policy.delay)
        inside_delay = tail_ends and absorb.updates[-1].received_at < over
        if not inside_delay and not all(update.automatic for update in absorb.updates):
            raise Violation("flaps", f"a person's update was absorbed: {absorb}")
        if not inside_delay and not is_monitors_end(absorb.updates[0]):
            raise Violation("flaps", f"this is no flap: {absorb}")


def _check_no_flap_announced(policy: CoalescePolicy, knowledge: Knowledge, announced: Announced) -> None:
    updates = announced.send.updates
    first = min(update.received_at for update in updates)
    if begins(knowledge, announced) and policy.delay > 0 and is_trouble(updates[0]):
        for update in updates[1:]:
            if ends(update) and update.received_at < first + seconds(policy.delay):
                raise Violation("flaps", f"opened and closed inside the delay, and told: {announced}")
    is_open = knowledge.last is not None and not knowledge.closed
    for place, update in enumerate(updates):
        following = updates[place + 1] if place + 1 < len(updates) else None
        if is_monitors_end(update):
            if not is_open:
                raise Violation("flaps", f"the end of nothing was told: {announced}")
            if following is not None and is_trouble(following) and policy.hold_resolved > 0:
                raise Violation("flaps", f"a resolution that was taken back was told: {announced}")
            is_open = following is not None and is_monitors_end(following)  # one run of ends
        else:
            is_open = is_trouble(update) or (is_open and not ends(update))


def check_beginnings(play: Play) -> None:
    """A round begins with the first notification and at trouble after the announced end, and nowhere else."""
    rounds = 0
    for knowledge, announced in with_knowledge(play):
        rounds += begins(knowledge, announced)
        if announced.send.opens != begins(knowledge, announced) or announced.send.state.episode != rounds:
            raise Violation(
                "beginnings", f"opens={announced.send.opens} in round {announced.send.state.episode}: {announced}"
            )
        if not announced.send.opens and knowledge.closed and any(map(is_trouble, announced.send.updates)):
            raise Violation("beginnings", f"trouble after the end goes with the round before: {announced}")
        closes = any(map(ends, announced.send.updates)) and _closed_after(knowledge, announced)
        if announced.send.closes != closes:
            raise Violation("beginnings", f"closes={announced.send.closes}: {announced}")


def check_together(play: Play) -> None:
    """A pending set is one notification; without a window every update is its own."""
    announcements = list(with_knowledge(play))
    for (knowledge, announced), (_, following) in pairwise(announcements):
        same_moment = announced.at == following.at and announced.arrived == following.arrived
        if play.policy.window > 0 and same_moment and not following.send.opens:
            raise Violation("together", f"told apart for no reason after {knowledge}: {announced}, {following}")
    for knowledge, announced in announcements:
        alone = play.policy.window <= 0 and not (play.policy.delay > 0 and begins(knowledge, announced))
        if alone and len(announced.send.updates) > 1:
            raise Violation("together", f"machines want every update by itself: {announced}")


CHECKS = (
    check_announced_once,
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
