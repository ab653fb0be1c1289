"""Tables of mail: subjects as first sent, provider events, durable counters."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from notifier.storage.database.metadata import metadata
from notifier.storage.database.types import Instant, Json

mail_subject = Table(
    "mail_subject",
    metadata,
    Column("incident_id", String(200), primary_key=True),
    Column("locale", String(16), primary_key=True),
    Column("subject", Text, nullable=False),  # as first sent: mail clients thread by it, even after the title changes
)

provider_event = Table(
    "provider_event",
    metadata,
    Column("id", String(200), primary_key=True),  # sg_event_id
    Column("kind", String(32), nullable=False),
    Column("notification_id", BigInteger),
    Column("recipient_key", BigInteger),
    Column("body", Json, nullable=False),
    Column("received_at", Instant, nullable=False, index=True),
    Index("ix_provider_event_delivery", "notification_id", "recipient_key"),
)

counter = Table(
    "tally",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("label", String(100), primary_key=True),
    Column("number", BigInteger, nullable=False),
)
