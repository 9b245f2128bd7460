"""Photos: what is known of them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "media",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("uploader", sa.Text(), nullable=False),
        sa.Column("report_id", sa.Uuid(), sa.ForeignKey("reports.report_id", deferrable=True, initially="DEFERRED")),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("sha256", "kind")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("size", "width", "height")),
        sa.Column("screened_by", sa.Text(), nullable=False),
        sa.Column("screened_at", MOMENT),
    )
    op.create_index("media_of_report", "media", ["report_id"])
    op.create_index("media_by_uploader", "media", ["uploader", "created_at"])
    op.create_index("media_expiring", "media", ["expires_at"], postgresql_where=sa.text("expires_at IS NOT NULL"))
    op.create_index("media_unscreened", "media", ["id"], postgresql_where=sa.text("state = 'private' AND report_id IS NOT NULL"))
