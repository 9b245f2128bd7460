"""Versions of the rules, and what became of decisions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "rulesets",
        sa.Column("version", sa.Integer(), sa.Identity(), primary_key=True),
        sa.Column("name", sa.Uuid(), nullable=False, unique=True),
        sa.Column("based_on", sa.Integer(), nullable=False),
        sa.Column("rules", JSONB(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        comment="append-only",
    )
    op.create_table(
        "activations",
        sa.Column("number", sa.Integer(), sa.Identity(), primary_key=True),
        sa.Column("version", sa.Integer(), sa.ForeignKey("rulesets.version"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        comment="append-only",
    )
    op.add_column("decisions", sa.Column("rules_version", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "lessons",
        sa.Column("report_id", sa.Uuid(), primary_key=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("hand", sa.Text(), nullable=False),
        sa.Column("proposed", JSONB(), nullable=False),
    )
