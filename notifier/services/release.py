"""Release: a person lets a held notification go, or calls it off."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from notifier.domain.errors import ConflictError, NotFoundError
from notifier.domain.values import Channel
from notifier.services.audit import Actor, Subject, record
from notifier.services.ports import Clock, Nudge
from notifier.storage import held, notifications, timeline
from notifier.storage.engine import Database
from notifier.storage.notifications import StoredNotification

Json = dict[str, Any]


@dataclass(frozen=True)
class Release:
    """Decides about notifications that wait for a person; every decision is in the audit trail."""

    database: Database
    clock: Clock
    nudge: Nudge

    def release(self, public_id: str, actor: Actor) -> Json:
        """Let a notification go; partners first get what was held before it, for the others it tells that as well.

        Raises:
            NotFoundError: there is no such notification.
            ConflictError: it does not wait.
        """
        with self.database.write() as connection:
            stored = self._held(connection, public_id)
            older = [each.id for each in held.around(connection, stored, older=True)]
            in_order = stored.channel is Channel.WEBHOOK
            held.move(connection, older, held.PLANNING if in_order else held.REPLACED)
            held.move(connection, [stored.id], held.PLANNING)
            self._note(connection, "notification.released", stored, actor)
        for number in [*(older if in_order else ()), stored.id]:
            self.nudge.plan(number)
        return {"id": public_id, "state": held.PLANNING}

    def cancel(self, public_id: str, actor: Actor) -> Json:
        """Call a notification off: its updates stay in the timeline and are told to nobody.

        Raises:
            NotFoundError: there is no such notification.
            ConflictError: it does not wait.
        """
        with self.database.write() as connection:
            stored = self._held(connection, public_id)
            held.unsay(connection, stored)
            held.move(connection, [stored.id], held.CANCELED)
            self._note(connection, "notification.canceled", stored, actor)
        return {"id": public_id, "state": held.CANCELED}

    @staticmethod
    def _held(connection: Connection, public_id: str) -> StoredNotification:
        found = notifications.get_public(connection, public_id)
        if found is None:
            raise NotFoundError("notification", public_id)
        # What the channel says next is decided by whoever holds the incident.
        timeline.lock_known_incident(connection, found.notice.incident.id)
        stored = notifications.get_public(connection, public_id)
        if stored is None or stored.state != held.HELD:
            raise ConflictError(f"notification {public_id} is not held")
        return stored

    def _note(self, connection: Connection, action: str, stored: StoredNotification, actor: Actor) -> None:
        detail = {"incident_id": stored.notice.incident.id, "channel": stored.channel.value}
        subject = Subject("notification", stored.notice.id)
        record(connection, actor, action, subject, at=self.clock(), detail=detail)
