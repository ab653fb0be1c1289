"""Subscribers, their preferences, and suppressed addresses."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from notifier.storage.database.metadata import RowId, metadata
from notifier.storage.database.types import Instant, Json

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
    Column("address_key", BigInteger),  # `ids.address_key` of the e-mail; null without one
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
    Column("expires_at", Instant),  # when an unconfirmed sign-up is deleted
    Index("ix_subscriber_address_key", "address_key"),
    # A covering index for planning's query on quiet hours: an audience without any costs nothing.
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

erasure = Table(  # keyed hashes (`ids.address_key`) of the address and name of erased subscribers
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

limited_message = Table(  # what was sent to addresses with an hourly limit
    "limited_message",
    metadata,
    Column("address_key", BigInteger, primary_key=True, autoincrement=False),
    Column("notification_id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("closes", Boolean, nullable=False),
)
