"""Reports, their reporters and timelines, and the portals they come through."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from shared.migrations.mailbox import create_version_1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
OPEN = "status IN ('received', 'routed', 'in_progress', 'waiting', 'submitted', 'resolved')"


def upgrade() -> None:
    create_version_1()
    op.create_table(
        "reports",
        sa.Column("report_id", sa.Uuid(), primary_key=True),
        sa.Column("tracking_code", sa.Text(), nullable=False, unique=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("portal", "key", "fingerprint", "external_ref", "category", "description")),
        sa.Column("location", JSONB(), nullable=False),
        sa.Column("attributes", JSONB(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_version", sa.Integer(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("due_version", sa.Integer(), nullable=False),
        sa.UniqueConstraint("portal", "key"),
    )
    op.create_index("reports_open", "reports", ["status", "version"], postgresql_where=sa.text(OPEN))
    op.create_table(
        "reporters",
        sa.Column("report_id", sa.Uuid(), sa.ForeignKey("reports.report_id", deferrable=True, initially="DEFERRED"), primary_key=True),
        sa.Column("sealed", sa.Text(), nullable=False),
    )
    op.create_table(
        "timeline",
        sa.Column("report_id", sa.Uuid(), sa.ForeignKey("reports.report_id"), primary_key=True),
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("data", JSONB(), nullable=False),
    )
    op.create_table(
        "portals",
        sa.Column("key_hash", sa.Text(), primary_key=True),
        sa.Column("code", sa.Text(), nullable=False, index=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("withdrawn_at", MOMENT),
    )
