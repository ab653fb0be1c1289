"""Partners' webhook endpoints."""

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    String,
    Table,
    Text,
    text,
)

from notifier.storage.database.metadata import RowId, metadata
from notifier.storage.database.types import Instant, Json

endpoint = Table(
    "endpoint",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("public_id", String(40), nullable=False, unique=True),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("subscriber", String(200)),
    Column("owner_email", String(254)),
    Column("preference_id", BigInteger, nullable=False),
    Column("types", Json, nullable=False),  # empty: all
    Column("format", String(16), nullable=False),
    Column("mode", String(8), nullable=False),  # every, latest
    Column("headers", Json, nullable=False),
    Column("secrets", Json, nullable=False),  # [{"sealed": ..., "until": iso|null}], newest first, encrypted
    Column("state", String(16), nullable=False),  # pending, active, disabled
    Column("state_reason", Text, nullable=False),
    Column("failing_since", Instant),
    Column("last_failure_at", Instant),
    Column("failed_attempts", Integer, nullable=False, server_default=text("0")),
    Column("last_success_at", Instant),
    Column("warned_at", Instant),
    Column("disabled_at", Instant),
    Column("probe_at", Instant),  # if disabled for failing: when it is probed next
    Column("probes", Integer, nullable=False, server_default=text("0")),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    sqlite_autoincrement=True,
)
