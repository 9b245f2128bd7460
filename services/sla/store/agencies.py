"""Cases by the agency that holds them: those of agencies that ended, those to send again, and how long what was sent waits."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from services.sla.domain.case import Case
from services.sla.domain.lifecycle import OPEN, State
from services.sla.store import cases, cases_page, clocks, history
from shared import province
from shared.bus import AGENCIES
from shared.mailbox import outbox
from shared.messages import Request
from shared.province import Province

HELD = tuple(state for state in OPEN if state != State.RECEIVED)  # what is received is the centre's
TO_DO = (State.ROUTED, State.IN_PROGRESS, State.WAITING)


class Queue(NamedTuple):
    """What an agency was given and has not taken up: how many cases, and the moment the first of them was given; ``unsent`` wait in the
    outbox because its queue is full or missing."""

    waiting: int = 0
    since: datetime | None = None
    unsent: int = 0


def held_by(session: Session, agencies: Sequence[str], *, after: UUID | None, limit: int) -> list[Case]:
    """Open cases of these agencies, behind report ``after``."""
    return cases_page(session, cases.c.agency.in_(agencies), cases.c.state.in_(HELD), after=after, limit=limit)


def given_since(session: Session, agency: str, since: datetime, *, after: UUID | None, limit: int) -> list[Case]:
    """Cases that ``agency`` has to work on and was given since, behind report ``after``."""
    given = select(history.c.at).where(history.c.report_id == cases.c.report_id, history.c.seq == cases.c.assigned).scalar_subquery()
    recently: ColumnElement[bool] = func.coalesce(given, cases.c.received_at) >= since
    return cases_page(session, cases.c.agency == agency, cases.c.state.in_(TO_DO), recently, after=after, limit=limit)


def in_name_of_today(session: Session, request: Request) -> Request:
    """``request`` in the name of whoever holds the duties of its agency now: tokens and users of before a merger go on working."""
    before = request.actor.removeprefix("agency:")
    now = agency_of_today(session, before, request.at) if before != request.actor else before
    return request if now == before else request.model_copy(update={"actor": f"agency:{now}"})


def agency_of_today(session: Session, code: str, at: datetime) -> str:
    """The code of who holds the duties of agency ``code`` at ``at``. One that has ended is itself until its open cases were given on."""
    of = province.current(session)
    now = of.agency_on(code, _day(of, at)).code if code in of.agencies else code
    return code if now == code or held_by(session, [code], after=None, limit=1) else now


def queues(session: Session) -> dict[str, Queue]:
    """By agency; none for those that nothing waits for."""
    running = (clocks.c.name == "take_up") & clocks.c.stopped_at.is_(None)
    waiting = select(cases.c.agency, func.count(), func.min(clocks.c.started_at)).join(clocks).where(cases.c.state == State.ROUTED, running)
    found = {agency: Queue(number, since) for agency, number, since in session.execute(waiting.group_by(cases.c.agency))}
    unsent = select(outbox.c.routing_key, func.count()).where(outbox.c.exchange == AGENCIES, outbox.c.attempts > 0)
    for agency, number in session.execute(unsent.group_by(outbox.c.routing_key)):
        found[agency] = found.get(agency, Queue())._replace(unsent=number)
    return found


def gauges(session: Session) -> Iterable[GaugeMetricFamily]:
    """Depth and age of what each agency was given, whatever bus carries it, and what is with agencies that have ended."""
    now: datetime = session.execute(text("SELECT now()")).scalar_one()
    waiting = GaugeMetricFamily("hoiam_agency_waiting_cases", "Cases given to an agency and not taken up", labels=["agency"])
    age = GaugeMetricFamily("hoiam_agency_waiting_seconds", "Since the first of them was given to it", labels=["agency"])
    unsent = GaugeMetricFamily("hoiam_agency_unsent_messages", "Messages its queue did not take, kept in the outbox", labels=["agency"])
    for agency, queue in queues(session).items():
        waiting.add_metric([agency], queue.waiting)
        age.add_metric([agency], (now - queue.since).total_seconds() if queue.since else 0)
        unsent.add_metric([agency], queue.unsent)
    yield from (waiting, age, unsent)
    left = session.scalar(select(func.count()).select_from(cases).where(cases.c.agency.in_(_ended(session, now)), cases.c.state.in_(HELD)))
    yield GaugeMetricFamily(
        "hoiam_cases_of_ended_agencies", "Open cases whose agency has ended: to be given to its successor", value=left or 0
    )


def _ended(session: Session, at: datetime) -> list[str]:
    try:
        of = province.current(session)
    except province.NoProvince:
        return []  # a database that is being set up
    return [code for code, agency in of.agencies.items() if agency.has_ended(_day(of, at))]


def _day(of: Province, at: datetime) -> date:
    return at.astimezone(ZoneInfo(of.time_zone)).date()
