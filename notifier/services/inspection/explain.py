"""Explain why a recipient was or was not notified: each rule, its input and its result.

Applies the same pure functions as planning and sending. The ledger shows what happened: coalescing,
every attempt, and the provider's reports.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifier.domain.errors import NotFoundError, UnknownRecipientError
from notifier.domain.values import Channel
from notifier.services.inspection.explain_recipient import Ledger, explain_recipient
from notifier.services.inspection.explain_target import Recipient, address_key_of, recipients_of
from notifier.services.inspection.explain_text import gathered
from notifier.services.ports import Clock
from notifier.services.security.address_hash import AddressHasher
from notifier.storage.database import Connection
from notifier.storage.database.codec import instant_to_json
from notifier.storage.database.engine import Database
from notifier.storage.database.types import AnyRow
from notifier.storage.deliveries import explain_queries
from notifier.storage.incidents import timeline
from notifier.storage.notifications import notifications
from notifier.storage.operations import audit

Json = dict[str, Any]
_MOST_CHANGES = 100


@dataclass(frozen=True, slots=True)
class RecipientHistory:
    """What one recipient received: one item per notification on their channel."""

    recipient: Recipient
    items: Sequence[Json]

    def knows(self, sequence: int) -> bool | None:
        """Whether a delivered message included message `sequence`'s content; None if pruned."""
        if any(item["told"] is None for item in self.items):
            return None
        return any(
            item["told"] and item["delivery"]["told_since"] < sequence <= item["sequence"] for item in self.items
        )


@dataclass(frozen=True)
class Explain:
    """Answers "why did I (not) get this?". `timezone` is for recipients without one."""

    database: Database
    clock: Clock
    addresses: AddressHasher
    timezone: str = "UTC"

    def recipient(self, incident_id: str, asked: str) -> Json:
        """Return every notification of an incident with rule results and delivery for a recipient.

        `asked` is the first match of: an external id (mailbox and endpoints), an endpoint id, an
        account name, an email address (all its subscribers). `words` are written for the recipient,
        in their time zone.

        Raises:
            NotFoundError: there is no such incident.
            UnknownRecipientError: `asked` matches nothing.
        """
        key = address_key_of(asked, self.addresses)
        with self.database.read() as connection:
            if timeline.get_incident(connection, incident_id) is None:
                raise NotFoundError("incident", incident_id)
            recipients = recipients_of(connection, asked, key, self.timezone)
            if not recipients:
                raise UnknownRecipientError
            rows = notifications.of_incident(connection, incident_id)
            ledger = Ledger(connection, self.clock())
            histories = [
                RecipientHistory(
                    one, explain_recipient(ledger, one, [row for row in rows if row.channel == one.channel])
                )
                for one in recipients
            ]
            updates = _updates(connection, incident_id, histories)
            since = min((row.created_at for row in rows), default=None)
            changes = _changes(connection, recipients, since)
        return {
            "incident_id": incident_id,
            "subscriber": recipients[0].external_id or recipients[0].name,
            "summary": _summary(histories, rows),
            "notifications": [item for each in histories for item in each.items],
            "updates": updates,
            "changes": changes,
        }


def _updates(connection: Connection, incident_id: str, histories: Sequence[RecipientHistory]) -> list[Json]:
    """Return coalescing's result for each update per channel, and whether recipients got it."""
    channels = dict.fromkeys(each.recipient.channel for each in histories)
    return [
        item
        for channel in channels
        for item in _updates_of(
            connection, incident_id, channel, [each for each in histories if each.recipient.channel is channel]
        )
    ]


def _updates_of(
    connection: Connection, incident_id: str, channel: Channel, histories: Sequence[RecipientHistory]
) -> list[Json]:
    rows = explain_queries.updates_with_announcements(connection, incident_id, channel)
    due = explain_queries.due(connection, incident_id, channel)
    zone = histories[0].recipient.zone
    items = []
    for row in rows:
        others = [other.id for other in rows if row.sequence is not None and other.sequence == row.sequence]
        others = [name for name in others if name != row.id]
        words = gathered(row, others, channel, due.due_at if due else None, zone)
        missed = row.sequence is not None and all(each.knows(row.sequence) is False for each in histories)
        items.append(
            {
                "id": row.id,
                "channel": channel.value,
                "status": row.status,
                "posted_at": instant_to_json(row.posted_at),
                "author": row.author,
                "sequence": row.sequence,
                "told_with": others,
                "words": f"Update {row.id} ({row.status}): {words}.{_missed(channel) if missed else ''}",
            }
        )
    return items


def _missed(channel: Channel) -> str:
    return " This account has not posted it." if channel is Channel.SOCIAL else " It has not reached you."


def _changes(connection: Connection, recipients: Sequence[Recipient], since: datetime | None) -> list[Json]:
    """Return recipients' changes since the first announcement: rules see the current state."""
    if since is None:
        return []
    kinds: dict[str, list[str]] = {}
    for subject in dict.fromkeys(each.subject for each in recipients if each.subject):
        kinds.setdefault(subject.kind, []).append(subject.id)
    found = [
        row
        for kind, names in kinds.items()
        for row in audit.page(connection, limit=_MOST_CHANGES, object_kind=kind, object_ids=names)
    ]
    return [
        {"at": instant_to_json(row.at), "action": row.action, "actor": row.actor, "detail": row.detail}
        for row in sorted(found, key=lambda row: row.id)
        if row.at >= since
    ]


def _summary(histories: Sequence[RecipientHistory], rows: Sequence[AnyRow]) -> str:
    is_shared = len({each.recipient.external_id for each in histories}) > 1
    parts = [_sum(each, f" as {each.recipient.external_id}" if is_shared else "") for each in histories]
    posts = sum(row.channel == Channel.SOCIAL for row in rows)
    if posts and histories[0].recipient.who is not None:
        parts.append(f"On social media there were {posts} for everybody; who reads them is not known to us.")
    return " ".join(parts)


def _sum(each: RecipientHistory, name: str) -> str:
    recipient, number = each.recipient, sum(bool(item["told"]) for item in each.items)
    by = f"{recipient.by}{name}"
    if not each.items:
        return f"Nothing has been announced about this incident {by}."
    if all(item["told"] is None for item in each.items):
        return f"It is so long ago that it is forgotten who was told {by}."
    if recipient.channel is Channel.SOCIAL:
        return f"{recipient.name} posted {number} of {len(each.items)} messages about this incident."
    return f"You were told {number} of {len(each.items)} messages about this incident {by}."
