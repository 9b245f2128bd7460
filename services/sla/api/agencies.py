"""The registry of agencies: whom to call, who follows whom, and how much of what an agency was given it has not taken up."""

from datetime import date, datetime
from typing import Self
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel

from services.sla.store import agencies
from services.sla.store.agencies import Queue
from shared import province
from shared.bus.topology import agency_queue
from shared.errors import NotFound
from shared.province import Agency, Contact, Province, Share, Wording, WorkingHours
from shared.web import Desk


class AgencyLine(BaseModel):
    """``duties_with``: who holds its duties today, itself while it lasts, null when nobody follows. ``waiting`` cases were given to it and
    not taken up, the first at ``waiting_since``; ``unsent`` messages did not fit into its queue and wait to be sent."""

    code: str
    name: Wording
    kind: str
    effective_from: date | None
    effective_to: date | None
    duties_with: str | None
    waiting: int
    waiting_since: AwareDatetime | None
    unsent: int

    @classmethod
    def of(cls, agency: Agency, whole: Province, day: date, queue: Queue) -> Self:
        """As it is on ``day``."""
        now = whole.agency_on(agency.code, day)
        return cls(
            **agency.model_dump(include={"code", "name", "kind", "effective_from", "effective_to"}),
            duties_with=None if now.has_ended(day) else now.code,
            waiting=queue.waiting,
            waiting_since=queue.since,
            unsent=queue.unsent,
            **cls._more(agency, whole),
        )

    @classmethod
    def _more(cls, _agency: Agency, _whole: Province) -> dict[str, object]:
        return {}


class AgencyDetail(AgencyLine):
    """``working_hours`` are the policy's where it keeps none of its own; ``escalation``: who is called when it is late, its own people,
    then those above it. ``queue``: what it reads over AMQP; ``webhook``: where it is called instead, when it is."""

    email: str
    phone: str | None
    duty_phone: str | None
    duty_hours: WorkingHours | None
    working_hours: WorkingHours
    parent: str | None
    successor: str | None
    shares: tuple[Share, ...]
    predecessors: list[str]
    escalation: tuple[Contact, ...]
    queue: str
    webhook: str | None

    @classmethod
    def _more(cls, agency: Agency, whole: Province) -> dict[str, object]:
        fields = {"email", "phone", "duty_phone", "duty_hours", "parent", "successor", "shares", "webhook"}
        before = [
            other.code for other in whole.agencies.values() if agency.code in {other.successor, *(share.agency for share in other.shares)}
        ]
        return {
            **agency.model_dump(include=fields),
            "working_hours": agency.working_hours or whole.policy.working_hours,
            "predecessors": before,
            "escalation": whole.escalation(agency.code),
            "queue": agency_queue(agency.code),
        }


class AgencyList(BaseModel):
    agencies: list[AgencyLine]


def routes(desk: Desk) -> APIRouter:
    """Both of them."""
    router = APIRouter(prefix="/v1/agencies", tags=["agencies"])

    @router.get("")
    def everyone() -> AgencyList:
        """Every agency there is or was, in the order of the registry; a return names one of these."""
        with desk.sessions() as session:
            whole, waiting = province.current(session), agencies.queues(session)
        day = _day(desk.clock(), whole)
        return AgencyList(agencies=[AgencyLine.of(a, whole, day, waiting.get(code, Queue())) for code, a in whole.agencies.items()])

    @router.get("/{code}")
    def agency(code: str) -> AgencyDetail:
        """One agency, with whom to call."""
        with desk.sessions() as session:
            whole, waiting = province.current(session), agencies.queues(session)
        if code not in whole.agencies:
            raise NotFound(f"no agency has the code {code[:40]!r}", code="no_such_agency")
        return AgencyDetail.of(whole.agencies[code], whole, _day(desk.clock(), whole), waiting.get(code, Queue()))

    return router


def _day(at: datetime, of: Province) -> date:
    return at.astimezone(ZoneInfo(of.time_zone)).date()
