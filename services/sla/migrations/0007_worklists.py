"""Work lists: by when the reporter's messages are to be answered, and indexes in the order of each list."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

FIRST_ANSWERS = """
    UPDATE cases SET answer_by = first.due_at
    FROM (SELECT report_id, min(due_at) AS due_at FROM clocks WHERE name = 'answer' AND stopped_at IS NULL GROUP BY report_id) AS first
    WHERE first.report_id = cases.report_id
"""


def upgrade() -> None:
    op.add_column("cases", sa.Column("answer_by", sa.DateTime(timezone=True)))
    op.execute(FIRST_ANSWERS)
    op.drop_index("cases_by_due", "cases")
    op.create_index("cases_of_agency_by_due", "cases", ["agency", "state", "due_at", "report_id"])
    op.create_index("cases_by_due", "cases", ["state", "due_at", "report_id"])
    unanswered = sa.text("answer_by IS NOT NULL")
    op.create_index("cases_of_agency_to_answer", "cases", ["agency", "answer_by", "report_id"], postgresql_where=unanswered)
    op.create_index("cases_to_answer", "cases", ["answer_by", "report_id"], postgresql_where=unanswered)
    op.create_index("cases_supported", "cases", ["supporting"], postgresql_using="gin", postgresql_where=sa.text("supporting <> '[]'::jsonb"))
