"""The blast guard: what waits for a person before it goes to many, and how many that would be."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from notifier.domain.recipients.audience import IncidentScope, Preferences, in_scope
from notifier.domain.values import Channel, UpdateLevel


class HoldReason(StrEnum):
    """Which setting of `[guard]` makes an update wait."""

    NEEDS_ANNOUNCE = "needs_announce"
    OLD = "hold_older_than"
    MANY = "hold_above"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastGuardPolicy:
    """`hold_above`: most recipients a notification may have without a person's word; None: any number.

    `needs_announce`: what comes with a key that lacks the scope `announce` waits for a person. `hold_older_than`: so
    does what was posted longer ago; None: however old.
    """

    hold_above: int | None = None
    needs_announce: bool = False
    hold_older_than: timedelta | None = None


def hold_reason(policy: BlastGuardPolicy, *, guarded: bool, age: timedelta, many: bool) -> HoldReason | None:
    """Return why an update waits for a person; None where it goes by itself.

    Args:
        policy: The installation's.
        guarded: It was handed in without the right to announce.
        age: How long ago it was posted.
        many: It concerns more recipients than `hold_above` on some channel.
    """
    if guarded and policy.needs_announce:
        return HoldReason.NEEDS_ANNOUNCE
    if policy.hold_older_than is not None and age > policy.hold_older_than:
        return HoldReason.OLD
    if many:
        return HoldReason.MANY
    return None


def reach_of(people: Iterable[tuple[Preferences, int]], channel: Channel, scope: IncidentScope, *, closes: bool) -> int:
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
        and (closes or choice.updates is not UpdateLevel.RESOLUTION)
        and in_scope(choice, scope)
    )
