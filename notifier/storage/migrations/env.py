"""Runs migrations on the connection from `storage/schema/migrate.py`; there is no alembic.ini."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON

from notifier.storage.database.types import Instant
from notifier.storage.tables import metadata

_JSON = "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')"


def _render(kind: str, item: object, autogen_context: AutogenContext) -> str | Literal[False]:
    """Render our types as the database's: migrations must not follow changes of our code."""
    if kind != "type":
        return False
    if isinstance(item, Instant):
        return "sa.BigInteger()"
    if isinstance(item, JSON):
        autogen_context.imports.add("from sqlalchemy.dialects import postgresql")
        return _JSON
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=_render,
    compare_type=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
