"""What became of a message, said to its recipient: sentences that a support agent can send on."""

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
    Reason.RATE_LIMITED: "the receiving side asked us to slow down",
    Reason.SERVER_ERROR: "the receiving side had trouble of its own",
    Reason.UNREACHABLE: "the receiving side could not be reached",
    Reason.TIMED_OUT: "the receiving side did not answer in time",
    Reason.OUTCOME_UNKNOWN: "it is not known whether it was taken",
    Reason.REJECTED: "the receiving side refused it",
    Reason.BAD_ADDRESS: "the address does not work",
    Reason.TOO_LARGE: "it was too large",
    Reason.AUTH: "our access to the provider did not work",
    Reason.REDIRECTED: "the endpoint answered with a redirect",
    Reason.BLOCKED_TARGET: "the endpoint's address is not one we may call",
    Reason.GONE: "the endpoint said that it is gone",
    Reason.SECRET: "its secret could not be opened: it must be rotated",
    Reason.DUPLICATE: "it had been said before",
    Reason.BREAKER_OPEN: "the endpoint had failed too often just before",
    Reason.NOT_STARTED: "its turn did not come in time",
    Reason.ENDPOINT_DISABLED: "the endpoint is disabled",
    Reason.NOT_WANTED: "the endpoint chose other types of messages",
    Reason.WAITING_FOR_EARLIER: "it waits for an earlier one",
    Reason.TRANSLATION: "it waits for a translation into your language",
    Reason.NOT_WANTED: "the endpoint does not take such messages",
    Reason.UNSUBSCRIBED: "you had unsubscribed by then",
    Reason.GAVE_UP: "every attempt failed",
}


def clock(moment: datetime, zone: str) -> str:
    """Write an instant by the reader's clock."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"


def became(row: AnyRow, evidence: Sequence[Json], *, zone: str, replaced_by: int | None) -> str:
    """Say what became of a delivery; the sentence goes on after `Message 1 (investigating)`."""
    state, channel = DeliveryState(row.state), Channel(row.channel)
    taker = {Channel.EMAIL: "the mail provider", Channel.WEBHOOK: "your endpoint"}.get(channel, "the platform")
    at = f" at {clock(row.updated_at, zone)}" if row.updated_at else ""
    why = f": {_REASONS[Reason(row.reason)]}" if row.reason and Reason(row.reason) in _REASONS else ""
    if state is DeliveryState.QUEUED:
        return _waiting(row, zone, why)
    number = f" (its number there is {row.provider_message_id})" if row.provider_message_id else ""
    newer = f"message {replaced_by}" if replaced_by else "a newer one"
    return {
        DeliveryState.SENDING: f"is being handed to {taker} now",
        DeliveryState.ACCEPTED: f"was taken by {taker}{at}{number}",
        DeliveryState.DELIVERED: f"was delivered to your mail server{at}",
        DeliveryState.BOUNCED: f"was sent, but your mail server refused it{at}{_said(evidence)}",
        DeliveryState.FAILED: f"could not be sent and was given up{at}{why}",
        DeliveryState.SUPPRESSED: f"was not sent, since your address was stopped before it left{why}",
        DeliveryState.SUPERSEDED: f"had not left yet when there was newer news: {newer} replaced it and says the same"
        " and more",
        DeliveryState.CANCELED: f"was called off{why}",
    }[state]


def _waiting(row: AnyRow, zone: str, why: str) -> str:
    due = clock(row.due_at, zone) if row.due_at else "the next round"
    match row.reason:
        case Reason.QUIET_HOURS:
            return f"waits for the end of your quiet hours, at {due}"
        case Reason.HOURLY_LIMIT:
            return f"waits for the hour to have room for one more message, at {due}"
        case _ if (row.attempts or 0) > 0:
            return f"could not be sent yet and is tried again at {due}{why}"
        case _:
            return f"is waiting to be sent{why}"


def _said(evidence: Sequence[Json]) -> str:
    """Repeat what the mail server answered, where the provider passed it on."""
    texts = [str(item["facts"]["reason"]) for item in evidence if item["facts"].get("reason")]
    return f"; it said: {texts[-1]}" if texts else ""


def told_together(update_ids: Sequence[str]) -> str:
    """Say that a message carried more than one update."""
    return f" It tells {len(update_ids)} updates at once: {', '.join(update_ids)}." if len(update_ids) > 1 else ""


_URGENCIES = {
    "flush_on": "such news is never held back",
    "escalated": "the impact rose",
    "opened": "the incident began",
    "scope_grew": "more of the platform was affected",
    "window": "updates that come soon after a message are gathered",
    "window_over": "nothing had been said for a while",
}


def gathered(row: AnyRow, others: Sequence[str], channel: Channel, due_at: datetime | None, zone: str) -> str:
    """Say what coalescing did with one update on one channel."""
    name = {Channel.EMAIL: "e-mail", Channel.WEBHOOK: "webhook", Channel.SOCIAL: "social media"}[channel]
    if row.sequence is not None:
        along = f", together with {', '.join(others)}" if others else ""
        why = _URGENCIES.get(row.said_because, row.said_because)
        return f"announced by {name} in message {row.sequence}{along}: {why}"
    if row.said_because == channel_state.HELD:
        return f"waits for a person to release it on {name}"
    if row.said_because not in (None, LATE):
        return f"told to nobody by {name}: {row.said_because}"
    if row.outcome == "accepted":
        until = f" until {clock(due_at, zone)}" if due_at else ""
        return f"waits{until} to be told by {name} with what follows"
    return f"not told by itself by {name}: {row.reason}"
