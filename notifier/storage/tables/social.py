"""Tables of social accounts: accounts, encrypted sessions, posts."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, UniqueConstraint

from notifier.storage.database.metadata import RowId, metadata
from notifier.storage.database.types import Instant, Json

account = Table(
    "account",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("platform", String(16), nullable=False),
    Column("locale", String(16), nullable=False),
    Column("active", Boolean, nullable=False),
)

account_session = Table(
    "account_session",
    metadata,
    Column("account", String(100), primary_key=True),
    Column("sealed", Text, nullable=False),  # encrypted session of the provider's client
    Column("updated_at", Instant, nullable=False),
)

post = Table(
    "post",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("notification_id", BigInteger, nullable=False),
    Column("recipient_key", BigInteger, nullable=False),
    Column("part", Integer, nullable=False),  # a bilingual text too long for one post is a thread of several
    Column("incident_id", String(200), nullable=False),
    Column("account", String(100), nullable=False),
    Column("platform", String(16), nullable=False),
    Column("locale", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("provider_id", String(200), nullable=False),  # empty: it exists, but the platform does not show where
    Column("url", Text),
    Column("extra", Json, nullable=False),
    Column("cost", BigInteger, nullable=False),  # millionths of a US dollar
    Column("state", String(16), nullable=False),  # intended, published, withdrawn
    Column("published_at", Instant, nullable=False),
    Column("changed_at", Instant),  # edited or withdrawn
    UniqueConstraint("notification_id", "recipient_key", "part", name="uq_post_notification_id"),
    Index("ix_post_incident_id_recipient_key", "incident_id", "recipient_key"),
    sqlite_autoincrement=True,
)
