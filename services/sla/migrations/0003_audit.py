"""Daily roots over the ends of all histories, and their leaves."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "roots",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        comment="append-only",
    )
    op.create_table(
        "leaves",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        comment="append-only",
    )
    op.create_index("leaves_of_report", "leaves", ["report_id", "day"], unique=True)
