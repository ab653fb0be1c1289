"""A wrong version of every coalescing rule, and the property that it breaks.

Each mutant replaces one inner function of `coalesce`, or stands between it and the channel. If a check found nothing
wrong with a mutant, the check would be worth nothing; so each must find its mutant in some random world.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, settings

from notifier.domain.incidents import coalesce
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
from notifier.domain.values import Impact
from tests.unit.domain.incidents.coalesce_rules import check_all
from tests.unit.domain.incidents.coalesce_worlds import Violation, World, a_world, play, seconds

GENERATE_ONLY = settings(
    max_examples=5000,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)

original_beginning = coalesce._beginning
original_due = coalesce._due
original_due_in_round = coalesce._due_in_episode
original_in_order = coalesce.in_order
original_needless = coalesce._needless_resolution
original_next_window = coalesce._next_window
original_ready_times = coalesce._ready_times


@dataclass(frozen=True)
class Mutant:
    """What is wrong, the rules that must notice (any of them), and how to make it wrong."""

    wrong: str
    rules: tuple[str, ...]
    patches: Mapping[str, Any] = field(default_factory=dict)
    decide: Callable[[CoalescePolicy, ChannelState, Sequence[PendingUpdate], datetime], Decision] | None = None


def with_policy(**changes: Any) -> Callable[..., Decision]:
    """Decide by another policy than the operator's."""
    return lambda policy, state, pending, now: coalesce.decide(replace(policy, **changes), state, pending, now)


def with_updates(**changes: Any) -> Callable[..., Decision]:
    """Decide as if every pending update were another; what is said is what arrived."""

    def decide(
        policy: CoalescePolicy, state: ChannelState, pending: Sequence[PendingUpdate], now: datetime
    ) -> Decision:
        real = {update.id: update for update in pending}
        decision = coalesce.decide(policy, state, [replace(update, **changes) for update in pending], now)
        if isinstance(decision, Wait | Nothing):
            return decision
        return replace(decision, updates=tuple(real[update.id] for update in decision.updates))

    return decide


def after_sending(change: Callable[[ChannelState, Send], ChannelState]) -> Callable[..., Decision]:
    """Remember something else after a notification."""

    def decide(
        policy: CoalescePolicy, state: ChannelState, pending: Sequence[PendingUpdate], now: datetime
    ) -> Decision:
        decision = coalesce.decide(policy, state, pending, now)
        return replace(decision, state=change(state, decision)) if isinstance(decision, Send) else decision

    return decide


def never(policy: CoalescePolicy, state: ChannelState, pending: Sequence[PendingUpdate], now: datetime) -> Decision:
    del policy, state
    return Wait(until=now + seconds(1), reason="window") if pending else Nothing()


def debounce(policy: CoalescePolicy, state: ChannelState, pending: Sequence[PendingUpdate], now: datetime) -> Decision:
    decision = coalesce.decide(policy, state, pending, now)
    if isinstance(decision, Send) and decision.urgency in ("window", "window_over") and state.last_sent_at:
        quiet_at = max(update.received_at for update in pending) + seconds(policy.window)
        return Wait(until=quiet_at, reason="window") if quiet_at > now else decision
    return decision


def one_at_a_time(
    policy: CoalescePolicy, state: ChannelState, pending: Sequence[PendingUpdate], now: datetime
) -> Decision:
    decision = coalesce.decide(policy, state, pending, now)
    if isinstance(decision, Send) and len(decision.updates) > 1:
        return replace(decision, updates=decision.updates[:1])
    return decision


def newest_only(ordered: Callable[..., tuple[PendingUpdate, ...]]) -> Callable[..., tuple[PendingUpdate, ...]]:
    return lambda updates: ordered(updates)[-1:]


def delay_from_the_last(policy: CoalescePolicy, state: Any, waiting: Sequence[PendingUpdate], *rest: Any) -> Any:
    due, reason = original_due(policy, state, waiting, *rest)
    last = max(update.received_at for update in waiting)
    return (max(due, last + seconds(policy.delay)) if reason == "opened" else due), reason


def latest_due(*args: Any) -> Any:
    """The last of what the updates ask for, not the soonest."""
    policy, state, waiting, ready, begins = args
    each = [
        original_due(policy, state, [update], [when], begins and 0) for update, when in zip(waiting, ready, strict=True)
    ]
    return max(each, key=lambda due: due[0])


def hold_everybodys_end(policy: CoalescePolicy, waiting: Sequence[PendingUpdate]) -> list[datetime]:
    return original_ready_times(policy, [replace(update, automatic=True) for update in waiting])


def hold_anew_each_time(policy: CoalescePolicy, waiting: Sequence[PendingUpdate]) -> list[datetime]:
    ready = original_ready_times(policy, waiting)
    last = max((update.received_at for update in waiting if update.automatic and update.status.closes), default=None)
    held = waiting[-1].automatic and waiting[-1].status.closes and last is not None
    return [max(when, last + seconds(policy.hold_resolved)) for when in ready] if held and last else ready


def absorb_whatever_takes_back(policy: Any, state: ChannelState, waiting: tuple[PendingUpdate, ...]) -> Any:
    updates, reason = original_needless(policy, state, waiting)
    after = waiting.index(updates[-1]) + 1 if updates else len(waiting)
    if updates and "taken back" in reason and after < len(waiting) and coalesce.reopens(updates[-1].status) is False:
        return (*updates, waiting[after]), reason
    return updates, reason


