"""Who else hears the news of a report."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "followers",
        sa.Column("follower_id", sa.Uuid(), primary_key=True),
        sa.Column("report_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("confirmed_at", MOMENT),
    )
    op.create_index("followers_unconfirmed", "followers", ["at"], postgresql_where=sa.text("confirmed_at IS NULL"))
    op.add_column("notices", sa.Column("follower_id", sa.Uuid()))
