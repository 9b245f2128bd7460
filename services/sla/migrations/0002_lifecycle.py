"""The whole lifecycle: pauses, extensions, bounces, objections, leaders and followers, orders of emergency."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    for name, kind, first in (
        ("area", sa.Text(), ""),
        ("bounces", sa.Integer(), "0"),
        ("extensions", sa.Integer(), "0"),
        ("paused_seconds", sa.Integer(), "0"),
        ("objections", sa.Integer(), "0"),
        ("followers", sa.Integer(), "0"),
        ("emergency", sa.Text(), ""),
        ("evidence", sa.dialects.postgresql.JSONB(), "[]"),
        ("scored", sa.Integer(), "0"),
        ("rooted", sa.Integer(), "0"),
    ):
        op.add_column("cases", sa.Column(name, kind, nullable=False, server_default=first))
    op.add_column("cases", sa.Column("promised_at", moment))
    op.add_column("cases", sa.Column("paused_at", moment))
    op.add_column("cases", sa.Column("first_on_time", sa.Boolean()))
    op.add_column("cases", sa.Column("leader_id", sa.Uuid(), sa.ForeignKey("cases.report_id")))
    op.create_index("cases_of_leader", "cases", ["leader_id"], postgresql_where=sa.text("leader_id IS NOT NULL"))
    op.create_index("cases_to_score", "cases", ["report_id"], postgresql_where=sa.text("version > scored"))
    op.create_index("cases_to_root", "cases", ["report_id"], postgresql_where=sa.text("version > rooted"))
    op.create_index("cases_by_due", "cases", ["agency", "due_at", "report_id"])
    op.add_column("clocks", sa.Column("remind_at", moment))
    op.create_index("clocks_remind", "clocks", ["remind_at"], postgresql_where=sa.text("remind_at IS NOT NULL"))
