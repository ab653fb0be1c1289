"""Add signals, drafts, templates, polled pages and the automation of planned work.

Every table is new and every new column is nullable, so the version before can run beside it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make the change; code of the version before must be able to run beside it."""
    _sources_have_signals()
    _drafts()
    _pages_are_polled()
    _planned_work_runs_itself()
    op.add_column("api_key", sa.Column("source", sa.String(length=64), nullable=True))
    op.add_column("provider_state", sa.Column("reminded_at", sa.BigInteger(), nullable=True))
    op.add_column("letter", sa.Column("detail", _JSON, nullable=True))
    op.add_column("incident_update", sa.Column("reminder", sa.Boolean(), nullable=False, server_default=sa.false()))


def _sources_have_signals() -> None:
    op.create_table(
        "signal",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("group_key", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("impact", sa.String(length=16), nullable=False),
        sa.Column("components", _JSON, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("facts", _JSON, nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("draft_id", sa.String(length=40), nullable=True),
        sa.Column("incident_id", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signal")),
    )
    op.create_index("ix_signal_group", "signal", ["source", "group_key"])
    op.create_index("ix_signal_state", "signal", ["state", "first_seen_at"])
    for column in ("last_seen_at", "draft_id", "incident_id"):
        op.create_index(op.f(f"ix_signal_{column}"), "signal", [column])
    op.create_table(
        "signal_alert",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("signal_id", sa.String(length=40), nullable=False),
        sa.Column("group_key", sa.String(length=64), nullable=False),
        sa.Column("firing", sa.Boolean(), nullable=False),
        sa.Column("impact", sa.String(length=16), nullable=False),
        sa.Column("components", _JSON, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "key", name=op.f("pk_signal_alert")),
    )
    op.create_index(op.f("ix_signal_alert_signal_id"), "signal_alert", ["signal_id"])


def _drafts() -> None:
    op.create_table(
        "draft",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("incident_id", sa.String(length=200), nullable=False),
        sa.Column("incident", _JSON, nullable=False),
        sa.Column("update", _JSON, nullable=False),
        sa.Column("notify", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("visible", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("after", sa.String(length=200), nullable=True),
        sa.Column("event_id", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=True),
        sa.Column("signal_id", sa.String(length=40), nullable=True),
        sa.Column("template_id", sa.String(length=100), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("edited_by", sa.String(length=200), nullable=True),
        sa.Column("receipt", _JSON, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("reminded_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft")),
    )
    op.create_index("ix_draft_state", "draft", ["state", "created_at", "id"])
    for column in ("incident_id", "signal_id", "closed_at"):
        op.create_index(op.f(f"ix_draft_{column}"), "draft", [column])
    op.create_table(
        "template",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("content", _JSON, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template")),
    )


def _pages_are_polled() -> None:
    op.create_table(
        "polled_page",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("next_poll_at", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("last_ok_at", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("error_at", sa.BigInteger(), nullable=True),
        sa.Column("cursor", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_polled_page")),
    )


def _planned_work_runs_itself() -> None:
    op.create_table(
        "planned_work",
        sa.Column("incident_id", sa.String(length=200), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("done", _JSON, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_planned_work")),
    )
    op.create_index(
        "ix_planned_work_next_at",
        "planned_work",
        ["next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
