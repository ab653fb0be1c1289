"""Who a channel could reach, counted by what they chose, where and in which language: numbers and no names."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, func, literal, or_, select

from notifier.domain.recipients.audience import Preferences
from notifier.domain.recipients.reach import Group
from notifier.domain.recipients.subscriber import QuietHours
from notifier.domain.values import Channel
from notifier.storage import tables as t
from notifier.storage.database.types import AnyRow
from notifier.storage.recipients import preferences

_s, _p = t.subscriber.c, t.preference.c


def groups(connection: Connection, channel: Channel) -> Sequence[Group]:
    """Return a channel's recipients in groups that are alike."""
    read = {Channel.EMAIL: _mailboxes, Channel.WEBHOOK: _endpoints, Channel.SOCIAL: _accounts}
    return read[channel](connection)


def _mailboxes(connection: Connection) -> list[Group]:
    suppressed = or_(_s.state == "suppressed", _is_suppressed())
    alike = (_s.preference_id, _s.locale, _s.timezone, _s.quiet_from, _s.quiet_to, suppressed)
    counted = (
        select(*alike[:-1], suppressed.label("suppressed"), func.count(_s.address_key).label("size"))
        .where(_s.state.in_(("active", "suppressed")), _s.address_key.is_not(None))
        .group_by(*alike)
        .subquery()
    )
    rows = connection.execute(select(_p.canonical, counted).join(counted, counted.c.preference_id == _p.id))
    return [_mailbox_group(row) for row in rows]


def _is_suppressed() -> ColumnElement[bool]:
    x = t.suppression.c
    return (
        select(literal(1))
        .where(and_(x.address_key == _s.address_key, x.channel == Channel.EMAIL.value))
        .correlate(t.subscriber)
        .exists()
    )


def _mailbox_group(row: AnyRow) -> Group:
    quiet = None if row.quiet_from is None else QuietHours(start=row.quiet_from, end=row.quiet_to)
    return Group(
        preferences=preferences.parse(row.canonical),
        size=row.size,
        locale=row.locale,
        timezone=row.timezone,
        quiet_hours=quiet,
        is_suppressed=bool(row.suppressed),
    )


def _endpoints(connection: Connection) -> list[Group]:
    e = t.endpoint.c
    disabled = e.state == "disabled"
    counted = (
        select(e.preference_id, disabled.label("suppressed"), func.count().label("size"))
        .where(e.state.in_(("active", "disabled")))
        .group_by(e.preference_id, disabled)
        .subquery()
    )
    rows = connection.execute(select(_p.canonical, counted).join(counted, counted.c.preference_id == _p.id))
    return [
        Group(preferences=preferences.parse(row.canonical), size=row.size, is_suppressed=bool(row.suppressed))
        for row in rows
    ]


def _accounts(connection: Connection) -> list[Group]:
    """Accounts have no preferences of their own: their followers see everything."""
    a = t.account.c
    counted = select(a.locale, func.count().label("size")).where(a.active).group_by(a.locale)
    everything = Preferences(channels=frozenset({Channel.SOCIAL}))
    return [Group(preferences=everything, size=row.size, locale=row.locale) for row in connection.execute(counted)]
