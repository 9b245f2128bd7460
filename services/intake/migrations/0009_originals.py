"""What became of the originals of photos."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("media", sa.Column("original", sa.Text(), nullable=False, server_default="sealed"))
    op.create_index("media_to_strip", "media", ["id"], postgresql_where=sa.text("original = 'to_go'"))
