"""Templates that operators store; those of `notifier.toml` are not in the database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from notifier.domain.proposals.template import Template
from notifier.domain.values import Impact, Status
from notifier.storage import tables as t
from notifier.storage.database.types import AnyRow

_COLUMNS = t.template.c


def add(connection: Connection, template: Template, now: datetime) -> None:
    """Store a new template."""
    values = {"id": template.id, "name": template.name, "content": _content(template)}
    connection.execute(insert(t.template).values(**values, created_at=now, updated_at=now))


def find(connection: Connection, template_id: str) -> Template | None:
    """Return a template."""
    row = connection.execute(select(t.template).where(_COLUMNS.id == template_id)).one_or_none()
    return None if row is None else _read(row)


def listed(connection: Connection) -> Sequence[Template]:
    """Return all templates, by name."""
    return [_read(row) for row in connection.execute(select(t.template).order_by(_COLUMNS.name, _COLUMNS.id))]


def save(connection: Connection, template: Template, now: datetime) -> bool:
    """Replace a template; False if there is none."""
    values = {"name": template.name, "content": _content(template), "updated_at": now}
    return connection.execute(update(t.template).where(_COLUMNS.id == template.id).values(values)).rowcount == 1


def remove(connection: Connection, template_id: str) -> bool:
    """Delete a template; False if there is none."""
    return connection.execute(delete(t.template).where(_COLUMNS.id == template_id)).rowcount == 1


def _content(template: Template) -> dict[str, Any]:
    return {
        "title": dict(template.title),
        "body": dict(template.body),
        "status": template.status.value,
        "impact": template.impact.value if template.impact is not None else None,
        "components": list(template.components),
    }


def _read(row: AnyRow) -> Template:
    content = row.content
    return Template(
        id=row.id,
        name=row.name,
        title=content["title"],
        body=content["body"],
        status=Status(content["status"]),
        impact=Impact(content["impact"]) if content["impact"] is not None else None,
        components=tuple(content["components"]),
        updated_at=row.updated_at,
    )
