"""What is behind a case's history is a row of its own, so that a case that moves needs no new entry in any index."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "behind",
        sa.Column("what", sa.Text(), primary_key=True),
        sa.Column("report_id", sa.Uuid(), primary_key=True),
    )
    op.execute("INSERT INTO behind SELECT 'scores', report_id FROM cases WHERE version > scored")
    op.execute("INSERT INTO behind SELECT 'roots', report_id FROM cases WHERE version > rooted")
    op.drop_index("cases_to_score", "cases")
    op.drop_index("cases_to_root", "cases")
    op.drop_column("cases", "scored")
    op.drop_column("cases", "rooted")
    op.execute("ALTER TABLE cases SET (fillfactor = 70)")  # room to write the next version of a row beside it
