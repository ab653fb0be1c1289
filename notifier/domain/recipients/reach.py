"""How many recipients an update would reach on a channel, in which languages, and how many not now."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from notifier.domain.recipients.audience import IncidentScope, Preferences, in_scope
from notifier.domain.recipients.do_not_disturb import quiet_until
from notifier.domain.recipients.subscriber import QuietHours
from notifier.domain.values import Channel, Impact, UpdateLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Recipients of a channel that are alike in all that decides. `timezone` is an IANA name."""

    preferences: Preferences
    size: int
    locale: str = ""
    timezone: str = "UTC"
    quiet_hours: QuietHours | None = None
    is_suppressed: bool = False


@dataclass(slots=True)
class ChannelReach:
    """Numbers of one channel. `quiet_hours`: those of `recipients` who get it later; `suppressed`: who never do."""

    recipients: int = 0
    locales: Counter[str] = field(default_factory=Counter)
    quiet_hours: int = 0
    suppressed: int = 0


def reach_among(
    groups: Iterable[Group], channel: Channel, scope: IncidentScope, *, closes: bool, now: datetime
) -> ChannelReach:
    """Count who an update concerns by what they chose, whoever was notified before.

    Args:
        groups: The channel's recipients.
        channel: Which channel.
        scope: Scope of the incident.
        closes: The update ends the incident, so those who want only resolutions count too.
        now: Aware UTC instant, for quiet hours.
    """
    found = ChannelReach()
    for group in groups:
        choice = group.preferences
        wants = channel in choice.channels and (closes or choice.updates is not UpdateLevel.RESOLUTION)
        if not wants or not in_scope(choice, scope):
            continue
        if group.is_suppressed:
            found.suppressed += group.size
            continue
        found.recipients += group.size
        found.locales[group.locale] += group.size
        if _is_quiet(group, scope, now):
            found.quiet_hours += group.size
    return found


def _is_quiet(group: Group, scope: IncidentScope, now: datetime) -> bool:
    if group.quiet_hours is None or scope.impact is Impact.CRITICAL:
        return False
    return quiet_until(group.quiet_hours, group.timezone, now) is not None
