"""Tables of operations: sessions, keys, audit, metrics, workers, provider states, retention."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from notifier.storage.database.metadata import RowId, metadata
from notifier.storage.database.types import Instant, Json

# Signed-in console users, by the digest of the cookie's random id.
console_session = Table(
    "console_session",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),  # admin, key
    Column("holder", String(64), nullable=False),  # a key's id; for the admin token, a fingerprint that changes with it
    Column("created_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

# A counter has no owner and only grows; a gauge is its process's last value.
metric = Table(
    "metric",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("labels", String(400), primary_key=True),  # JSON, sorted keys
    Column("owner", String(100), primary_key=True),  # empty: a counter
    Column("value", Float(53), nullable=False),
    Column("updated_at", Instant, nullable=False),
)

# Counts only, no recipients.
pruned = Table(
    "pruned",
    metadata,
    Column("notification_id", BigInteger, primary_key=True, autoincrement=False),
    Column("locale", String(16), primary_key=True),
    Column("state", String(16), primary_key=True),
    Column("deliveries", Integer, nullable=False),
)

# Live workers increment a counter every two seconds. A worker whose counter stops is dead, and its
# leases expire.
worker_process = Table(
    "worker_process",
    metadata,
    Column("id", String(64), primary_key=True),  # as in `lease_owner`: one per start of a process
    Column("beats", BigInteger, nullable=False),
    Column("heartbeat_at", Instant, nullable=False),  # by the worker's own clock: informative, never compared
)

# Providers and accounts that ever failed. Written on changes, and for errors at most once a second
# per process.
provider_state = Table(
    "provider_state",
    metadata,
    Column("channel", String(16), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("state", String(16), nullable=False),  # ok, failing, stopped
    Column("since", Instant),
    Column("failures", Integer, nullable=False),  # in a row
    Column("next_probe_at", Instant),
    Column("probe", BigInteger),  # the batch chosen to be the next probe
    Column("asked_until", Instant),  # its own Retry-After
    Column("error_reason", String(32)),
    Column("error_status", Integer),
    Column("error_detail", Text),
    Column("error_at", Instant),
    Column("reminded_at", Instant),  # when the team was reminded of it
)

# Work that fails through a fault of ours: an incident, a plan, transactional mail, a job of the
# sweep.
dead_letter = Table(
    "dead_letter",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("object_id", String(200), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("next_try_at", Instant),  # null: given up
    Column("last_error", String(100), nullable=False),  # its class only: a message may contain addresses
)

meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("scopes", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),  # to the minute
    Column("source", String(64)),  # the only source it may report for; null: any
)

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("origin", String(100), nullable=False),
    Column("action", String(64), nullable=False),
    Column("object_kind", String(32), nullable=False),
    Column("object_id", String(200), nullable=False),
    Column("detail", Json, nullable=False),
    Index("ix_audit_entry_object", "object_kind", "object_id"),
)

alert = Table(
    "alarm",
    metadata,
    Column("key", String(100), primary_key=True),  # e.g. email:sendgrid
    Column("since", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("detail", Text, nullable=False),
)
