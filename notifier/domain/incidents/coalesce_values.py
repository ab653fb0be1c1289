"""Inputs of coalescing (policy, channel state, pending updates) and its possible decisions."""

from dataclasses import dataclass
from datetime import datetime

from notifier.domain.values import Impact, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class CoalescePolicy:
    """How long a channel may hold updates back. All durations in seconds."""

    delay: float = 0.0  # wait before an incident's first notification
    window: float = 60.0  # after a notification, hold further updates this long
    max_window: float = 600.0  # the window doubles up to this while updates keep coming
    flush_on: frozenset[Status] = frozenset({Status.RESOLVED, Status.COMPLETED, Status.POSTMORTEM})
    hold_resolved: float = 60.0  # a monitor's "resolved" waits this long for the flap; a person's never waits

    def flushes(self, status: Status) -> bool:
        """Whether this status is never held back.

        Canceled maintenance is treated like completed.
        """
        return (Status.COMPLETED if status is Status.CANCELED else status) in self.flush_on


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingUpdate:
    """An update the channel has not announced. Times are aware UTC; `order` is the order of arrival."""

    id: str
    order: int
    status: Status
    impact: Impact
    components: frozenset[str]
    ordered_at: datetime  # as `Update.ordered_at`
    received_at: datetime
    automatic: bool = False  # sent by a monitor, not by a person


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelState:
    """What one channel has announced about one incident."""

    episode: int = 0  # 1 from the first notification, one more at each re-opening
    sequence: int = 0  # of the last notification, over all episodes
    opened: bool = False  # a notification of this episode went out
    closed: bool = False  # the last notification announced the end
    last_sent_at: datetime | None = None
    window: float = 0.0  # the current window, in seconds
    status: Status | None = None  # as last announced
    impact: Impact = Impact.NONE  # as last announced
    components: frozenset[str] = frozenset()  # as last announced
    announced_until: datetime | None = None  # `ordered_at` of the newest update announced or absorbed


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Announce `updates` now, oldest first; the last one leads.

    `state` is the channel's new state.
    """

    updates: tuple[PendingUpdate, ...]
    opens: bool
    closes: bool
    urgency: str
    state: ChannelState


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing is due before `until` (aware UTC); new arrivals can only move it earlier.

    `holding`: an end is pending, which the next update may turn into a flap. An impact ranked above
    `urgent_above` would not wait.
    """

    until: datetime
    reason: str
    holding: bool = False
    urgent_above: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Absorb:
    """Announce these updates to nobody; `state` is the channel's new state.

    Updates that arrive later but were posted earlier are stale, as if these had been announced.
    Otherwise an opening overtaken by its own absorbed end would be announced and never retracted.
    """

    updates: tuple[PendingUpdate, ...]
    reason: str
    state: ChannelState


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing is pending."""


Decision = Send | Wait | Absorb | Nothing
