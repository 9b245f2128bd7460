"""Reports and the decisions about them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from shared.migrations.mailbox import create_version_1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    create_version_1()
    op.create_table(
        "reports",
        sa.Column("report_id", sa.Uuid(), primary_key=True),
        sa.Column("snapshot", JSONB(), nullable=False),
        sa.Column("hop", sa.Integer(), nullable=False),
        sa.Column("returns", JSONB(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=False),
    )
    op.create_index("reports_in_triage", "reports", ["report_id"], postgresql_where=sa.text("state = 'triage'"))
    op.create_table(
        "decisions",
        sa.Column("report_id", sa.Uuid(), primary_key=True),
        sa.Column("hop", sa.Integer(), primary_key=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("province_version", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        comment="append-only",
    )
