"""Submitted events, incidents with their updates, and what each channel announced."""

from sqlalchemy import Boolean, Column, Float, Index, Integer, String, Table, Text, false, func, text, true

from notifier.storage.database.metadata import metadata
from notifier.storage.database.types import Instant, Json

incident = Table(
    "incident",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("title", Json, nullable=False),
    Column("impact", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("components", Json, nullable=False),
    Column("started_at", Instant),
    Column("scheduled_for", Instant),
    Column("scheduled_until", Instant),
    Column("links", Json, nullable=False),
    Column("latest_update_id", String(200)),
    Column("latest_posted_at", Instant),  # `ordered_at` of that update
    Column("updates", Integer, nullable=False, server_default=text("0")),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Index("ix_incident_created_at", "created_at", "id"),
)

incident_update = Table(
    "incident_update",
    metadata,
    Column("incident_id", String(200), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("number", Integer, nullable=False),  # order of arrival within the incident
    Column("status", String(16), nullable=False),
    Column("body", Json, nullable=False),
    Column("incident", Json, nullable=False),  # the incident as this update's event described it
    Column("posted_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("digest", String(64), nullable=False),  # of the content, without ids and times
    Column("outcome", String(16), nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("guarded", Boolean, nullable=False, server_default=false()),  # waits for an operator, if so configured
    Column("revision", Integer, nullable=False, server_default=text("1")),
    Column("author", String(200)),  # of the current text; null if an older version wrote it
    Column("notify", Boolean, nullable=False, server_default=true()),
    Column("visible", Boolean, nullable=False, server_default=true()),
    Column("held", Boolean, nullable=False, server_default=false()),  # not shown until an operator releases it
    Column("created_at", Instant),  # at its source, if known: the timeline is then ordered by it, not by `posted_at`
    Column("next_update_at", Instant),  # promised by its author
    Column("reminder", Boolean, nullable=False, server_default=false()),  # announces planned work once more
    Column("pending_edit", Json),  # another content, held until released: `pending_edits.py`
)

ordered_at = func.coalesce(incident_update.c.created_at, incident_update.c.posted_at)  # as `Update.ordered_at`

event = Table(
    "event",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("incident_id", String(200), nullable=False),
    Column("update_id", String(200), nullable=False),
    Column("source", String(100), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("received_at", Instant, nullable=False, index=True),
    Column("author", String(200)),  # as an audit entry's actor; null if ingested by an older version
    Column("origin", String(200)),  # network address, host of the command line, or source
    Column("digest", String(64)),  # `domain.timeline.event_digest`: distinguishes a repeat from a reused id
)

channel_state = Table(
    "channel_state",
    metadata,
    Column("incident_id", String(200), primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("round", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("opened", Boolean, nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("last_sent_at", Instant),
    Column("window", Float, nullable=False),
    Column("status", String(16)),  # these three: as last announced
    Column("impact", String(16), nullable=False),
    Column("components", Json, nullable=False),
    Column("announced_until", Instant),  # `ordered_at` of the newest update announced or absorbed
    Column("due_at", Instant),
    Column("due_reason", String(32)),
    Index("ix_channel_state_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
)

announcement = Table(
    "announcement",
    metadata,
    Column("incident_id", String(200), primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("update_id", String(200), primary_key=True),
    Column("round", Integer, nullable=False),
    Column("sequence", Integer),  # null: not announced (absorbed, or stale)
    Column("reason", String(100), nullable=False),
)
