"""Circuit breakers of providers and social accounts, shared by all workers.

No row: never failed.
"""

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, or_, select, update

from notifier.domain.providers.breaker import Breaker, LastError, ProviderState
from notifier.domain.values import Channel, Reason
from notifier.storage import tables as t
from notifier.storage.database.dialect import insert
from notifier.storage.database.types import AnyRow

_P = t.provider_state.c


def of_channel(connection: Connection, channel: Channel) -> dict[str, Breaker]:
    """Return the breakers of a channel's providers, by name."""
    rows = connection.execute(_of_channel(), {"of": channel.value})
    return {row.name: _breaker(row) for row in rows}


@cache
def _of_channel() -> Select[Any]:
    return select(t.provider_state).where(_P.channel == bindparam("of"))


def everybody(connection: Connection) -> dict[tuple[Channel, str], Breaker]:
    """Return all breakers, by channel and name."""
    rows = connection.execute(select(t.provider_state))
    return {(Channel(row.channel), row.name): _breaker(row) for row in rows}


def held(connection: Connection, channel: Channel, name: str) -> Breaker:
    """Return one provider's breaker, locked for this transaction."""
    row = connection.execute(_one(channel, name).with_for_update()).one_or_none()
    return Breaker() if row is None else _breaker(row)


def all_open(connection: Connection, channel: Channel, names: Collection[str]) -> bool:
    """Whether all of these breakers are open; none can close during this transaction.

    Whoever closes one therefore sees the batches returned to wait for it, and none is left waiting.
    """
    statement = select(_P.state).where(_P.channel == channel.value, _P.name.in_(names)).with_for_update(read=True)
    states = list(connection.execute(statement).scalars())
    return len(states) == len(names) and ProviderState.OK.value not in states


def save(connection: Connection, channel: Channel, name: str, breaker: Breaker) -> None:
    """Store a breaker."""
    values = _values(breaker)
    statement = insert(connection, t.provider_state).values(channel=channel.value, name=name, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["channel", "name"], set_=values))


def take_slot(
    connection: Connection, channel: Channel, name: str, *, batch_id: int | None, now: datetime, until: datetime
) -> bool:
    """Reserve the probe until `until`: for the chosen batch, or for any if the probe is due."""
    due: ColumnElement[bool] = or_(_P.next_probe_at.is_(None), _P.next_probe_at <= now)
    mine = due if batch_id is None else or_(_P.probe == batch_id, due)
    this = and_(_P.channel == channel.value, _P.name == name, _P.state != ProviderState.OK.value)
    statement = update(t.provider_state).where(this, mine).values(next_probe_at=until, probe=None)
    return connection.execute(statement).rowcount == 1


def next_probe(connection: Connection, channel: Channel, name: str, at: datetime, *, probe: int | None = None) -> None:
    """Schedule the next probe and choose its batch."""
    this = and_(_P.channel == channel.value, _P.name == name, _P.state != ProviderState.OK.value)
    connection.execute(update(t.provider_state).where(this).values(next_probe_at=at, probe=probe))


def hurry(connection: Connection, channel: Channel, name: str, now: datetime) -> None:
    """Make the next probe due now, unless the provider's Retry-After is later."""
    this = and_(_P.channel == channel.value, _P.name == name, _P.state != ProviderState.OK.value)
    free = or_(_P.asked_until.is_(None), _P.asked_until <= now)
    connection.execute(update(t.provider_state).where(this, free).values(next_probe_at=now))


def note_reminder(connection: Connection, channel: Channel, name: str, now: datetime) -> bool:
    """Note that the team is reminded of a failure; False if it was, or if the provider works again."""
    this = and_(_P.channel == channel.value, _P.name == name, _P.state != ProviderState.OK.value)
    not_yet = or_(_P.reminded_at.is_(None), _P.reminded_at < _P.since)
    return connection.execute(update(t.provider_state).where(this, not_yet).values(reminded_at=now)).rowcount == 1


def _one(channel: Channel, name: str) -> Select[Any]:
    return select(t.provider_state).where(_P.channel == channel.value, _P.name == name)


def _breaker(row: AnyRow) -> Breaker:
    last = None
    if row.error_at is not None:
        reason, detail = Reason(row.error_reason), row.error_detail or ""
        last = LastError(reason=reason, status=row.error_status, detail=detail, at=row.error_at)
    return Breaker(
        state=ProviderState(row.state),
        since=row.since,
        failures=row.failures,
        next_probe_at=row.next_probe_at,
        probe=row.probe,
        asked_until=row.asked_until,
        last_error=last,
    )


def _values(breaker: Breaker) -> dict[str, Any]:
    last = breaker.last_error
    return {
        "state": breaker.state.value,
        "since": breaker.since,
        "failures": breaker.failures,
        "next_probe_at": breaker.next_probe_at,
        "probe": breaker.probe,
        "asked_until": breaker.asked_until,
        "error_reason": last.reason.value if last else None,
        "error_status": last.status if last else None,
        "error_detail": last.detail if last else None,
        "error_at": last.at if last else None,
    }
