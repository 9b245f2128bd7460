"""The forecast as it was last made; finished cases by when their result was handed in."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "outlooks",
        sa.Column("agency", sa.Text(), primary_key=True),
        sa.Column("due", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
        sa.Column("likely", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.Column("overdue", sa.Integer(), nullable=False),
    )
    op.create_table(
        "risks",
        sa.Column("place", sa.Integer(), primary_key=True),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("hours_left", sa.Float(), nullable=False),
        sa.Column("on_the_wall", sa.Boolean(), nullable=False),
        sa.Column("chance", sa.Float()),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("similar", sa.Integer(), nullable=False),
    )
    op.create_index("risks_of_agency", "risks", ["agency", "place"])
    op.create_table(
        "forecasts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
    )
    finished = sa.text("state IN ('resolved', 'closed')")
    op.create_index("cases_finished", "cases", ["submitted_at"], postgresql_where=finished)
