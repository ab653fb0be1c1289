"""Notifications, their audiences, deliveries and attempts."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from notifier.storage.database.metadata import RowId, metadata
from notifier.storage.database.types import Instant, Json

notification = Table(
    "notification",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("public_id", String(40), nullable=False, unique=True),
    Column("incident_id", String(200), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("urgency", String(32), nullable=False),
    Column("content", Json, nullable=False),
    Column("update_ids", Json, nullable=False),
    Column("follows", Json),  # {"id", "locales"}: a late translation, for that one's recipients with these locales
    Column("lane", String(16), nullable=False),
    Column("state", String(16), nullable=False),  # planning, planned; held, canceled, superseded by its release
    Column("created_at", Instant, nullable=False),
    Column("planned_at", Instant),
    UniqueConstraint("incident_id", "channel", "sequence"),
    Index(
        "ix_notification_unplanned",
        "created_at",
        sqlite_where=text("state = 'planning'"),
        postgresql_where=text("state = 'planning'"),
    ),
    sqlite_autoincrement=True,
)

verdict = Table(
    "verdict",
    metadata,
    Column("notification_id", BigInteger, primary_key=True, autoincrement=False),
    Column("preference_id", BigInteger, primary_key=True, autoincrement=False),
    Column("standing", String(8), primary_key=True),
    sqlite_with_rowid=False,
)

plan_range = Table(
    "plan_range",
    metadata,
    Column("notification_id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("key_from", BigInteger, nullable=False),
    Column("key_to", BigInteger, nullable=False),  # inclusive
    Column("state", String(16), nullable=False),  # open, planning, done
    Column("lease_until", Instant),
)

batch = Table(
    "batch",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("notification_id", BigInteger, nullable=False, index=True),
    Column("channel", String(16), nullable=False),
    Column("lane", String(16), nullable=False),
    Column("locale", String(16), nullable=False),
    Column("since", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(32)),
    Column("settle", Boolean, nullable=False),  # some recipient's previous message was in flight at planning
    Column("due_at", Instant),
    Column("nudged_at", Instant),
    Column("lease_until", Instant),
    Column("lease_owner", String(64)),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("provider", String(128)),
    Column("provider_message_id", String(200)),
    Column("finished_at", Instant),
    Index(
        "ix_batch_open",
        "due_at",
        sqlite_where=text("state IN ('queued', 'sending')"),
        postgresql_where=text("state IN ('queued', 'sending')"),
    ),
)

delivery = Table(
    "delivery",
    metadata,
    Column("notification_id", BigInteger, primary_key=True, autoincrement=False),
    Column("recipient_key", BigInteger, primary_key=True, autoincrement=False),
    Column("recipient_id", BigInteger, nullable=False),
    Column("batch_id", BigInteger, nullable=False, index=True),
    Column("since", Integer, nullable=False),
    Column("state", String(16)),  # null: as the batch
    Column("reason", String(32)),
    Column("attempts", Integer),
    Column("replays", Integer),  # how often it was replayed
    Column("due_at", Instant),
    Column("provider_id", Text),
    Column("updated_at", Instant),
    Index(
        "ix_delivery_due_at",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("batch_id", BigInteger, nullable=False, index=True),
    Column("notification_id", BigInteger, nullable=False),
    Column("recipient_key", BigInteger),  # null: the whole batch
    Column("number", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("outcome", String(16), nullable=False),  # accepted, retry, failed, unknown
    Column("reason", String(32)),
    Column("status", Integer),
    Column("detail", Text, nullable=False),
    Column("answer", Text),  # the beginning of a webhook endpoint's response
    Column("provider", String(128), nullable=False),
    Index("ix_attempt_notification_id_recipient_key", "notification_id", "recipient_key"),
)
