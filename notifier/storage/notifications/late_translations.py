"""Late translations: what still waits for one, and who was notified without it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update

from notifier.domain.incidents.notice import Notice
from notifier.domain.recipients.audience import REACHED
from notifier.domain.values import Channel, DeliveryState, Reason
from notifier.storage import tables as t
from notifier.storage.database.codec import notice_to_json
from notifier.storage.notifications.notifications import Follows


def locales_of(connection: Connection, notification_id: int) -> list[str]:
    """Return the locales of a notification's recipients, as far as it is planned."""
    b = t.batch.c
    statement = select(b.locale).distinct().where(b.notification_id == notification_id)
    return list(connection.execute(statement).scalars())


def may_be_out(connection: Connection, notification_id: int, locales: Sequence[str]) -> bool:
    """Whether an unfinished attempt may have published a text: a retry must send the same text."""
    b = t.batch.c
    unknown = and_(b.state == DeliveryState.QUEUED.value, b.reason == Reason.OUTCOME_UNKNOWN.value)
    statement = (
        select(b.id)
        .where(b.notification_id == notification_id, b.locale.in_(locales))
        .where(or_(b.state == DeliveryState.SENDING.value, unknown))
        .limit(1)
    )
    return connection.execute(statement).one_or_none() is not None


def complete(connection: Connection, notification_id: int, notice: Notice) -> None:
    """Replace a notice by one with more languages."""
    n = t.notification.c
    connection.execute(update(t.notification).where(n.id == notification_id).values(content=notice_to_json(notice)))


def release(connection: Connection, notification_id: int, locales: Sequence[str], now: datetime) -> int:
    """Make due what waited for these languages; returns the number of batches."""
    b = t.batch.c
    statement = (
        update(t.batch)
        .where(b.notification_id == notification_id, b.locale.in_(locales))
        .where(b.state == DeliveryState.QUEUED.value, b.reason == Reason.TRANSLATION.value)
        .values(due_at=now, nudged_at=None)
    )
    return connection.execute(statement).rowcount


def next_sequence(connection: Connection, incident_id: str, channel: Channel) -> int:
    """Allocate the channel's next sequence."""
    s = t.channel_state.c
    statement = (
        update(t.channel_state)
        .where(s.incident_id == incident_id, s.channel == channel.value)
        .values(sequence=s.sequence + 1)
        .returning(s.sequence)
    )
    return int(connection.execute(statement).scalar_one())


def reached_anyone(connection: Connection, notification_id: int, locales: Sequence[str]) -> bool:
    """Whether a notification reached, or is being sent to, a recipient of these locales."""
    b, d = t.batch.c, t.delivery.c
    statement = (
        select(d.recipient_key)
        .join(t.batch, b.id == d.batch_id)
        .where(d.notification_id == notification_id, b.locale.in_(locales))
        .where(func.coalesce(d.state, b.state).in_(REACHED))
        .limit(1)
    )
    return connection.execute(statement).one_or_none() is not None


@dataclass(frozen=True, slots=True)
class Followers:
    """The audience of a late translation, as planning selects it (`planning.ranges.plan_range`)."""

    follows: Follows

    @property
    def audience(self) -> str:
        """SQL: the recipients the original reached, with what they received before it."""
        parameters = ", ".join(f":locale_{index}" for index in range(len(self.follows.locales)))
        states = ", ".join(f"'{state}'" for state in REACHED)
        return f"""
            SELECT d.recipient_key, d.recipient_id, b.locale AS variant, b.locale, d.since, 1 AS place
            FROM delivery d JOIN batch b ON b.id = d.batch_id
            WHERE d.notification_id = :follows AND b.locale IN ({parameters})
              AND COALESCE(d.state, b.state) IN ({states}) AND d.recipient_key BETWEEN :key_from AND :key_to
              AND NOT EXISTS (SELECT 1 FROM opt_out o
                              WHERE o.incident_id = :incident_id AND o.address_key = d.recipient_key)
        """  # noqa: S608 - names of parameters and our own constants

    @property
    def values(self) -> Mapping[str, Any]:
        """Parameters of the SQL."""
        named = {f"locale_{index}": locale for index, locale in enumerate(self.follows.locales)}
        return {"follows": self.follows.id, **named}
