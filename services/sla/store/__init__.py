"""Tables of sla, their mapping to the domain, and what is looked up in them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
    bindparam,
    literal_column,
    select,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from services.sla.domain.calendar import Calendar, calendar_of
from services.sla.domain.case import Case
from services.sla.domain.clocks import Clock, Timekeeper
from services.sla.domain.history import Move
from services.sla.domain.lifecycle import State
from services.sla.store import stages
from services.sla.store.reminders import due_reminders as due_reminders
from shared import province
from shared.database import APPEND_ONLY
from shared.errors import NotFound, NotYet
from shared.messages import Message, Outcome
from shared.prepared import Prepared, among, answer
from shared.province import Province
from shared.rows import Rows, after_commit, insert
from shared.tables import Words, moment

metadata = MetaData()
provinces = province.table(metadata)


cases = Table(
    "cases",
    metadata,
    Column("report_id", Uuid, primary_key=True),
    Column("tracking_code", Text, nullable=False, unique=True),
    Column("category", Text, nullable=False),
    Column("report", JSONB, nullable=False),
    moment("received_at"),
    Column("urgent", Boolean, nullable=False),
    Column("agency", Text, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("state", Words(State), nullable=False),
    Column("hop", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("moved", Integer, nullable=False),
    Column("last_hash", Text, nullable=False),
    Column("sla_class", Text, nullable=False),
    moment("due_at", nullable=True),
    moment("submitted_at", nullable=True),
    Column("outcome", Words(Outcome)),
    Column("answer", Text, nullable=False),
    Column("on_time", Boolean),
    Column("supporting", JSONB, nullable=False),
    Column("explanation", Text, nullable=False),
    Column("area", Text, nullable=False, server_default=""),
    Column("bounces", Integer, nullable=False, server_default="0"),
    Column("extensions", Integer, nullable=False, server_default="0"),
    Column("paused_seconds", Integer, nullable=False, server_default="0"),
    Column("objections", Integer, nullable=False, server_default="0"),
    Column("followers", Integer, nullable=False, server_default="0"),
    Column("emergency", Text, nullable=False, server_default=""),
    Column("evidence", JSONB, nullable=False, server_default="[]"),
    moment("promised_at", nullable=True),
    moment("paused_at", nullable=True),
    Column("first_on_time", Boolean),
    moment("answer_by", nullable=True),
    Column("assigned", Integer, nullable=False, server_default="0"),
    Column("leader_id", Uuid, ForeignKey("cases.report_id")),
)
Index("cases_of_leader", cases.c.leader_id, postgresql_where=cases.c.leader_id.is_not(None))
# a work list is read from one of these, state by state (worklists.py)
Index("cases_of_agency_by_due", cases.c.agency, cases.c.state, cases.c.due_at, cases.c.report_id)
Index("cases_by_due", cases.c.state, cases.c.due_at, cases.c.report_id)
Index("cases_of_agency", cases.c.agency, cases.c.state, cases.c.report_id)
Index("cases_by_state", cases.c.state, cases.c.report_id)
_unanswered = cases.c.answer_by.is_not(None)
Index("cases_of_agency_to_answer", cases.c.agency, cases.c.answer_by, cases.c.report_id, postgresql_where=_unanswered)
Index("cases_to_answer", cases.c.answer_by, cases.c.report_id, postgresql_where=_unanswered)
has_support = cases.c.supporting != literal_column("'[]'::jsonb")
Index("cases_supported", cases.c.supporting, postgresql_using="gin", postgresql_where=has_support)

clocks = Table(
    "clocks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("report_id", Uuid, ForeignKey("cases.report_id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    moment("started_at"),
    moment("due_at"),
    moment("next_at", nullable=True),
    Column("step", Integer, nullable=False),
    moment("stopped_at", nullable=True),
    moment("remind_at", nullable=True),
    Column("comment_id", Uuid),
)
Index("clocks_remind", clocks.c.remind_at, postgresql_where=clocks.c.remind_at.is_not(None))
Index("clocks_next", clocks.c.next_at, postgresql_where=clocks.c.next_at.is_not(None))

history = Table(
    "history",
    metadata,
    Column("report_id", Uuid, ForeignKey("cases.report_id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("actor", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    moment("at"),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    comment=APPEND_ONLY,
)

# Cases whose scores, or whose places in the daily roots, are behind their histories. Written and deleted by who holds the case's lock.
behind = Table("behind", metadata, Column("what", Text, primary_key=True), Column("report_id", Uuid, primary_key=True))

_BEHIND = (
    "INSERT INTO behind SELECT what, report_id FROM unnest(CAST(%(ids)s AS uuid[])) AS report_id, unnest(ARRAY['roots', 'scores']) AS what"
    " ON CONFLICT DO NOTHING"
)


def _with_clocks(session: Session, found: list[Case]) -> None:
    by_id = {case.report_id: case for case in found}
    for clock in _clocks.found(session, _clocks_of.rows(session, ids=list(map(str, by_id)))):
        by_id[clock.report_id].clocks.append(clock)


def _write(session: Session) -> None:
    """Cases before what refers to them."""
    held = _cases.held(session)
    _cases.write(session)
    for clock in (clock for case in held for clock in case.clocks):
        _clocks.add(session, clock)
    _clocks.write(session)
    moved = [case for case in held if case.moves]
    if moved:
        insert(session, history, [vars(move) for case in moved for move in case.moves])
        answer(session, _BEHIND, {"ids": [str(case.report_id) for case in moved]})
        after_commit(session, stages.observer((case, timekeeper(session, case).calendar) for case in moved))
    for case in moved:
        case.moves.clear()


_clocks = Rows(Clock, clocks, writer=_write)
_clocks_of = Prepared(select(*_clocks.columns).where(among(clocks.c.report_id, "ids")).order_by(clocks.c.started_at))
_cases = Rows(Case, cases, ready=_with_clocks, writer=_write)
known_case, add_case = _cases.get, _cases.add


def preload(messages: Sequence[Message], session: Session) -> None:
    """The cases of a batch with their clocks, locked in one order."""
    _cases.load(session, (message.report_id for message in messages))


def case_of(session: Session, report_id: UUID) -> Case:
    """Raises :class:`NotYet`: the fact that opens the case is still on its way."""
    case = known_case(session, report_id)
    if case is None:
        raise NotYet(f"no case is open for report {report_id} yet")
    return case


def asked_case(session: Session, report_id: UUID) -> Case:
    """Raises :class:`NotFound` for people who ask about what is not there."""
    case = known_case(session, report_id)
    if case is None:
        raise NotFound("no case by that report id is known here")
    return case


def other_case(session: Session, report_id: UUID) -> Case:
    """A case that the request names beside its own, locked. Raises :class:`NotFound`."""
    case = _cases.also(session, report_id)
    if case is None:
        raise NotFound("no case by that report id is known here")
    return case


def followers_of(session: Session, leader_id: UUID) -> list[Case]:
    """The cases merged into this one, locked."""
    ids = session.scalars(select(cases.c.report_id).where(cases.c.leader_id == leader_id).order_by(cases.c.report_id)).all()
    return [other_case(session, report_id) for report_id in ids]


_due = (
    select(*_cases.columns)
    .join(clocks)
    .where(clocks.c.next_at <= bindparam("at"))
    .order_by(clocks.c.next_at)
    .offset(bindparam("skip"))
    .limit(bindparam("limit"))
    .with_for_update(of=cases, skip_locked=True)
)
_due_cases = Prepared(_due)


def due_cases(session: Session, at: datetime, *, limit: int, skip: int) -> list[Case]:
    """Cases of which a clock speaks by ``at``, longest waiting first, locked; a twin's are passed over."""
    found = _cases.found(session, _due_cases.rows(session, at=at, limit=limit, skip=skip))
    return list(dict.fromkeys(found))  # two clocks of a case, one case


