"""Tables of proposals: signals and alerts, drafts, templates, polled pages, planned work."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text, text, true

from notifier.storage.database.metadata import metadata
from notifier.storage.database.types import Instant, Json

signal = Table(
    "signal",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("source", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("group_key", String(64), nullable=False),  # digest of the source's own name for the group
    Column("state", String(16), nullable=False),
    Column("impact", String(16), nullable=False),
    Column("components", Json, nullable=False),  # our key: its status, or null
    Column("title", Text, nullable=False),  # for operators
    Column("detail", Text, nullable=False),
    Column("link", Text),
    Column("reason", Text, nullable=False),
    Column("facts", Json, nullable=False),
    Column("changes", Integer, nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False, index=True),
    Column("ended_at", Instant),
    Column("draft_id", String(40), index=True),
    Column("incident_id", String(200), index=True),
    Index("ix_signal_group", "source", "group_key"),
    Index("ix_signal_state", "state", "first_seen_at"),
)

# The alerts of a signal: they connect it with later groups that have another key.
signal_alert = Table(
    "signal_alert",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),  # digest of the alert's identity and start
    Column("signal_id", String(40), nullable=False, index=True),
    Column("group_key", String(64), nullable=False),  # of the last report that named it
    Column("firing", Boolean, nullable=False),
    Column("impact", String(16), nullable=False),
    Column("components", Json, nullable=False),
    Column("started_at", Instant),
    Column("last_seen_at", Instant, nullable=False),
)

draft = Table(
    "draft",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("incident_id", String(200), nullable=False, index=True),
    Column("incident", Json, nullable=False),
    Column("update", Json, nullable=False),
    Column("notify", Boolean, nullable=False, server_default=true()),
    Column("visible", Boolean, nullable=False, server_default=true()),
    Column("after", String(200)),
    Column("event_id", String(200), nullable=False),
    Column("source", String(100)),
    Column("signal_id", String(40), index=True),
    Column("template_id", String(100)),
    Column("reason", Text, nullable=False),
    Column("author", String(200), nullable=False),
    Column("edited_by", String(200)),
    Column("receipt", Json),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("reminded_at", Instant),
    Column("closed_at", Instant, index=True),
    Index("ix_draft_state", "state", "created_at", "id"),
)

template = Table(
    "template",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("content", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

# Polled status pages: who polls them, when next, and the validators of conditional requests.
polled_page = Table(
    "polled_page",
    metadata,
    Column("name", String(100), primary_key=True),  # `upstream:NAME` or `source:NAME`
    Column("lease_owner", String(64)),
    Column("next_poll_at", Instant, nullable=False),  # during a lease: when it ends
    Column("failures", Integer, nullable=False, server_default=text("0")),  # in a row
    Column("last_ok_at", Instant),
    Column("last_error", Text),
    Column("error_at", Instant),  # since when it cannot be read
    Column("cursor", Json, nullable=False),  # validators (ETag, Last-Modified) and digests of what was seen before
)

# Automation of planned work: one row per incident with steps left.
planned_work = Table(
    "planned_work",
    metadata,
    Column("incident_id", String(200), primary_key=True),
    Column("next_at", Instant),  # null: nothing left to do
    Column("done", Json, nullable=False),  # keys of the steps done: for which window, and what
    Column("version", Integer, nullable=False),  # counts the changes of its incident
    Index("ix_planned_work_next_at", "next_at", postgresql_where=text("next_at IS NOT NULL")),
)
