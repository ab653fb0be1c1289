"""What coalescing decides about (a policy, what a channel has said, what is pending), and what it may decide."""

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
        """Whether news of this status is never held back. What is called off leaves as what is completed does."""
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
    """What one channel has said about one incident."""

    episode: int = 0  # counts beginnings: 1 from the first notification, one more at each re-opening
    sequence: int = 0  # of the last notification, over all rounds
    opened: bool = False  # a notification of this round went out
    closed: bool = False  # the last word was that it is over
    last_sent_at: datetime | None = None
    window: float = 0.0  # the present window, in seconds
    status: Status | None = None  # as last announced
    impact: Impact = Impact.NONE  # as last announced
    components: frozenset[str] = frozenset()  # as last announced
    announced_until: datetime | None = None  # `ordered_at` of the newest update announced or absorbed


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Announce `updates` (oldest first; the last one leads) now; `state` is the channel's afterwards."""

    updates: tuple[PendingUpdate, ...]
    opens: bool
    closes: bool
    urgency: str
    state: ChannelState


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing is due before `until` (aware UTC); new arrivals may pull it forward, never push it back.

    `holding` says that an end is pending, which the next update may turn into a flap; a higher impact than that of
    rank `urgent_above` would not wait.
    """

    until: datetime
    reason: str
    holding: bool = False
    urgent_above: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Absorb:
    """These updates say nothing that the channel's readers need and are told to nobody; `state` is the channel's after.

    What arrives later and was posted before them is stale, as if they had been announced: else an opening that its own
    absorbed end has overtaken would be told and never taken back.
    """

    updates: tuple[PendingUpdate, ...]
    reason: str
    state: ChannelState


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing is pending."""


Decision = Send | Wait | Absorb | Nothing
