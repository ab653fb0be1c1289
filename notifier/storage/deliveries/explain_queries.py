"""Queries on one recipient and one incident, for `explain`."""

from collections.abc import Sequence

from sqlalchemy import Connection, and_, select

from notifier.domain.recipients.endpoint import StoredEndpoint
from notifier.domain.values import Channel
from notifier.storage import tables as t
from notifier.storage.database.types import AnyRow
from notifier.storage.recipients import endpoints


def reports(connection: Connection, notification_id: int, recipient_key: int) -> Sequence[AnyRow]:
    """Return the provider's reports on a delivery, in order of arrival."""
    p = t.provider_event.c
    statement = (
        select(p.kind, p.body, p.received_at)
        .where(p.notification_id == notification_id, p.recipient_key == recipient_key)
        .order_by(p.received_at, p.id)
    )
    return connection.execute(statement).all()


def endpoints_of(connection: Connection, external_id: str) -> list[StoredEndpoint]:
    """Return a subscriber's webhook endpoints, oldest first."""
    e = t.endpoint.c
    statement = (
        select(t.endpoint, t.preference.c.canonical)
        .join(t.preference, t.preference.c.id == e.preference_id)
        .where(e.subscriber == external_id)
        .order_by(e.id)
    )
    return [endpoints.from_row(row) for row in connection.execute(statement)]


def account(connection: Connection, name: str) -> AnyRow | None:
    """Return a social media account, even if it is no longer configured."""
    return connection.execute(select(t.account).where(t.account.c.name == name)).one_or_none()


def updates_with_announcements(connection: Connection, incident_id: str, channel: Channel) -> Sequence[AnyRow]:
    """Return every update with a channel's decision on it.

    Adds `sequence`, `announced_because` and the event's `reason`.
    """
    u, a, e = t.incident_update.c, t.announcement.c, t.event.c
    first_event = (
        select(e.reason)
        .where(e.incident_id == u.incident_id, e.update_id == u.id)
        .order_by(e.received_at, e.id)
        .limit(1)
        .scalar_subquery()
    )
    statement = (
        select(
            u.id,
            u.status,
            u.posted_at,
            u.outcome,
            u.author,
            a.sequence,
            a.reason.label("announced_because"),
            first_event.label("reason"),
        )
        .outerjoin(
            t.announcement,
            and_(a.incident_id == u.incident_id, a.update_id == u.id, a.channel == channel.value),
        )
        .where(u.incident_id == incident_id)
        .order_by(t.ordered_at, u.number)
    )
    return connection.execute(statement).all()


def due(connection: Connection, incident_id: str, channel: Channel) -> AnyRow | None:
    """Return when a channel next announces something of an incident, and why then."""
    s = t.channel_state.c
    statement = select(s.due_at, s.due_reason).where(s.incident_id == incident_id, s.channel == channel.value)
    return connection.execute(statement).one_or_none()
