"""The outbox of transactional mail. For its values, see `domain/messages/transactional_mail.py`."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, text

from notifier.storage.database.metadata import RowId, metadata
from notifier.storage.database.types import Instant, Json

outbox = Table(
    "letter",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("subject_id", BigInteger, nullable=False, index=True),
    Column("address_key", BigInteger, nullable=False, index=True),
    Column("expires_at", Instant, nullable=False),
    Column("due_at", Instant),  # null: finished; also the end of a lease
    Column("lease_owner", String(64)),  # the worker sending it
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("created_at", Instant, nullable=False),
    Column("detail", Json),  # what a message to the team is about
    Index(
        "ix_letter_due_at",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
)
