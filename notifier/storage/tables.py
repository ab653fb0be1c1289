"""Every table of the ledger. What each row means: docs/decisions/0004-rows-and-batches.md.

SQLAlchemy Core, no ORM: a million deliveries never become Python objects. Hot tables (`delivery`, `batch`, `verdict`)
carry no foreign keys: their rows are written set by set inside the transaction that writes their parent.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from notifier.storage.incident_tables import (
    announcement,
    channel_state,
    event,
    incident,
    incident_update,
    ordered_at,
)
from notifier.storage.ledger import RowId, metadata
from notifier.storage.letter_table import letter
from notifier.storage.mail_tables import mail_subject, provider_event, tally
from notifier.storage.operation_tables import (
    console_session,
    dead_letter,
    metric,
    provider_state,
    pruned,
    worker_process,
)
from notifier.storage.social_tables import account, account_session, post
from notifier.storage.types import Instant, Json

# One name for every table: whoever reads or writes rows imports this module.
__all__ = [
    "account",
    "account_session",
    "announcement",
    "channel_state",
    "console_session",
    "dead_letter",
    "event",
    "incident",
    "incident_update",
    "letter",
    "mail_subject",
    "metadata",
    "metric",
    "ordered_at",
    "post",
    "provider_event",
    "provider_state",
    "pruned",
    "tally",
    "worker_process",
]

meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

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
    Column("follows", Json),  # {"id", "locales"}: tells its readers again, in their language, what that one told
    Column("lane", String(16), nullable=False),
    Column("state", String(16), nullable=False),  # planning, planned; held, canceled, superseded by what was released
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
    Column("state", String(16)),  # null: as its batch
    Column("reason", String(32)),
    Column("attempts", Integer),
    Column("replays", Integer),  # how often somebody asked to send it again
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
    Column("answer", Text),  # the beginning of what a webhook endpoint answered
    Column("provider", String(128), nullable=False),
    Index("ix_attempt_notification_id_recipient_key", "notification_id", "recipient_key"),
)

preference = Table(
    "preference",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("canonical", Text, nullable=False, unique=True),  # JSON, sorted keys: one row per distinct set
)

_BOUNDS = ("quiet_from", "quiet_to", "timezone", "max_per_hour")
_BOUND = text("quiet_from IS NOT NULL OR max_per_hour IS NOT NULL")

subscriber = Table(
    "subscriber",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("external_id", String(200), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("email", String(254)),
    Column("address_key", BigInteger),  # ids.address_key of the e-mail; null without one
    Column("name", String(200), nullable=False),
    Column("locale", String(16), nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("preference_id", BigInteger, nullable=False),
    Column("quiet_from", Integer),  # minutes after local midnight
    Column("quiet_to", Integer),
    Column("max_per_hour", Integer),
    Column("legal_basis", String(32), nullable=False),
    Column("consent", Json),  # wording version, form, times, shortened networks: proof under GDPR Art. 7(1)
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("expires_at", Instant),  # an unconfirmed sign-up is forgotten then
    Index("ix_subscriber_address_key", "address_key"),
    # Holds all that planning asks about who wants quiet, so that an audience without such people costs nothing.
    Index("ix_subscriber_bounds", "address_key", *_BOUNDS, "state", sqlite_where=_BOUND, postgresql_where=_BOUND),
    Index(
        "ix_subscriber_expires_at",
        "expires_at",
        sqlite_where=text("expires_at IS NOT NULL"),
        postgresql_where=text("expires_at IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

suppression = Table(
    "suppression",
    metadata,
    Column("address_key", BigInteger, primary_key=True, autoincrement=False),
    Column("channel", String(16), primary_key=True),
    Column("reason", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("since", Instant, nullable=False),
)

erasure = Table(  # keyed hashes (ids.address_key) of the address and the name of who was erased by the operator
    "erasure",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
)

opt_out = Table(
    "opt_out",
    metadata,
    Column("incident_id", String(200), primary_key=True),
    Column("address_key", BigInteger, primary_key=True, autoincrement=False),
    Column("since", Instant, nullable=False),
)

limited_message = Table(  # what was let go to an address with an hourly limit
    "limited_message",
    metadata,
    Column("address_key", BigInteger, primary_key=True, autoincrement=False),
    Column("notification_id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("closes", Boolean, nullable=False),
)

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
    Column("probe_at", Instant),  # disabled for failing: when it is asked again whether it works
    Column("probes", Integer, nullable=False, server_default=text("0")),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    sqlite_autoincrement=True,
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

alarm = Table(
    "alarm",
    metadata,
    Column("key", String(100), primary_key=True),  # e.g. email:sendgrid
    Column("since", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("detail", Text, nullable=False),
)
