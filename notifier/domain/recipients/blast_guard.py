"""The blast guard: which updates wait for an operator before going to a large audience."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from notifier.domain.recipients.audience import IncidentScope, Preferences, in_scope
from notifier.domain.values import Channel, UpdateLevel


class HoldReason(StrEnum):
    """The setting of `[guard]` that holds an update."""

    NEEDS_ANNOUNCE = "needs_announce"
    OLD = "hold_older_than"
    MANY = "hold_above"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastGuardPolicy:
    """`hold_above`: maximum number of recipients without an operator's release; None: no limit.

    `needs_announce`: hold updates submitted with a key that lacks the scope `announce`.
    `hold_older_than`: hold updates posted longer ago than this; None: no limit.
    """

    hold_above: int | None = None
    needs_announce: bool = False
    hold_older_than: timedelta | None = None


def hold_reason(policy: BlastGuardPolicy, *, guarded: bool, age: timedelta, many: bool) -> HoldReason | None:
    """Return why an update waits for an operator; None if it does not.

    Args:
        policy: The installation's.
        guarded: It was submitted without the right to announce.
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
    """Count the recipients whose preferences match this scope, regardless of their exposure.

    Args:
        people: Distinct preferences, and how many share them.
        channel: Channel of the notification.
        scope: Scope of the incident.
        closes: The update ends the incident, so recipients who want only resolutions count too.
    """
    return sum(
        number
        for choice, number in people
        if channel in choice.channels
        and (closes or choice.updates is not UpdateLevel.RESOLUTION)
        and in_scope(choice, scope)
    )
