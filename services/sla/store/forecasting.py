"""The forecast: made anew every few minutes, kept as it was made, and read by everybody who asks."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    Row,
    Table,
    Text,
    Uuid,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Session

from services.sla.domain.clocks import Timekeeper
from services.sla.domain.forecast import AT_RISK, Experience, Kind, Outlook, Risk, Running, by_risk, horizon, outlooks, risk, time_taken
from services.sla.domain.lifecycle import State
from services.sla.store import cases, clocks, history, keeper_of, metadata, timekeeper
from shared.tables import moment

EVERY = timedelta(minutes=10)
NEWEST = 20_000  # finished cases that are learnt from: so a forecast costs the same after many years, and follows how agencies change
MOST = 500  # cases named of one agency; its outlook counts all
NOTHING = timedelta(0)

forecasts = Table("forecasts", metadata, Column("id", Integer, primary_key=True), moment("at"), moment("until"))
outlook_rows = Table(
    "outlooks",
    metadata,
    Column("agency", Text, primary_key=True),
    *(Column(name, Integer, nullable=False) for name in ("due", "likely", "unknown", "overdue")),
    Column("expected", Float, nullable=False),
)
risk_rows = Table(
    "risks",
    metadata,
    Column("place", Integer, primary_key=True),
    Column("report_id", Uuid, nullable=False),  # no foreign key: it would lock cases, in another order than their handlers do
    Column("agency", Text, nullable=False),
    moment("due_at"),
    Column("hours_left", Float, nullable=False),
    Column("on_the_wall", Boolean, nullable=False),
    Column("chance", Float),
    Column("basis", Text, nullable=False),
    Column("similar", Integer, nullable=False),
)
Index("risks_of_agency", risk_rows.c.agency, risk_rows.c.place)
_AT_RISK = [str(state) for state in AT_RISK]
_FINISHED = [str(State.RESOLVED), str(State.CLOSED)]
Index("cases_finished", cases.c.submitted_at, postgresql_where=cases.c.state.in_(_FINISHED))
_BY_AND_BY = {"yield_per": 5000}  # while rows are counted, a transaction must not look idle
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('sla.forecast'))")


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Made ``at``, for the time to ``until``; ``risks`` in the order of :func:`by_risk`."""

    at: datetime
    until: datetime
    outlooks: Sequence[Outlook]
    risks: Sequence[Risk]


def renew(session: Session, at: datetime) -> None:
    """Make the forecast anew, unless one was made a few minutes ago or a twin is at it."""
    if not session.scalar(_ALONE):
        return
    last = session.scalar(select(func.max(forecasts.c.at)))
    if last is None or not at - EVERY < last <= at:
        _keep(session, forecast(session, at))


def forecast(session: Session, at: datetime) -> Forecast:
    """As things stand now, made for the moment ``at``, which is now."""
    until = horizon(timekeeper(session).calendar, at)
    experience = _experience(session)
    risks = by_risk(risk(running, experience, keeper, at) for running, keeper in _running(session, at, until))
    return Forecast(at=at, until=until, outlooks=outlooks(risks, _overdue(session, at)), risks=risks)


def _experience(session: Session) -> Experience:
    """The newest are found before their clocks are, so that the index of finished cases is read and never all of them."""
    finished = select(*_ABOUT, cases.c.submitted_at).where(cases.c.state.in_(_FINISHED))
    newest = finished.order_by(cases.c.submitted_at.desc()).limit(NEWEST).subquery()
    stopped = and_(clocks.c.report_id == newest.c.report_id, clocks.c.name == "resolve", clocks.c.stopped_at == newest.c.submitted_at)
    found = Experience()
    for row in session.execute(select(newest, clocks.c.started_at).join(clocks, stopped), execution_options=_BY_AND_BY):
        kind, keeper = _kind(session, row)
        found.add(kind, time_taken(kind, keeper, row.started_at, row.submitted_at, _paused(row)))
    return found


def _running(session: Session, at: datetime, until: datetime) -> Iterator[tuple[Running, Timekeeper]]:
    """By agency, because that is how the index of deadlines is made: of a million open cases only these are read."""
    agencies = list(timekeeper(session).province.agencies)
    due = and_(cases.c.agency.in_(agencies), cases.c.due_at > at, cases.c.due_at <= until, cases.c.state.in_(_AT_RISK))
    runs = and_(clocks.c.report_id == cases.c.report_id, clocks.c.name == "resolve", clocks.c.stopped_at.is_(None))
    statement = select(*_ABOUT, cases.c.due_at, clocks.c.started_at).join(clocks, runs).where(due)
    for row in session.execute(statement, execution_options=_BY_AND_BY):
        kind, keeper = _kind(session, row)
        yield Running(report_id=row.report_id, kind=kind, begins=row.started_at, due_at=row.due_at, paused=_paused(row)), keeper