def timekeeper(session: Session, case: Case | None = None) -> Timekeeper:
    """By the province as it was when ``case`` was opened (a new policy never moves a clock that runs), or as it is now."""
    return keeper_of(session, case.policy_version if case else province.current_version(session))


def keeper_of(session: Session, version: int) -> Timekeeper:
    """By one version of the province."""
    latest = province.current(session)
    if version == province.current_version(session):
        return _keeper(version, latest)
    return replace(_keeper(version, province.of_version(session, version)), latest=latest)


def _own_hours(of: Province) -> dict[str, Calendar]:
    return {code: calendar_of(of, code) for code, agency in of.agencies.items() if agency.working_hours}


_keepers: dict[int, Timekeeper] = {}  # by version: building a calendar of twenty years takes a moment


def _keeper(version: int, of: Province) -> Timekeeper:
    known = _keepers.get(version)
    if known is None or known.province is not of:
        known = _keepers[version] = Timekeeper(version=version, province=of, calendar=calendar_of(of), hours=_own_hours(of))
    return known


def cases_where(session: Session, *conditions: ColumnElement[bool]) -> list[Case]:
    """In the order of report ids, which is by time of receipt. Not locked."""
    return _cases.read(session, select(*_cases.columns).where(*conditions).order_by(cases.c.report_id))


def cases_page(session: Session, *conditions: ColumnElement[bool], after: UUID | None, limit: int) -> list[Case]:
    """The next ``limit`` of them behind report ``after``. Not locked."""
    behind_it = [cases.c.report_id > after] if after else []
    return _cases.read(session, select(*_cases.columns).where(*conditions, *behind_it).order_by(cases.c.report_id).limit(limit))


def history_of(session: Session, report_id: UUID) -> list[Move]:
    """From the first row to the last."""
    rows = session.execute(select(history).where(history.c.report_id == report_id).order_by(history.c.seq)).mappings()
    return [Move(**row) for row in rows]
