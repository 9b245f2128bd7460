"""What reports are looked for by: their place, and their public words."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from services.intake.domain.screening import redacted
from shared.texts import folded

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

AT_ONCE = 1000


def upgrade() -> None:
    op.add_column("reports", sa.Column("area", sa.Text(), sa.Computed("location ->> 'area'", persisted=True)))
    for name in ("latitude", "longitude"):
        value = sa.Computed(f"(location ->> '{name}')::double precision", persisted=True)
        op.add_column("reports", sa.Column(name, sa.Double(), value))
    for name in ("category", "area", "agency", "portal"):
        op.create_index(f"reports_{name}", "reports", [name, "received_at", "report_id"])
    op.create_index("reports_place", "reports", ["latitude", "longitude"])
    op.create_index("reports_urgent", "reports", ["received_at", "report_id"], postgresql_where=sa.text("urgent"))
    op.create_table(
        "public_texts",
        sa.Column("report_id", sa.Uuid(), sa.ForeignKey("reports.report_id", deferrable=True, initially="DEFERRED"), primary_key=True),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("words", TSVECTOR(), sa.Computed("to_tsvector('simple'::regconfig, folded)", persisted=True)),
    )
    _fill()
    op.create_index("public_texts_words", "public_texts", ["words"], postgresql_using="gin")


def _fill() -> None:
    """For reports that are there already. Their foreign keys are checked at once: what waits for a check can't be indexed."""
    op.execute("SET CONSTRAINTS ALL IMMEDIATE")
    connection = op.get_bind()
    texts = sa.table("public_texts", sa.column("report_id", sa.Uuid()), sa.column("folded", sa.Text()))
    rows = connection.execute(sa.text("SELECT report_id, description FROM reports").execution_options(yield_per=AT_ONCE))
    for part in rows.partitions():
        connection.execute(texts.insert(), [{"report_id": row.report_id, "folded": folded(redacted(row.description))} for row in part])
