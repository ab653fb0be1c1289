"""Add what guarded publishing, recovery within seconds, and accountability need.

Every new column is nullable or has a default, so the version before can write beside it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change; code of the version before must be able to run beside it."""
    _events_have_authors()
    _updates_can_be_hidden()
    _workers_have_heartbeats()
    _faults_are_counted()
    _sessions_are_kept()
    _providers_have_a_state()
    _updates_promise_the_next()
    _edits_can_wait()
    _erasures_last()
    _keys_expire()


def _events_have_authors() -> None:
    op.add_column("event", sa.Column("author", sa.String(length=200), nullable=True))
    op.add_column("event", sa.Column("origin", sa.String(length=200), nullable=True))
    op.add_column("event", sa.Column("digest", sa.String(length=64), nullable=True))
    op.add_column("incident_update", sa.Column("author", sa.String(length=200), nullable=True))


def _updates_can_be_hidden() -> None:
    for name, default in (("notify", sa.true()), ("visible", sa.true()), ("held", sa.false())):
        op.add_column("incident_update", sa.Column(name, sa.Boolean(), nullable=False, server_default=default))
    op.add_column("incident_update", sa.Column("created_at", sa.BigInteger(), nullable=True))
    # What was handed in with `notify: false` was on no public page so far; nobody asked for it to appear there now.
    op.execute(sa.text("UPDATE incident_update SET notify = false, visible = false WHERE outcome = 'recorded'"))


def _updates_promise_the_next() -> None:
    op.add_column("incident_update", sa.Column("next_update_at", sa.BigInteger(), nullable=True))


def _edits_can_wait() -> None:
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.add_column("incident_update", sa.Column("pending_edit", json, nullable=True))


def _keys_expire() -> None:
    op.add_column("api_key", sa.Column("expires_at", sa.BigInteger(), nullable=True))
    op.add_column("api_key", sa.Column("last_used_at", sa.BigInteger(), nullable=True))


def _workers_have_heartbeats() -> None:
    op.create_table(
        "worker_process",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("beats", sa.BigInteger(), nullable=False),
        sa.Column("heartbeat_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker_process")),
    )
    op.add_column("letter", sa.Column("lease_owner", sa.String(length=64), nullable=True))


def _faults_are_counted() -> None:
    op.create_table(
        "dead_letter",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("object_id", sa.String(length=200), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("kind", "object_id", name=op.f("pk_dead_letter")),
    )


def _sessions_are_kept() -> None:
    op.create_table(
        "console_session",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_console_session")),
    )
    op.create_index(op.f("ix_console_session_expires_at"), "console_session", ["expires_at"])


def _providers_have_a_state() -> None:
    op.create_table(
        "provider_state",
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_probe_at", sa.BigInteger(), nullable=True),
        sa.Column("probe", sa.BigInteger(), nullable=True),
        sa.Column("asked_until", sa.BigInteger(), nullable=True),
        sa.Column("error_reason", sa.String(length=32), nullable=True),
        sa.Column("error_status", sa.Integer(), nullable=True),
        sa.Column("error_detail", sa.Text(), nullable=True),
        sa.Column("error_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("channel", "name", name=op.f("pk_provider_state")),
    )


def _erasures_last() -> None:
    op.create_table(
        "erasure",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_erasure")),
    )
