"""Under which version of a case its agency was last given the work: the assignment's name, when it is sent again."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("assigned", sa.Integer(), nullable=False, server_default="0"))
