"""Explain: why this subscriber was, or was not, told. Each rule, what it looked at, and its verdict.

The rules are asked again, the same pure functions that planning and sending asked; what happened is read from the
ledger: what coalescing did, every attempt, and what the provider reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from notifier.domain.errors import NotFoundError
from notifier.domain.subscriber import StoredSubscriber
from notifier.domain.values import Channel
from notifier.services.explain_recipient import Asked, Recipient, explain_recipient
from notifier.services.explain_words import gathered
from notifier.services.ports import Clock
from notifier.storage import audit, evidence, notifications, subscribers, timeline
from notifier.storage.codec import instant_to_json
from notifier.storage.engine import Database
from notifier.storage.types import AnyRow

Json = dict[str, Any]
_MOST_CHANGES = 100


@dataclass(frozen=True)
class Explain:
    """Answers "why did I (not) get this?" for any incident and subscriber."""

    database: Database
    clock: Clock

    def __call__(self, incident_id: str, external_id: str) -> Json:
        """Return every notification of an incident, with each rule's verdict and what became of it for a subscriber.

        Mail goes to the subscriber's address, webhooks to the endpoints that belong to them. `words` are meant for the
        subscriber, in their time zone.

        Raises:
            NotFoundError: no such incident, or no such subscriber.
        """
        with self.database.read() as connection:
            if timeline.get_incident(connection, incident_id) is None:
                raise NotFoundError("incident", incident_id)
            who = subscribers.get(connection, external_id)
            if who is None:
                raise NotFoundError("subscriber", external_id)
            rows = notifications.of_incident(connection, incident_id)
            asked = Asked(connection, who, self.clock())
            recipients = [Recipient.mail(who)]
            recipients += [Recipient.hook(endpoint) for endpoint in evidence.endpoints_of(connection, external_id)]
            told = [
                item
                for recipient in recipients
                for item in explain_recipient(
                    asked, recipient, [row for row in rows if row.channel == recipient.channel]
                )
            ]
            channels = dict.fromkeys(recipient.channel for recipient in recipients)
            updates = [item for channel in channels for item in _updates(connection, incident_id, channel, who)]
            since = min((row.created_at for row in rows), default=None)
            changes = _changes(connection, external_id, since)
        return {
            "incident_id": incident_id,
            "subscriber": external_id,
            "summary": _summary(recipients, told, rows),
            "notifications": told,
            "updates": updates,
            "changes": changes,
        }


def _updates(connection: Connection, incident_id: str, channel: Channel, who: StoredSubscriber) -> list[Json]:
    """Say what coalescing did with every update on a channel."""
    rows = evidence.said_of_updates(connection, incident_id, channel)
    due = evidence.due(connection, incident_id, channel)
    zone = who.subscriber.timezone
    items = []
    for row in rows:
        others = [other.id for other in rows if row.sequence is not None and other.sequence == row.sequence]
        others = [name for name in others if name != row.id]
        words = gathered(row, others, channel, due.due_at if due else None, zone)
        items.append(
            {
                "id": row.id,
                "channel": channel.value,
                "status": row.status,
                "posted_at": instant_to_json(row.posted_at),
                "author": row.author,
                "sequence": row.sequence,
                "told_with": others,
                "words": f"Update {row.id} ({row.status}): {words}.",
            }
        )
    return items


def _changes(connection: Connection, external_id: str, since: datetime | None) -> list[Json]:
    """Return who changed the subscriber since the incident was first announced: the rules see them as they are now."""
    if since is None:
        return []
    rows = audit.page(connection, limit=_MOST_CHANGES, object_kind="subscriber", object_ids=(external_id,))
    return [
        {"at": instant_to_json(row.at), "action": row.action, "actor": row.actor, "detail": row.detail}
        for row in reversed(rows)
        if row.at >= since
    ]


def _summary(recipients: Sequence[Recipient], told: Sequence[Json], rows: Sequence[AnyRow]) -> str:
    parts = []
    for recipient in recipients:
        own = [item for item in told if item["recipient"] == recipient.name]
        number = sum(bool(item["told"]) for item in own)
        if own and all(item["told"] is None for item in own):
            parts.append(f"It is so long ago that it is forgotten who was told {recipient.by}.")
        elif own:
            parts.append(f"You were told {number} of {len(own)} messages about this incident {recipient.by}.")
        else:
            parts.append(f"Nothing has been announced about this incident {recipient.by}.")
    posts = sum(row.channel == Channel.SOCIAL for row in rows)
    if posts:
        parts.append(f"On social media there were {posts} for everybody; who reads them is not known to us.")
    return " ".join(parts)
