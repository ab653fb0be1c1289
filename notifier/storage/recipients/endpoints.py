"""Webhook endpoints. Secrets and header values are stored encrypted; storage has no key."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from notifier.domain.recipients.endpoint import Endpoint, EndpointMode, EndpointState, StoredEndpoint
from notifier.domain.values import WebhookFormat, WebhookType
from notifier.storage import tables as t
from notifier.storage.database.types import AnyRow
from notifier.storage.recipients import preferences

_COLUMNS = t.endpoint.c
_SELECT = select(t.endpoint, t.preference.c.canonical).join(t.preference, t.preference.c.id == _COLUMNS.preference_id)


def to_row(connection: Connection, endpoint: Endpoint) -> dict[str, Any]:
    """Return the columns that the partner sets; stores the set of filters if it is new."""
    return {
        "url": endpoint.url,
        "description": endpoint.description,
        "subscriber": endpoint.subscriber,
        "owner_email": endpoint.owner_email,
        "preference_id": preferences.ensure(connection, endpoint.preferences),
        "types": sorted(kind.value for kind in endpoint.types),
        "format": endpoint.format.value,
        "mode": endpoint.mode.value,
        "headers": dict(endpoint.headers),
        "state": endpoint.state.value,
    }


def from_row(row: AnyRow) -> StoredEndpoint:
    """Convert a row of `endpoint` joined with `canonical` of its preference set."""
    chosen = preferences.parse(row.canonical)
    return StoredEndpoint(
        id=row.id,
        public_id=row.public_id,
        endpoint=Endpoint(
            url=row.url,
            description=row.description,
            subscriber=row.subscriber,
            owner_email=row.owner_email,
            components=chosen.components,
            min_impact=chosen.min_impact,
            updates=chosen.updates,
            types=frozenset(map(WebhookType, row.types)),
            format=WebhookFormat(row.format),
            mode=EndpointMode(row.mode),
            headers=row.headers,
            state=EndpointState(row.state),
        ),
        secrets=tuple(row.secrets),
        state_reason=row.state_reason,
        failing_since=row.failing_since,
        last_success_at=row.last_success_at,
        disabled_at=row.disabled_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def add(
    connection: Connection,
    endpoint: Endpoint,
    *,
    public_id: str,
    secrets: Sequence[Mapping[str, str | None]],
    now: datetime,
) -> None:
    """Store a new endpoint."""
    further = {
        "public_id": public_id,
        "secrets": [dict(item) for item in secrets],
        "state_reason": "",
        "created_at": now,
        "updated_at": now,
    }
    connection.execute(insert(t.endpoint).values(to_row(connection, endpoint) | further))


def get(connection: Connection, public_id: str, *, lock: bool = False) -> StoredEndpoint | None:
    """Return the endpoint with this public id; `lock` locks its row for this transaction."""
    statement = _SELECT.where(_COLUMNS.public_id == public_id)
    if lock:
        statement = statement.with_for_update(of=t.endpoint)
    row = connection.execute(statement).one_or_none()
    return None if row is None else from_row(row)


def page(connection: Connection, *, after: int, limit: int, state: EndpointState | None = None) -> list[StoredEndpoint]:
    """Return endpoints by ascending internal id, starting after `after`."""
    statement = _SELECT.where(_COLUMNS.id > after).order_by(_COLUMNS.id).limit(limit)
    if state is not None:
        statement = statement.where(_COLUMNS.state == state.value)
    return [from_row(row) for row in connection.execute(statement)]


def change(connection: Connection, endpoint_id: int, values: dict[str, Any], now: datetime) -> None:
    """Update columns of one endpoint."""
    statement = update(t.endpoint).where(_COLUMNS.id == endpoint_id).values(values | {"updated_at": now})
    connection.execute(statement)


def remove(connection: Connection, endpoint_id: int) -> None:
    """Delete an endpoint."""
    connection.execute(delete(t.endpoint).where(_COLUMNS.id == endpoint_id))
