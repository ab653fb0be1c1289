"""Export a person's own data (GDPR Art. 15 and 20)."""

from dataclasses import dataclass
from typing import Any

from notifier.domain.errors import NotFoundError
from notifier.domain.recipients.subscriber import StoredSubscriber
from notifier.services.ports import Clock
from notifier.services.subscribers.manage import KIND
from notifier.services.subscribers.serialize import stored_to_record
from notifier.storage.database import Connection
from notifier.storage.database.codec import instant_to_json
from notifier.storage.database.engine import Database
from notifier.storage.deliveries import mails_to_address
from notifier.storage.operations import audit
from notifier.storage.recipients import subscribers, suppressions

Json = dict[str, Any]
_MOST = 1000


@dataclass(frozen=True)
class DataExport:
    """Exports all subscriptions of an address: they belong to one person."""

    database: Database
    clock: Clock

    def collect(self, subscriber_id: int) -> Json:
        """Return the copy as JSON data, with the newest thousand messages and changes.

        Raises:
            NotFoundError: the subscriber has been erased.
        """
        with self.database.read() as connection:
            stored = subscribers.get_by_id(connection, subscriber_id)
            if stored is None:
                raise NotFoundError("subscriber", str(subscriber_id))
            key = stored.address_key
            people = [stored] if key is None else subscribers.of_address(connection, key)
            stopped = suppressions.of_address(connection, key)
            return {
                "exported_at": instant_to_json(self.clock()),
                "subscriptions": [stored_to_record(person, stopped) for person in people],
                "incidents_not_wanted": _opt_outs(connection, key),
                "messages": _messages(connection, key),
                "changes": [entry for person in people for entry in _changes(connection, person)],
            }


def _opt_outs(connection: Connection, key: int | None) -> list[Json]:
    found = suppressions.opt_outs(connection, key) if key is not None else {}
    return [{"incident_id": name, "since": instant_to_json(since)} for name, since in sorted(found.items())]


def _messages(connection: Connection, key: int | None) -> list[Json]:
    rows = mails_to_address.mails_to(connection, key, limit=_MOST) if key is not None else ()
    return [
        {
            "incident_id": row.incident_id,
            "notification_id": row.public_id,
            "decided_at": instant_to_json(row.created_at),
            "state": row.state,
            "reason": row.reason,
        }
        for row in rows
    ]


def _changes(connection: Connection, person: StoredSubscriber) -> list[Json]:
    name = person.subscriber.external_id
    rows = audit.page(connection, limit=_MOST, before=None, object_kind=KIND, object_ids=(name,))
    return [
        {"external_id": name, "at": instant_to_json(row.at), "action": row.action, "detail": row.detail} for row in rows
    ]
