"""Cases, their clocks and their history."""

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
        "cases",
        sa.Column("report_id", sa.Uuid(), primary_key=True),
        sa.Column("tracking_code", sa.Text(), nullable=False, unique=True),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("report", JSONB(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("hop", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.Column("last_hash", sa.Text(), nullable=False),
        sa.Column("sla_class", sa.Text(), nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("submitted_at", MOMENT),
        sa.Column("outcome", sa.Text()),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("on_time", sa.Boolean()),
        sa.Column("supporting", JSONB(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
    )
    op.create_index("cases_of_agency", "cases", ["agency", "state", "report_id"])
    op.create_index("cases_by_state", "cases", ["state", "report_id"])
    op.create_table(
        "clocks",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("report_id", sa.Uuid(), sa.ForeignKey("cases.report_id"), nullable=False, index=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("stopped_at", MOMENT),
        sa.Column("comment_id", sa.Uuid()),
    )
    op.create_index("clocks_next", "clocks", ["next_at"], postgresql_where=sa.text("next_at IS NOT NULL"))
    op.create_table(
        "history",
        sa.Column("report_id", sa.Uuid(), sa.ForeignKey("cases.report_id"), primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("data", JSONB(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        comment="append-only",
    )
