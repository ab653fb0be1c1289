"""The blast guard: what waits for a person before it goes to many, and how many that would be."""

from collections.abc import Iterable
from dataclasses import dataclass

from notifier.domain.audience import Preferences, Scope, in_scope
from notifier.domain.values import Channel, Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPolicy:
    """`hold_above`: most recipients a notification may have without a person's word; None: any number.

    `needs_announce`: what comes with a key that lacks the scope `announce` waits for a person.
    """

    hold_above: int | None = None
    needs_announce: bool = False


def is_held(policy: GuardPolicy, *, reach: int, guarded: bool, earlier_held: bool) -> bool:
    """Whether a notification waits for a person.

    Args:
        policy: The installation's.
        reach: How many recipients it would have.
        guarded: One of its updates was handed in without the right to announce.
        earlier_held: An earlier one of its incident and channel waits: this one would tell what that one may not.
    """
    return guarded or earlier_held or (policy.hold_above is not None and reach > policy.hold_above)


def reach_of(people: Iterable[tuple[Preferences, int]], channel: Channel, scope: Scope, *, closes: bool) -> int:
    """Count whom news of this reach concerns by what they chose, before anything is known of what they heard.

    Args:
        people: Distinct preferences, and how many share them.
        channel: Where the news would be told.
        scope: How far the incident reaches.
        closes: The news is that it is over, which those hear too who want nothing else.
    """
    return sum(
        number
        for choice, number in people
        if channel in choice.channels
        and (closes or choice.updates is not Wanted.RESOLUTION)
        and in_scope(choice, scope)
    )
