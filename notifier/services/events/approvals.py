"""Release or cancel notifications held by the blast guard."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from notifier.domain.errors import ConflictError, NotFoundError
from notifier.domain.incidents.translation import TranslationRule
from notifier.domain.recipients.blast_guard import HoldReason
from notifier.domain.values import Channel
from notifier.services.conflicts import refuse_unread
from notifier.services.events.held_content import Policies, ReleaseHeld
from notifier.services.ports import Clock, TaskQueue
from notifier.services.security.audit import Actor, Subject, record
from notifier.storage.database import Connection
from notifier.storage.database.engine import Database
from notifier.storage.incidents import channel_state, timeline
from notifier.storage.notifications import approvals, notifications, pending_edits
from notifier.storage.notifications.approvals import HeldNotification

Json = dict[str, Any]


@dataclass(frozen=True)
class Release:
    """Releases and cancels held notifications; every decision is in the audit trail."""

    database: Database
    policies: Policies
    clock: Clock
    tasks: TaskQueue
    translations: Mapping[Channel, TranslationRule] = field(default_factory=dict)

    def release(self, public_id: str, actor: Actor, *, read: str | None = None) -> Json:
        """Release a notification and those held before it on its channel; all become visible.

        Those held because their producer may not announce are released only together with others
        of the same kind. If the channel has announced something newer meanwhile, an update becomes
        visible but is sent to nobody: `superseded`.

        `read`: the version of the incident that the actor has read (`timeline.version`).

        Raises:
            NotFoundError: there is no such notification.
            OutdatedError: the incident has changed since it was read.
            ConflictError: the notification is not held.
        """
        with self.database.write() as connection:
            named = self._held(connection, public_id, read)
            release_held = ReleaseHeld(connection, self.policies, self.translations, self.clock())
            notification_ids = release_held.release(_going_along(connection, named))
            stored = notifications.get_public(connection, public_id)
            self._note(connection, "notification.released", named, actor)
        for notification_id in notification_ids:
            self.tasks.plan(notification_id)
        return {"id": public_id, "state": stored.state if stored else approvals.REPLACED}

    def cancel(self, public_id: str, actor: Actor, *, read: str | None = None) -> Json:
        """Cancel a notification: its update is not sent on this channel.

        An update canceled on all channels never becomes visible.

        `read`: as in `release`.

        Raises:
            NotFoundError: there is no such notification.
            OutdatedError: the incident has changed since it was read.
            ConflictError: the notification is not held.
        """
        with self.database.write() as connection:
            named = self._held(connection, public_id, read)
            approvals.end(connection, [named.id], approvals.CANCELED)
            self._call_off(connection, named)
            self._note(connection, "notification.canceled", named, actor)
        return {"id": public_id, "state": approvals.CANCELED}

    @staticmethod
    def _call_off(connection: Connection, named: HeldNotification) -> None:
        waiting = approvals.of_incident(connection, named.incident_id)
        if not named.is_edit:
            channel_state.call_off(connection, named.incident_id, named.update_ids, named.channel)
        elif not any(each.is_edit and each.update_ids == named.update_ids for each in waiting):
            pending_edits.drop(connection, named.incident_id, named.update_ids[0])

    @staticmethod
    def _held(connection: Connection, public_id: str, read: str | None) -> HeldNotification:
        found = notifications.get_public(connection, public_id)
        if found is None:
            raise NotFoundError("notification", public_id)
        # The lock on the incident serializes what the channel announces next.
        timeline.lock_known_incident(connection, found.notice.incident.id)
        waiting = approvals.find(connection, public_id)
        if waiting is None:
            raise ConflictError(f"notification {public_id} is not held")
        refuse_unread(connection, found.notice.incident.id, read)
        return waiting

    def _note(self, connection: Connection, action: str, named: HeldNotification, actor: Actor) -> None:
        detail = {
            "incident_id": named.incident_id,
            "channel": named.channel.value,
            "update_ids": list(named.update_ids),
        }
        subject = Subject("notification", named.public_id)
        record(connection, actor, action, subject, at=self.clock(), detail=detail)


def _going_along(connection: Connection, named: HeldNotification) -> list[HeldNotification]:
    """Return what is released with a notification: those held earlier, then itself."""
    needs_announce = HoldReason.NEEDS_ANNOUNCE
    return [
        each
        for each in approvals.of_incident(connection, named.incident_id)
        if each.channel is named.channel
        and each.id <= named.id
        and (each.because is not needs_announce or named.because is needs_announce)
    ]
