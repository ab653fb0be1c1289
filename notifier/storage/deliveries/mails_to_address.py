"""Mail sent or due to one address."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from notifier.domain.values import Channel
from notifier.storage import tables as t
from notifier.storage.database.types import AnyRow


def mails_to(connection: Connection, address_key: int, *, limit: int) -> Sequence[AnyRow]:
    """Return incident, notification, time and state of each mail, newest first.

    Needs one key look-up per notification.
    """
    d, b, n = t.delivery.c, t.batch.c, t.notification.c
    statement = (
        select(
            n.incident_id,
            n.public_id,
            n.created_at,
            func.coalesce(d.state, b.state).label("state"),
            func.coalesce(d.reason, b.reason).label("reason"),
        )
        .select_from(t.notification)
        .join(t.delivery, d.notification_id == n.id)
        .join(t.batch, b.id == d.batch_id)
        .where(n.channel == Channel.EMAIL.value, d.recipient_key == address_key)
        .order_by(n.id.desc())
        .limit(limit)
    )
    return connection.execute(statement).all()
