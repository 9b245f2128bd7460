"""What finds a person's reports again, and the log of who looked who reported."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("phone_hash", "email_hash"):  # filled in by `hoiam privacy reseal`
        op.add_column("reporters", sa.Column(name, sa.Text(), nullable=False, server_default=""))
        op.create_index(f"reporters_{name}", "reporters", [name], postgresql_where=sa.text(f"{name} != ''"))
    op.create_table(
        "accesses",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("tracking_code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        comment="append-only",
    )
