"""Closure: whether everyone notified of an incident was notified of its end, and if not, why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from notifier.domain.values import PENDING, DeliveryState, Reason, Status

WAITING = "waiting: "  # prefix: the end is still to be sent
UNKNOWN = "unknown: "  # prefix: it will not be sent, and the ledger gives no reason
_LEFT = frozenset({Reason.UNSUBSCRIBED, Reason.NOT_WANTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A notification of one incident and channel.

    `state`: planning, planned, or held for release.
    """

    id: int
    status: Status
    state: str


@dataclass(frozen=True, slots=True)
class Ending:
    """A channel's sent notifications, those that announce the end, and what the end waits for."""

    sent: tuple[int, ...]
    ends: tuple[int, ...]
    waits_for: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unnotified:
    """A recipient notified of the beginning but not of the end.

    `state`, `reason`, `due_at` are those of the end's delivery. `recipient`: an external id, an
    endpoint's id or an account's name; None if the ledger has erased it.
    """

    recipient: str | None
    state: DeliveryState | None = None
    reason: Reason | None = None
    due_at: datetime | None = None
    attempts: int = 0
    has_left: bool = False
    is_suppressed: bool = False
    is_disabled: bool = False


def ending(announcements: Sequence[Announcement]) -> Ending:
    """Find the end in a channel's ordered notifications: those after the last one about trouble."""
    sent = [each for each in announcements if each.state != "held"]
    trouble = max((index for index, each in enumerate(sent) if not each.status.is_over), default=-1)
    ends = sent[trouble + 1 :]
    waits_for = ""
    if not ends:
        is_held = any(each.state == "held" and each.status.is_over for each in announcements)
        waits_for = "a person must release it" if is_held else "it has not been announced here yet"
    elif any(each.state == "planning" for each in ends):
        waits_for = "its recipients are being found"
    return Ending(tuple(each.id for each in sent), tuple(each.id for each in ends), waits_for)


def reason_of(unnotified: Unnotified, waits_for: str = "") -> str:
    """Return why a recipient was not notified of the end; `waits_for` is the channel's."""
    state, reason = unnotified.state, unnotified.reason
    found = (
        (unnotified.recipient is None, "erased or removed since"),
        (unnotified.has_left or reason in _LEFT, "unsubscribed, or chose not to hear of it"),
        (unnotified.is_suppressed or state is DeliveryState.SUPPRESSED, "the address is suppressed"),
        (state in PENDING, WAITING + _awaited(unnotified)),
        (unnotified.is_disabled or reason is Reason.ENDPOINT_DISABLED, "disabled"),
        (state is DeliveryState.BOUNCED, "bounced"),
        (state in {DeliveryState.FAILED, DeliveryState.CANCELED}, f"{state}: {_words(reason)}"),
        (bool(waits_for), WAITING + waits_for),
    )
    return next((words for holds, words in found if holds), f"{UNKNOWN}no message of the end was meant for them")


def is_explained(reason: str) -> bool:
    """Whether the ledger gives a reason; a pending end counts as one."""
    return not reason.startswith(UNKNOWN)


def _awaited(unnotified: Unnotified) -> str:
    until = f" until {unnotified.due_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if unnotified.due_at else ""
    match unnotified.reason:
        case Reason.QUIET_HOURS | Reason.HOURLY_LIMIT | Reason.TRANSLATION | Reason.WAITING_FOR_EARLIER:
            return f"{_words(unnotified.reason)}{until}"
        case None if not unnotified.attempts:
            return "to be sent"
        case _:
            return f"retry{until} ({_words(unnotified.reason)})"


def _words(reason: Reason | None) -> str:
    return reason.replace("_", " ") if reason else "no reason given"
