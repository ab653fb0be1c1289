"""What each event of SendGrid means for a delivery and for an address: pure, one table each.

Source: Twilio SendGrid, "Event Webhook Reference" and "Bounce and Block Classifications".
"""

from dataclasses import dataclass

from notifier.domain.subscriber import Suppression, SuppressionReason
from notifier.domain.values import Channel, DeliveryState, Reason
from notifier.inbound.sendgrid import Kind, MailEvent

# What a report may overrule, least first. Queued and sending know nothing yet; what we gave up or replaced may have
# gone out all the same.
_SAYS_MORE = {
    DeliveryState.QUEUED: 0,
    DeliveryState.SENDING: 0,
    DeliveryState.ACCEPTED: 1,
    DeliveryState.FAILED: 1,
    DeliveryState.CANCELED: 1,
    DeliveryState.SUPERSEDED: 1,
    DeliveryState.SUPPRESSED: 2,
    DeliveryState.DELIVERED: 3,
    DeliveryState.BOUNCED: 4,
}
_ADDRESS_FAULT = "Invalid Address"
# These are about us, whatever mailbox they name.
_SENDER_FAULTS = ("Reputation", "Content", "Frequency")
# Reasons of `dropped` that align our list with the provider's; others are our own mistakes. Matched at the beginning.
_DROPS = {
    "Bounced Address": SuppressionReason.BOUNCED,
    "Unsubscribed Address": SuppressionReason.PROVIDER_UNSUBSCRIBED,
    "Spam Reporting Address": SuppressionReason.COMPLAINED,
    "Invalid SMTPAPI": None,
    "Invalid": SuppressionReason.BOUNCED,
}
_SUPPRESSING = {
    Kind.BOUNCE: SuppressionReason.BOUNCED,
    Kind.SPAM_REPORT: SuppressionReason.COMPLAINED,
    Kind.UNSUBSCRIBE: SuppressionReason.PROVIDER_UNSUBSCRIBED,
    Kind.GROUP_UNSUBSCRIBE: SuppressionReason.PROVIDER_UNSUBSCRIBED,
}
_DETAILS = ("bounce_classification", "reason", "status")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state an event puts a delivery in, and why."""

    state: DeliveryState
    reason: Reason | None = None


def verdict_on(event: MailEvent) -> Verdict | None:
    """Return what an event makes of its delivery; None where it changes nothing (a deferral, a complaint)."""
    match event.kind:
        case Kind.PROCESSED:
            return Verdict(DeliveryState.ACCEPTED)
        case Kind.DELIVERED:
            return Verdict(DeliveryState.DELIVERED)
        case Kind.BOUNCE | Kind.BLOCKED:
            invalid = event.fact("bounce_classification") == _ADDRESS_FAULT or event.fact("status").startswith("5.1.")
            is_address = event.kind is Kind.BOUNCE and invalid
            return Verdict(DeliveryState.BOUNCED, Reason.BAD_ADDRESS if is_address else Reason.REJECTED)
        case Kind.DROPPED:
            return Verdict(DeliveryState.SUPPRESSED, _drop_reason(event))
        case _:
            return None


_OF_A_MAIL = frozenset({Kind.PROCESSED, Kind.DEFERRED, Kind.DELIVERED, Kind.BOUNCE, Kind.BLOCKED, Kind.DROPPED})


def shows_acceptance(event: MailEvent) -> bool:
    """Whether an event is evidence that the provider had accepted the request its mail came with."""
    return event.kind in _OF_A_MAIL


def is_replaced_by(present: DeliveryState, reported: DeliveryState) -> bool:
    """Whether a reported state says more than the present one: the same end whatever the order of events."""
    if reported is DeliveryState.ACCEPTED:
        return _SAYS_MORE[present] == 0
    return _SAYS_MORE[present] < _SAYS_MORE[reported]


def _dropped_for(event: MailEvent) -> SuppressionReason | None:
    text = event.fact("reason")
    return next((reason for beginning, reason in _DROPS.items() if text.startswith(beginning)), None)


def _drop_reason(event: MailEvent) -> Reason:
    match _dropped_for(event):
        case SuppressionReason.BOUNCED:
            return Reason.BAD_ADDRESS
        case None:
            return Reason.REJECTED
        case _:
            return Reason.UNSUBSCRIBED


def suppression_for(event: MailEvent) -> Suppression | None:
    """Return the suppression an event asks for; None for blocks, deferrals and whatever is about us."""
    reason = _dropped_for(event) if event.kind is Kind.DROPPED else _SUPPRESSING.get(event.kind)
    if reason is None:
        return None
    detail = topic(event) or "; ".join(filter(None, map(event.fact, _DETAILS)))
    return Suppression(channel=Channel.EMAIL, reason=reason, since=event.at, detail=detail[:1000])


def topic(event: MailEvent) -> str:
    """Name the unsubscribe group an event is about; empty for every other event."""
    is_group = event.kind in (Kind.GROUP_UNSUBSCRIBE, Kind.GROUP_RESUBSCRIBE)
    return f"group {event.fact('asm_group_id')}" if is_group else ""


def blames_sender(event: MailEvent | str) -> bool:
    """Whether a bounce (or its classification) is about us: reputation, content, volume."""
    if isinstance(event, str):
        return event.startswith(_SENDER_FAULTS)
    return event.kind is Kind.BOUNCE and event.fact("bounce_classification").startswith(_SENDER_FAULTS)


def is_out_of_credits(event: MailEvent) -> bool:
    """Whether the provider dropped a mail because the plan's credits are used up."""
    return event.kind is Kind.DROPPED and "over Package Quota" in event.fact("reason")
