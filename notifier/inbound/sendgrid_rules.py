"""What SendGrid's events mean for a delivery, an address and our account: pure tables.

Implements `services.provider_events.rules.ProviderRules`.

Source: Twilio SendGrid, "Event Webhook Reference" and "Bounce and Block Classifications".
"""

from collections.abc import Mapping
from typing import Any

from notifier.domain.providers.mail_event import AccountReport, MailEvent, MailEventKind, ReportedState
from notifier.domain.recipients.subscriber import Suppression, SuppressionReason
from notifier.domain.values import Channel, DeliveryState, Reason

PROVIDER = "sendgrid"
_ADDRESS_FAULT = "Invalid Address"
# These concern us, whatever mailbox they name.
_SENDER_FAULTS = ("Reputation", "Content", "Frequency")
# Reasons of `dropped` that make us suppress as the provider does; others are our own mistakes.
# Matched as prefixes.
_DROPS = {
    "Bounced Address": SuppressionReason.BOUNCED,
    "Unsubscribed Address": SuppressionReason.PROVIDER_UNSUBSCRIBED,
    "Spam Reporting Address": SuppressionReason.COMPLAINED,
    "Invalid SMTPAPI": None,
    "Invalid": SuppressionReason.BOUNCED,
}
_SUPPRESSING = {
    MailEventKind.BOUNCE: SuppressionReason.BOUNCED,
    MailEventKind.SPAM_REPORT: SuppressionReason.COMPLAINED,
    MailEventKind.UNSUBSCRIBE: SuppressionReason.PROVIDER_UNSUBSCRIBED,
    MailEventKind.GROUP_UNSUBSCRIBE: SuppressionReason.PROVIDER_UNSUBSCRIBED,
}
_DETAILS = ("bounce_classification", "reason", "status")


def state_of(event: MailEvent) -> ReportedState | None:
    """Return the delivery's state after an event; None if unchanged (a deferral, a complaint)."""
    match event.kind:
        case MailEventKind.PROCESSED:
            return ReportedState(DeliveryState.ACCEPTED)
        case MailEventKind.DELIVERED:
            return ReportedState(DeliveryState.DELIVERED)
        case MailEventKind.BOUNCE | MailEventKind.BLOCKED:
            invalid = event.fact("bounce_classification") == _ADDRESS_FAULT or event.fact("status").startswith("5.1.")
            is_address = event.kind is MailEventKind.BOUNCE and invalid
            return ReportedState(DeliveryState.BOUNCED, Reason.BAD_ADDRESS if is_address else Reason.REJECTED)
        case MailEventKind.DROPPED:
            return ReportedState(DeliveryState.SUPPRESSED, _drop_reason(event))
        case _:
            return None


_OF_A_MAIL = frozenset(
    {
        MailEventKind.PROCESSED,
        MailEventKind.DEFERRED,
        MailEventKind.DELIVERED,
        MailEventKind.BOUNCE,
        MailEventKind.BLOCKED,
        MailEventKind.DROPPED,
    }
)


def shows_acceptance(event: MailEvent) -> bool:
    """Whether an event proves that the provider accepted the request of its mail."""
    return event.kind in _OF_A_MAIL


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
    """Return the suppression an event calls for; None for blocks, deferrals and our own faults."""
    reason = _dropped_for(event) if event.kind is MailEventKind.DROPPED else _SUPPRESSING.get(event.kind)
    if reason is None:
        return None
    detail = topic(event) or "; ".join(filter(None, map(event.fact, _DETAILS)))
    return Suppression(channel=Channel.EMAIL, reason=reason, since=event.at, detail=detail[:1000])


def topic(event: MailEvent) -> str:
    """Return the unsubscribe group of an event; empty for all other events."""
    is_group = event.kind in (MailEventKind.GROUP_UNSUBSCRIBE, MailEventKind.GROUP_RESUBSCRIBE)
    return f"group {event.fact('asm_group_id')}" if is_group else ""


def blames_sender(kind: str, facts: Mapping[str, Any]) -> bool:
    """Whether an event is a bounce caused by the sender: reputation, content, volume."""
    label = str(facts.get("bounce_classification", ""))
    return kind == MailEventKind.BOUNCE and label.startswith(_SENDER_FAULTS)


def account_report(event: MailEvent) -> AccountReport | None:
    """Return what an event reports on our account: stopped, reactivated, or out of credits."""
    if event.kind is MailEventKind.ACCOUNT_STATUS:
        status = event.fact("type")
        return AccountReport(None if status == "reactivate" else Reason.AUTH, f"account status: {status}")
    if event.kind is MailEventKind.DROPPED and "over Package Quota" in event.fact("reason"):
        return AccountReport(Reason.REJECTED, event.fact("reason"))
    return None
