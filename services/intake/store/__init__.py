"""Tables of intake, their mapping to the domain, and what is looked up in them."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import (
    Boolean,
    Column,
    Computed,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    RowMapping,
    Select,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    bindparam,
    func,
    literal_column,
    select,
    text,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.dialects.postgresql import insert as insert_unless_there
from sqlalchemy.orm import Session, registry

from services.intake.domain.georeport import KEYLESS, UPDATES
from services.intake.domain.report import OPEN, ReceiveReport, Report, Reporter, Status
from services.intake.domain.timeline import Entry
from shared import province
from shared.database import APPEND_ONLY
from shared.errors import NotYet, Refused
from shared.messages import AuditRoot, Message
from shared.prepared import Prepared
from shared.rows import Rows, append
from shared.tables import Words, moment

metadata = MetaData()
provinces = province.table(metadata)


reports = Table(
    "reports",
    metadata,
    Column("report_id", Uuid, primary_key=True),
    Column("tracking_code", Text, nullable=False, unique=True),
    Column("portal", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("external_ref", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("location", JSONB, nullable=False),
    Column("attributes", JSONB, nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("language", Text, nullable=False),
    moment("received_at"),
    moment("updated_at"),
    Column("media_urls", JSONB, nullable=False),
    Column("status", Words(Status), nullable=False),
    Column("status_version", Integer, nullable=False),
    Column("agency", Text, nullable=False),
    Column("version", Integer, nullable=False),
    moment("due_at", nullable=True),
    Column("due_version", Integer, nullable=False),
    Column("area", Text, Computed("location ->> 'area'", persisted=True)),
    Column("latitude", Double, Computed("(location ->> 'latitude')::double precision", persisted=True)),
    Column("longitude", Double, Computed("(location ->> 'longitude')::double precision", persisted=True)),
    UniqueConstraint("portal", "key"),
    *(Index(f"reports_{name}", name, "received_at", "report_id") for name in ("category", "area", "agency", "portal")),
    Index("reports_place", "latitude", "longitude"),
    Index("reports_urgent", "received_at", "report_id", postgresql_where=text("urgent")),
)
_is_open = reports.c.status.in_([str(status) for status in OPEN])
Index("reports_open", reports.c.status, reports.c.version, postgresql_where=_is_open)
Index("reports_by_receipt", reports.c.received_at, reports.c.report_id)
Index("reports_by_update", reports.c.updated_at, reports.c.report_id)
is_keyless = func.starts_with(reports.c.key, literal_column(f"'{KEYLESS}'"))
Index("reports_keyless", reports.c.portal, reports.c.fingerprint, reports.c.received_at, postgresql_where=is_keyless)

reporters = Table(
    "reporters",
    metadata,
    Column("report_id", Uuid, ForeignKey("reports.report_id", deferrable=True, initially="DEFERRED"), primary_key=True),
    Column("sealed", Text, nullable=False),
    Column("phone_hash", Text, nullable=False),
    Column("email_hash", Text, nullable=False),
)

public_texts = Table(
    "public_texts",
    metadata,
    Column("report_id", Uuid, ForeignKey("reports.report_id", deferrable=True, initially="DEFERRED"), primary_key=True),
    Column("folded", Text, nullable=False),
    Column("words", TSVECTOR, Computed("to_tsvector('simple'::regconfig, folded)", persisted=True)),
    Index("public_texts_words", "words", postgresql_using="gin"),
)

timeline = Table(
    "timeline",
    metadata,
    Column("report_id", Uuid, ForeignKey("reports.report_id"), primary_key=True),
    Column("id", Uuid, primary_key=True),
    moment("at"),
    Column("topic", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("agency", Text, nullable=False),
    Column("data", JSONB, nullable=False),
)
is_update = timeline.c.topic.in_(sorted(UPDATES))
Index("timeline_updates", timeline.c.at, timeline.c.id, postgresql_where=is_update)

audit_roots = Table(
    "audit_roots",
    metadata,
    Column("day", Date, primary_key=True),
    moment("at"),
    Column("size", Integer, nullable=False),
    Column("previous", Text, nullable=False),
    Column("root", Text, nullable=False),
    comment=APPEND_ONLY,
)

mapper = registry()
mapper.map_imperatively(Reporter, reporters)
mapper.map_imperatively(Entry, timeline)


# --- reports --------------------------------------------------------------------------------------------------------


_OF_ENTRY = tuple(f"{column.name}" for column in timeline.columns)
_reports = Rows(Report, reports)
whole = select(*_reports.columns)
_by_key = Prepared(whole.where(reports.c.portal == bindparam("portal"), reports.c.key == bindparam("key")))
read = _reports.read  # of a statement that ``whole`` begins


def add_report(session: Session, report: Report, reporter: dict[str, Any] | None) -> None:
    """A new one, with the words it is found by; ``reporter`` is the row of who sent it, if that is to be known."""
    _reports.add(session, report)
    append(session, public_texts, {"report_id": report.report_id, "folded": report.public_words})
    if reporter:
        append(session, reporters, reporter)


def preload(messages: Sequence[Message], session: Session) -> None:
    """The reports a batch is about, locked in one order; a report just being received can't be there yet."""
    _reports.load(session, (message.report_id for message in messages if not isinstance(message, ReceiveReport)))


