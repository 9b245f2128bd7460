"""Scores of cases, and frozen months."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FIGURES = """
    received taken_up on_time on_time_extended late open_in_time open_overdue refused refused_late cancelled cancelled_late merged
    returned reopened recategorised under_emergency comments answered_in_a_day answered_late rating_1 rating_2 rating_3 rating_4
    late_thousandths held_minutes
""".split()


def upgrade() -> None:
    op.create_table(
        "scores",
        sa.Column("report_id", sa.Uuid(), sa.ForeignKey("cases.report_id"), primary_key=True),
        sa.Column("agency", sa.Text(), primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("category", "area")),
        sa.Column("month", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in FIGURES),
    )
    op.create_index("scores_by_month", "scores", ["month", "agency"])
    op.create_table(
        "frozen",
        sa.Column("month", sa.Date(), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", JSONB(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        comment="append-only",
    )
