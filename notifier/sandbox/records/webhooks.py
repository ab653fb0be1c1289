"""Webhook receivers as JSON."""

from typing import Any

from notifier.sandbox.hooks.inbox import Hook, Inboxes, Received
from notifier.sandbox.records.moments import moment


def hook_rows(inboxes: Inboxes, name: str | None = None) -> list[dict[str, Any]]:
    """Return the counts of each receiver."""
    return [_hook_row(hook) for hook in inboxes.hooks.values() if name in (None, hook.name)]


def _hook_row(hook: Hook) -> dict[str, Any]:
    gaps = {incident: order.gaps() for incident, order in hook.order.items()}
    return {
        "name": hook.name,
        "registered": bool(hook.secrets),
        "behaviour": hook.behaviour.kind,
        "requests": hook.requests,
        "accepted": hook.accepted,
        "unverified": hook.unverified,
        "distinct": len(hook.attempts),
        "repeats": hook.repeats,
        "gaps": {incident: found for incident, found in gaps.items() if found},
        "out_of_order": sum(order.backwards for order in hook.order.values()),
    }


def received_row(one: Received) -> dict[str, Any]:
    """Return one request with headers and body."""
    return {
        "name": one.name,
        "number": one.number,
        "at": moment(one.at),
        "method": one.method,
        "headers": one.headers,
        "body": one.body.decode(errors="replace"),
        "webhook_id": one.webhook_id,
        "attempt": one.attempt,
        "verified": one.verified,
        "why": one.why,
        "status": one.status,
    }
