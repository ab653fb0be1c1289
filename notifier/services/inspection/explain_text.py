"""Explain a message's fate to its recipient, in sentences that a support agent can forward."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from notifier.domain.values import Channel, DeliveryState, Reason
from notifier.storage.database.types import AnyRow
from notifier.storage.incidents import channel_state
from notifier.storage.incidents.channel_state import LATE

Json = dict[str, Any]

_REASONS: Mapping[Reason, str] = {
    Reason.RATE_LIMITED: "the receiving server asked us to slow down",
    Reason.SERVER_ERROR: "the receiving server had an error",
    Reason.UNREACHABLE: "the receiving server could not be reached",
    Reason.TIMED_OUT: "the receiving server did not respond in time",
    Reason.OUTCOME_UNKNOWN: "it is not known whether it was accepted",
    Reason.REJECTED: "the receiving server rejected it",
    Reason.BAD_ADDRESS: "the address is invalid",
    Reason.TOO_LARGE: "it was too large",
    Reason.AUTH: "our credentials for the provider did not work",
    Reason.REDIRECTED: "the endpoint answered with a redirect",
    Reason.BLOCKED_TARGET: "the endpoint's address is not allowed",
    Reason.GONE: "the endpoint reported that it is gone",
    Reason.SECRET: "its secret could not be decrypted and must be rotated",
    Reason.DUPLICATE: "it had been posted before",
    Reason.BREAKER_OPEN: "the endpoint had just failed too often",
    Reason.NOT_STARTED: "it was not sent in time",
    Reason.ENDPOINT_DISABLED: "the endpoint is disabled",
    Reason.NOT_WANTED: "the endpoint subscribes to other message types",
    Reason.WAITING_FOR_EARLIER: "it waits for an earlier message",
    Reason.TRANSLATION: "it waits for a translation into your language",
    Reason.NOT_WANTED: "the endpoint does not subscribe to such messages",
    Reason.UNSUBSCRIBED: "you had unsubscribed by then",
    Reason.GAVE_UP: "every attempt failed",
}


def clock(moment: datetime, zone: str) -> str:
    """Format a time in the reader's time zone."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"


def became(row: AnyRow, evidence: Sequence[Json], *, zone: str, replaced_by: int | None) -> str:
    """Describe a delivery's state, continuing a sentence like `Message 1 (investigating) ...`."""
    state, channel = DeliveryState(row.state), Channel(row.channel)
    taker = {Channel.EMAIL: "the mail provider", Channel.WEBHOOK: "your endpoint"}.get(channel, "the platform")
    at = f" at {clock(row.updated_at, zone)}" if row.updated_at else ""
    why = f": {_REASONS[Reason(row.reason)]}" if row.reason and Reason(row.reason) in _REASONS else ""
    if state is DeliveryState.QUEUED:
        return _waiting(row, zone, why)
    number = f" (its number there is {row.provider_message_id})" if row.provider_message_id else ""
    newer = f"message {replaced_by}" if replaced_by else "a newer one"
    return {
        DeliveryState.SENDING: f"is being sent to {taker} now",
        DeliveryState.ACCEPTED: f"was accepted by {taker}{at}{number}",
        DeliveryState.DELIVERED: f"was delivered to your mail server{at}",
        DeliveryState.BOUNCED: f"was sent, but your mail server rejected it{at}{_server_response(evidence)}",
        DeliveryState.FAILED: f"could not be sent, and we stopped trying{at}{why}",
        DeliveryState.SUPPRESSED: f"was not sent, because mail to your address was stopped before{why}",
        DeliveryState.SUPERSEDED: f"was replaced before it was sent: {newer} says the same and more",
        DeliveryState.CANCELED: f"was canceled{why}",
    }[state]


def _waiting(row: AnyRow, zone: str, why: str) -> str:
    due = clock(row.due_at, zone) if row.due_at else "the next opportunity"
    match row.reason:
        case Reason.QUIET_HOURS:
            return f"waits for the end of your quiet hours, at {due}"
        case Reason.HOURLY_LIMIT:
            return f"waits until {due}, because of the hourly limit"
        case _ if (row.attempts or 0) > 0:
            return f"could not be sent yet and will be retried at {due}{why}"
        case _:
            return f"is waiting to be sent{why}"


def _server_response(evidence: Sequence[Json]) -> str:
    """Quote the mail server's response, if the provider passed it on."""
    texts = [str(item["facts"]["reason"]) for item in evidence if item["facts"].get("reason")]
    return f"; it responded: {texts[-1]}" if texts else ""


def list_updates(update_ids: Sequence[str]) -> str:
    """List the updates of a message that has more than one."""
    return f" It contains {len(update_ids)} updates: {', '.join(update_ids)}." if len(update_ids) > 1 else ""


_URGENCIES = {
    "flush_on": "such updates are never delayed",
    "escalated": "the impact rose",
    "opened": "the incident began",
    "scope_grew": "more of the platform was affected",
    "window": "updates soon after a message are combined",
    "window_over": "the window was over",
}


def gathered(row: AnyRow, others: Sequence[str], channel: Channel, due_at: datetime | None, zone: str) -> str:
    """Describe what coalescing did with one update on one channel."""
    name = {Channel.EMAIL: "e-mail", Channel.WEBHOOK: "webhook", Channel.SOCIAL: "social media"}[channel]
    if row.sequence is not None:
        along = f", together with {', '.join(others)}" if others else ""
        why = _URGENCIES.get(row.announced_because, row.announced_because)
        return f"announced by {name} in message {row.sequence}{along}: {why}"
    if row.announced_because == channel_state.HELD:
        return f"is held for approval on {name}"
    if row.announced_because not in (None, LATE):
        return f"sent to nobody by {name}: {row.announced_because}"
    if row.outcome == "accepted":
        until = f" until {clock(due_at, zone)}" if due_at else ""
        return f"waits{until} to be sent by {name} together with later updates"
    return f"not sent separately by {name}: {row.reason}"
