"""Reports and the decisions about them; the tables of rules and lessons are beside what looks things up in them."""

from sqlalchemy import Column, DateTime, Index, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from services.routing.domain.placement import State
from shared import province
from shared.database import APPEND_ONLY
from shared.tables import Words

metadata = MetaData()
provinces = province.table(metadata)

reports = Table(
    "reports",
    metadata,
    Column("report_id", Uuid, primary_key=True),
    Column("snapshot", JSONB, nullable=False),
    Column("hop", Integer, nullable=False),
    Column("returns", JSONB, nullable=False),
    Column("agency", Text, nullable=False),
    Column("state", Words(State), nullable=False),
    Column("explanation", Text, nullable=False),
    Column("decided_at", DateTime(timezone=True), nullable=False),
)
Index("reports_in_triage", reports.c.report_id, postgresql_where=reports.c.state == State.TRIAGE)

# one a decision, kept for ever; agency and rule are empty when nobody could be named
decisions = Table(
    "decisions",
    metadata,
    Column("report_id", Uuid, primary_key=True),
    Column("hop", Integer, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("agency", Text, nullable=False),
    Column("explanation", Text, nullable=False),
    Column("province_version", Integer, nullable=False),
    Column("rules_version", Integer, nullable=False, server_default="0"),
    Column("at", DateTime(timezone=True), nullable=False),
    comment=APPEND_ONLY,
)