def _overdue(session: Session, at: datetime) -> Mapping[str, int]:
    """Open, no result handed in, and past the deadline; a question asked in time stops it."""
    at_work = and_(cases.c.state.in_(_AT_RISK), cases.c.due_at <= at)
    asked_late = and_(cases.c.state == str(State.WAITING), cases.c.due_at < cases.c.paused_at)
    rows = session.execute(select(cases.c.agency, func.count()).where(or_(at_work, asked_late)).group_by(cases.c.agency))
    return {agency: number for agency, number in rows}


_ABOUT = tuple(cases.c[name] for name in ("report_id", "agency", "category", "sla_class", "policy_version", "paused_seconds", "objections"))


def _kind(session: Session, row: Any) -> tuple[Kind, Timekeeper]:
    keeper = keeper_of(session, row.policy_version)
    on_the_wall = keeper.allowance("resolve", sla_class=row.sla_class).time == "wall"
    return Kind(agency=row.agency, category=row.category, sla_class=row.sla_class, on_the_wall=on_the_wall), keeper


def _paused(row: Any) -> timedelta:
    """Kept for all rounds together: what was asked before a case was opened again does not belong to its second round."""
    return NOTHING if row.objections else timedelta(seconds=row.paused_seconds)


def all_rows(session: Session) -> Iterator[Row[Any]]:
    """Every row of every history in the order of time, with the version of the policy its case is under."""
    columns = (*(history.c[name] for name in ("report_id", "trigger", "target", "data", "at")), cases.c.policy_version)
    in_time = (
        select(*columns).join(cases, cases.c.report_id == history.c.report_id).order_by(history.c.at, history.c.report_id, history.c.seq)
    )
    yield from session.execute(in_time, execution_options=_BY_AND_BY)


# --- as it was made last ---------------------------------------------------------------------------------------------------


def _keep(session: Session, made: Forecast) -> None:
    for table in (forecasts, outlook_rows, risk_rows):
        session.execute(delete(table))
    session.execute(insert(forecasts).values(id=1, at=made.at, until=made.until))
    named = [_as_row(place, one) for place, one in enumerate(_named(made.risks), start=1)]
    for table, rows in ((outlook_rows, [asdict(one) for one in made.outlooks]), (risk_rows, named)):
        if rows:
            session.execute(insert(table), rows)


def _named(risks: Iterable[Risk]) -> Iterator[Risk]:
    """The likeliest of each agency."""
    of = Counter[str]()
    for one in risks:
        of[one.kind.agency] += 1
        if of[one.kind.agency] <= MOST:
            yield one


def _as_row(place: int, one: Risk) -> dict[str, Any]:
    return {
        "place": place,
        "report_id": one.report_id,
        "agency": one.kind.agency,
        "due_at": one.due_at,
        "hours_left": round(one.left / timedelta(hours=1), 2),
        "on_the_wall": one.kind.on_the_wall,
        "chance": one.chance.value,
        "basis": str(one.chance.basis),
        "similar": one.chance.similar,
    }


def last_made(session: Session) -> tuple[datetime, datetime] | None:
    """When the forecast was made, and for the time to when; None before the first."""
    row = session.execute(select(forecasts.c.at, forecasts.c.until)).first()
    return (row.at, row.until) if row else None


def kept_outlooks(session: Session, agency: str = "") -> list[Outlook]:
    """By agency."""
    rows = session.execute(select(outlook_rows).order_by(outlook_rows.c.agency)).mappings()
    return [Outlook(**row) for row in rows if agency in {"", row["agency"]}]


def page_of_risks(session: Session, *, agency: str = "", after: int = 0, limit: int = 50) -> list[Row[Any]]:
    """The likeliest first. What was moved, handed in or given away since the forecast was made is left out."""
    still = and_(
        cases.c.report_id == risk_rows.c.report_id,
        cases.c.agency == risk_rows.c.agency,
        cases.c.due_at == risk_rows.c.due_at,
        cases.c.state.in_(_AT_RISK),
    )
    statement = select(risk_rows, cases.c.tracking_code, cases.c.category).join(cases, still).where(risk_rows.c.place > after)
    statement = statement.where(risk_rows.c.agency == agency) if agency else statement
    return list(session.execute(statement.order_by(risk_rows.c.place).limit(limit)))


def gauges(session: Session) -> Iterable[GaugeMetricFamily]:
    """What is to be expected, as the last forecast has it."""
    breaches = GaugeMetricFamily("hoiam_forecast_breaches", "Cases that will probably break their deadline soon", labels=["agency"])
    due = GaugeMetricFamily("hoiam_forecast_due", "Cases whose deadline comes soon", labels=["agency"])
    unknown = GaugeMetricFamily("hoiam_forecast_unknown", "Of these, those of which nothing can be said", labels=["agency"])
    for one in kept_outlooks(session):
        for family, value in ((breaches, one.expected), (due, one.due), (unknown, one.unknown)):
            family.add_metric([one.agency], value)
    return breaches, due, unknown