def report_of(session: Session, report_id: UUID) -> Report:
    """Locked by :func:`preload`. Raises :class:`NotYet`."""
    report = report_by_id(session, report_id)
    if report is None:
        raise NotYet(f"no report {report_id} was received yet")
    return report


report_by_id = _reports.get  # as ``report_of``, for who may ask for what isn't there


def report_by_key(session: Session, portal: str, key: str) -> Report | None:
    """What a portal sent under an idempotency key."""
    return next(iter(_reports.found(session, _by_key.rows(session, portal=portal, key=key))), None)


def report_by_code(session: Session, tracking_code: str) -> Report | None:
    """Whole, as it is shown."""
    return one(session, whole.where(reports.c.tracking_code == tracking_code))


def one(session: Session, statement: Select[Any]) -> Report | None:
    """The first that ``statement`` finds."""
    return next(iter(read(session, statement)), None)


def add_to_timeline(session: Session, entry: Entry) -> None:
    """One that nobody asks for in this transaction: those of a batch are written together."""
    append(session, timeline, {name: getattr(entry, name) for name in _OF_ENTRY})


def timeline_of(session: Session, report_id: UUID) -> list[Entry]:
    """As things happened, in whatever order intake heard of them."""
    statement = select(Entry).where(timeline.c.report_id == report_id)
    return list(session.scalars(statement.order_by(timeline.c.at, timeline.c.version, timeline.c.topic, timeline.c.id)))


def answers(session: Session, report_id: UUID) -> int:
    """How often the reporter was answered: again after each objection."""
    resolved = select(func.count()).where(timeline.c.report_id == report_id, timeline.c.topic == "case.resolved")
    return session.scalar(resolved) or 0


def comment_by_id(session: Session, report_id: UUID, comment_id: UUID) -> Entry | None:
    """The entry of a comment."""
    of_report = (timeline.c.report_id == report_id) & (timeline.c.topic == "report.commented")
    return session.scalar(select(Entry).where(of_report, timeline.c.data["comment_id"].astext == str(comment_id)))


# --- the daily roots of sla -----------------------------------------------------------------------------------------


def witness(session: Session, root: AuditRoot) -> None:
    """Keep the first root that is heard of a day. Raises :class:`Refused` for another one of the same day."""
    row = root.model_dump(include={"day", "at", "size", "previous", "root"})
    session.execute(insert_unless_there(audit_roots).values(row).on_conflict_do_nothing())
    kept = session.scalar(select(audit_roots.c.root).where(audit_roots.c.day == root.day))
    if kept != root.root:
        raise Refused(f"the root of {root.day} was {kept} when it was first said, and is now said to be {root.root}", code="another_root")


def witnessed(session: Session) -> dict[date, str]:
    """Every root that was heard."""
    return {row.day: row.root for row in session.execute(select(audit_roots.c.day, audit_roots.c.root))}


def page_of_roots(session: Session, *, after: date | None, limit: int) -> Sequence[RowMapping]:
    """What was witnessed, from the oldest day on: day, at, size, previous, root."""
    statement = select(audit_roots).order_by(audit_roots.c.day).limit(limit)
    return session.execute(statement.where(audit_roots.c.day > after) if after else statement).mappings().all()


# --- metrics --------------------------------------------------------------------------------------------------------


def gauges(session: Session) -> Iterable[GaugeMetricFamily]:
    """Open reports by status, and those sla has not been heard of yet: more than a few for more than a moment is a fault."""
    open_reports = GaugeMetricFamily("hoiam_open_reports", "Open reports by status, as intake was told", labels=["status"])
    for status, count in session.execute(select(reports.c.status, func.count()).where(_is_open).group_by(reports.c.status)):
        open_reports.add_metric([str(status)], float(count))
    yield open_reports
    unopened = GaugeMetricFamily("hoiam_reports_without_case", "Reports for which no case was opened yet")
    waiting = select(func.count()).select_from(reports).where(reports.c.status == Status.RECEIVED, reports.c.version == 0)
    unopened.add_metric([], float(session.scalar(waiting) or 0))
    yield unopened
