"""Subscribers as JSON for the API, the command line and exports."""

from collections.abc import Sequence
from typing import Any

from notifier.domain.recipients.subscriber import StoredSubscriber, Subscriber, Suppression
from notifier.storage.database.codec import instant_to_json

Json = dict[str, Any]
# Excluded from the audit trail, which outlives an erased person.
PERSONAL = frozenset({"email", "name"})


def subscriber_to_json(subscriber: Subscriber) -> Json:
    """Return a subscriber in the form that `inbound.subscribers.SubscriberBody` reads."""
    preferences = subscriber.preferences
    quiet = subscriber.quiet_hours
    return {
        "external_id": subscriber.external_id,
        "kind": subscriber.kind.value,
        "email": subscriber.email,
        "name": subscriber.name,
        "locale": subscriber.locale,
        "timezone": subscriber.timezone,
        "state": subscriber.state.value,
        "preferences": {
            "channels": sorted(channel.value for channel in preferences.channels),
            "components": sorted(preferences.components),
            "min_impact": preferences.min_impact.value,
            "updates": preferences.updates.value,
            "maintenance": preferences.maintenance,
            "quiet_hours": dict(zip(("from", "to"), quiet.texts(), strict=True)) if quiet else None,
            "max_per_hour": subscriber.max_per_hour,
        },
    }


def suppression_to_json(suppression: Suppression) -> Json:
    """Return why and since when an address is suppressed on a channel."""
    return {
        "channel": suppression.channel.value,
        "reason": suppression.reason.value,
        "since": instant_to_json(suppression.since),
        "detail": suppression.detail,
    }


def stored_to_json(stored: StoredSubscriber, suppressions: Sequence[Suppression]) -> Json:
    """Return a subscriber with the ledger's further fields."""
    return subscriber_to_json(stored.subscriber) | {
        "legal_basis": stored.legal_basis,
        "suppressions": [suppression_to_json(item) for item in suppressions],
        "created_at": instant_to_json(stored.created_at),
        "updated_at": instant_to_json(stored.updated_at),
    }


def stored_to_record(stored: StoredSubscriber, suppressions: Sequence[Suppression]) -> Json:
    """Return a line of an NDJSON export: all fields, including the proof of consent."""
    record = stored_to_json(stored, suppressions)
    return record | {"consent": stored.consent} if stored.consent else record