MUTANTS = [
    # What is said
    Mutant(
        "only the newest pending update is seen", ("told_once", "order"), {"in_order": newest_only(original_in_order)}
    ),
    Mutant("the oldest leads", ("order",), {"in_order": lambda updates: original_in_order(updates)[::-1]}),
    Mutant("order of arrival", ("order",), {"in_order": lambda updates: tuple(sorted(updates, key=lambda u: u.order))}),
    Mutant("stale updates are told", ("order",), {"is_stale": lambda *_: False}),
    Mutant("what was announced is forgotten", ("order",), {"_settled": lambda state, _: state}),
    Mutant(
        "an absorbed end is forgotten",
        ("latest",),
        decide=lambda policy, state, pending, now: (
            replace(decision, state=state)
            if isinstance(decision := coalesce.decide(policy, state, pending, now), Absorb)
            else decision
        ),
    ),
    Mutant("a pending set is told one by one", ("together",), decide=one_at_a_time),
    Mutant("machines get updates merged", ("together", "prompt"), decide=with_policy(window=60.0)),
    Mutant(
        "sequences stand still",
        ("order",),
        decide=after_sending(lambda before, announced: replace(announced.state, sequence=1)),
    ),
    # Windows
    Mutant("no window", ("window", "together"), decide=with_policy(window=0.0)),
    Mutant(
        "the window starts at the first notification",
        ("window",),
        decide=after_sending(
            lambda before, announced: replace(
                announced.state, last_sent_at=before.last_sent_at or announced.state.last_sent_at
            )
        ),
    ),
    Mutant("the window never grows", ("window",), decide=with_policy(max_window=0.0)),
    Mutant("the window grows without bound", ("prompt",), decide=with_policy(max_window=1e6)),
    Mutant(
        "the window is never reset",
        ("prompt",),
        {
            "_next_window": lambda policy, state, announced, **_: (
                original_next_window(
                    policy, replace(state, last_sent_at=announced[0].received_at), announced, opens=False
                )
                if state.last_sent_at
                else policy.window
            )
        },
    ),
    Mutant(
        "the window is always reset", ("window",), {"_next_window": lambda policy, *_, **__: max(policy.window, 0.0)}
    ),
    Mutant("each arrival starts the wait anew", ("prompt",), decide=debounce),
    Mutant("the last due time counts", ("prompt",), {"_due": latest_due}),
    # What must not wait
    Mutant("ends are held like the rest", ("prompt",), decide=with_policy(flush_on=frozenset())),
    Mutant(
        "a rise of impact waits",
        ("prompt",),
        {
            "_due_in_episode": lambda policy, state, *rest: original_due_in_round(
                policy, replace(state, impact=Impact.CRITICAL), *rest
            )
        },
    ),
    Mutant(
        "every critical update is a flush",
        ("window",),
        {
            "_due_in_episode": lambda policy, state, *rest: original_due_in_round(
                policy, replace(state, impact=Impact.MINOR), *rest
            )
        },
    ),
    Mutant(
        "the impact never falls again",
        ("prompt",),
        decide=after_sending(
            lambda before, announced: replace(
                announced.state, impact=max(before.impact, announced.state.impact, key=lambda i: i.rank)
            )
        ),
    ),
    Mutant("more components wait for a grown window", ("prompt",), {"_grew": lambda *_: False}),
    Mutant("every update counts as growth", ("window",), {"_grew": lambda *_: True}),
    # Beginnings
    Mutant("no delay", ("delay", "flaps"), decide=with_policy(delay=0.0)),
    Mutant("the delay starts anew with each arrival", ("prompt", "delay"), {"_due": delay_from_the_last}),
    Mutant("opened and closed inside the delay is told", ("flaps",), {"_closed_inside_delay": lambda *_: None}),
    Mutant(
        "re-opening is no beginning",
        ("beginnings",),
        {"_beginning": lambda state, _: 0 if state.episode == 0 else None},
    ),
    Mutant("a postmortem begins anew", ("beginnings",), {"reopens": lambda status: not status.closes}),
    Mutant(
        "the old round's postmortem goes with the new beginning",
        ("beginnings",),
        {"_beginning": lambda state, waiting: 0 if original_beginning(state, waiting) is not None else None},
    ),
    Mutant(
        "the end is forgotten",
        ("beginnings",),
        decide=after_sending(lambda before, announced: replace(announced.state, closed=False)),
    ),
    # Monitors
    Mutant("a monitor's end is not held", ("hold", "flaps"), decide=with_policy(hold_resolved=0.0)),
    Mutant("a monitor's end is held forever", ("prompt",), decide=with_policy(hold_resolved=1e7)),
    Mutant("a person's end is held", ("prompt",), {"_ready_times": hold_everybodys_end}),
    Mutant("each end of a monitor is held anew", ("prompt",), {"_ready_times": hold_anew_each_time}),
    Mutant("everybody is a monitor", ("prompt", "flaps"), decide=with_updates(automatic=True)),
    Mutant("flaps are told", ("flaps",), {"_needless_resolution": lambda *_: ((), "")}),
    Mutant("a flap hides what got worse", ("latest", "flaps"), {"_needless_resolution": absorb_whatever_takes_back}),
    Mutant("nothing is ever due", ("settles",), decide=never),
]


def broken_rule(world: World, mutant: Mutant) -> str | None:
    try:
        check_all(play(world, mutant.decide))
    except Violation as violation:
        return violation.rule
    return None


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.wrong.replace(" ", "-"))
def test_a_wrong_rule_is_noticed(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, replacement in mutant.patches.items():
        monkeypatch.setattr(coalesce, name, replacement)
    found = find(a_world(), lambda world: broken_rule(world, mutant) in mutant.rules, settings=GENERATE_ONLY)
    monkeypatch.undo()
    assert broken_rule(found, Mutant("nothing", ())) is None  # the very world is fine by the real rules
