"""Where notices go and how it fares; a webhook's second secret; the channels a notice was given up on."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "endpoints",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("failing_since", MOMENT),
        sa.Column("shut_until", MOMENT),
    )
    op.add_column("webhooks", sa.Column("old_until", MOMENT))
    op.add_column("notices", sa.Column("tried", sa.ARRAY(sa.Text()), nullable=False, server_default="{}"))
    op.add_column("notices", sa.Column("endpoint", sa.Text(), sa.Computed("COALESCE(webhook_id::text, channel)", persisted=True)))
    # letters that failed once carry the channel they failed on, or "webhook"; from now on it says where they wait to go
    op.execute("UPDATE notices SET channel = 'reporter' WHERE state = 'pending' AND webhook_id IS NULL")
    op.drop_index("notices_due", "notices")
    op.create_index("notices_due", "notices", ["endpoint", "due_at"], postgresql_where=sa.text("state = 'pending'"))
