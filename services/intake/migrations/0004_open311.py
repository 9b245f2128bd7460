"""When a report last changed, its pictures' addresses, and the order in which lists of reports and updates are read."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
UPDATES = (
    "'case.accepted', 'case.answered', 'case.assigned', 'case.cancelled', 'case.closed', 'case.extended', 'case.merged', 'case.progressed', "
    "'case.questioned', 'case.refused', 'case.reopened', 'case.resolved', 'case.resumed', 'case.returned', 'case.unmerged', 'report.commented'"
)


def upgrade() -> None:
    # the defaults are for processes of the release before, which go on writing until they are replaced
    op.add_column("reports", sa.Column("updated_at", MOMENT, nullable=False, server_default=sa.func.now()))
    op.add_column("reports", sa.Column("media_urls", JSONB(), nullable=False, server_default="[]"))
    last = "SELECT max(at) FROM timeline WHERE timeline.report_id = reports.report_id AND (version > 0 OR topic = 'report.commented')"
    op.execute(f"UPDATE reports SET updated_at = greatest(received_at, ({last}))")
    op.create_index("reports_by_receipt", "reports", ["received_at", "report_id"])
    op.create_index("reports_by_update", "reports", ["updated_at", "report_id"])
    keyless = sa.text("starts_with(key, 'content ')")
    op.create_index("reports_keyless", "reports", ["portal", "fingerprint", "received_at"], postgresql_where=keyless)
    op.create_index("timeline_updates", "timeline", ["at", "id"], postgresql_where=sa.text(f"topic IN ({UPDATES})"))
