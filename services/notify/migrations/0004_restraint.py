"""Who each notice is for and how soon; what was gathered, who wants no more, and which addresses are dead."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("subjects", _filled("agency"))
    op.add_column("subjects", sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.false()))
    for table in ("contacts", "followers"):
        op.add_column(table, _filled("person"))
    for name in ("recipient", "address", "news", "template"):
        op.add_column("notices", _filled(name))
    op.add_column("notices", sa.Column("pace", sa.Text(), nullable=False, server_default="now"))
    op.add_column("notices", sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("notices", sa.Column("reader", sa.Text(), nullable=False, server_default="reporter"))
    op.add_column("notices", sa.Column("parts", JSONB(), nullable=False, server_default="{}"))
    op.add_column("notices", sa.Column("gathered_in", sa.Uuid()))
    op.add_column("notices", sa.Column("let_go_at", MOMENT))
    op.execute("UPDATE notices SET reader = 'portal' WHERE webhook_id IS NOT NULL")
    op.execute("UPDATE notices SET reader = 'follower' WHERE follower_id IS NOT NULL")
    op.create_index("notices_held", "notices", ["due_at"], postgresql_where=sa.text("state = 'held'"))
    op.create_index("notices_told", "notices", ["recipient", "let_go_at"], postgresql_where=sa.text("let_go_at IS NOT NULL"))
    op.create_index("ix_subjects_tracking_code", "subjects", ["tracking_code"])
    op.drop_index("notices_not_sent", "notices")
    op.create_index("notices_not_out", "notices", ["state", "channel"], postgresql_where=sa.text("state IN ('held', 'pending', 'failed')"))
    op.create_table("silences", sa.Column("name", sa.Text(), primary_key=True), sa.Column("at", MOMENT, nullable=False))
    op.create_table(
        "unreachable",
        sa.Column("recipient", sa.Text(), primary_key=True),
        sa.Column("channel", sa.Text(), primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_table(
        "subscriptions",
        sa.Column("subscriber", sa.Text(), primary_key=True),
        sa.Column("facts", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )


def _filled(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")
