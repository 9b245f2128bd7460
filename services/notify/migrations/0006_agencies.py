"""Webhooks of agencies, beside those of portals."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhooks", sa.Column("agency", sa.Text(), nullable=False, server_default=""))
    op.drop_constraint("webhooks_portal_url_key", "webhooks")
    op.create_unique_constraint("webhooks_portal_agency_url_key", "webhooks", ["portal", "agency", "url"])
