"""What a portal's key may be used for, how often, and from which pages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    usual = sa.text("'{report,comment,bulk,read_own}'")  # what keys given out before could do
    op.add_column("portals", sa.Column("scopes", ARRAY(sa.Text()), nullable=False, server_default=usual))
    op.add_column("portals", sa.Column("origins", ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'")))
    op.add_column("portals", sa.Column("rate", sa.Float()))
    op.add_column("portals", sa.Column("burst", sa.Integer()))
