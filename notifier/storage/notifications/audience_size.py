"""The size of an audience by preferences, for the blast guard."""

from sqlalchemy import Connection, func, select

from notifier.domain.recipients.audience import Preferences
from notifier.domain.values import Channel
from notifier.storage import tables as t
from notifier.storage.recipients import preferences

_FOLLOWED = Preferences(channels=frozenset({Channel.SOCIAL}))  # accounts have no preferences of their own


def listeners(connection: Connection, channel: Channel) -> list[tuple[Preferences, int]]:
    """Return the distinct preferences of a channel's recipients, and how many share each."""
    if channel is Channel.SOCIAL:
        accounts = select(func.count()).select_from(t.account).where(t.account.c.active)
        return [(_FOLLOWED, connection.execute(accounts).scalar_one())]
    s, e, p = t.subscriber.c, t.endpoint.c, t.preference.c
    if channel is Channel.EMAIL:
        counted = (
            select(s.preference_id, func.count(s.address_key).label("number"))
            .where(s.state == "active")
            .group_by(s.preference_id)
        )
    else:
        counted = (
            select(e.preference_id, func.count().label("number")).where(e.state == "active").group_by(e.preference_id)
        )
    each = counted.subquery()
    rows = connection.execute(select(p.canonical, each.c.number).join(each, each.c.preference_id == p.id))
    return [(preferences.parse(row.canonical), row.number) for row in rows]
