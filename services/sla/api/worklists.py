"""What is there to do: work lists, page by page, and how many cases are in each."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from services.sla import store
from services.sla.api import cursors
from services.sla.domain.case import Case
from services.sla.domain.worklists import Code, View, Wanted, is_overdue, next_clock, soon, unanswered
from services.sla.store import worklists
from services.sla.store.worklists import Scope
from shared.access import Principal, Role
from shared.errors import Refused
from shared.messages import Outcome
from shared.web import Caller, Desk


class CaseView(BaseModel):
    """A case as its agency and the centre see it; who reported is not known here."""

    model_config = ConfigDict(from_attributes=True)
    report_id: UUID
    tracking_code: str
    category: str
    area: str
    report: dict[str, Any]
    state: str
    agency: str
    hop: int
    version: int
    urgent: bool
    sla_class: str
    emergency: str
    received_at: AwareDatetime
    due_at: AwareDatetime | None
    submitted_at: AwareDatetime | None
    outcome: Outcome | None
    answer: str
    on_time: bool | None
    followers: int
    answer_by: AwareDatetime | None
    explanation: str


class ClockLine(BaseModel):
    """A clock that runs, and when it runs out."""

    model_config = ConfigDict(from_attributes=True)
    name: str
    due_at: AwareDatetime


class CaseRow(CaseView):
    """``next_clock`` runs out next, null when all have; ``unanswered`` messages of the reporter wait, the first until ``answer_by``;
    ``followers`` are reports merged into this one; ``overdue``: open past ``due_at``, unless the result was in by then."""

    overdue: bool
    next_clock: ClockLine | None
    unanswered: int

    @classmethod
    def of(cls, case: Case, at: datetime) -> Self:
        """As it is ``at``."""
        clock = next_clock(case, at)
        line = ClockLine.model_validate(clock) if clock else None
        known = CaseView.model_validate(case).model_dump()
        return cls(**known, overdue=is_overdue(case, at), next_clock=line, unanswered=unanswered(case))


class CasePage(BaseModel):
    """``next`` goes into ``after`` of the next page, with everything else as it was; null on the last."""

    cases: list[CaseRow]
    next: str | None


class Summary(BaseModel):
    """How many cases are in each view. ``due_soon`` counts those due before ``soon``; ``agency`` is empty for all of the province."""

    agency: str
    at: AwareDatetime
    soon: AwareDatetime
    views: dict[View, int]


class PageOf(Wanted):
    """Which page of which list."""

    after: str = Field("", max_length=300, description="The `next` of the page before.")
    limit: int = Field(50, ge=1, le=200)

    def for_caller(self, caller: Principal) -> Wanted:
        """An agency's lists are its own, whatever it names. Raises :class:`Refused`."""
        own = {"agency": caller.agency} if caller.role == Role.AGENCY else {}
        wanted = Wanted(**self.model_dump(exclude={"after", "limit"}) | own)
        if wanted.view == View.SUPPORTING and not wanted.agency:
            raise Refused("name the agency whose supported cases you want: agency=CODE", code="agency_missing")
        return wanted


def routes(desk: Desk) -> APIRouter:
    """Both of them."""
    router = APIRouter(prefix="/v1/cases", tags=["cases"])

    @router.get("")
    def cases(caller: Caller, of: Annotated[PageOf, Query()]) -> CasePage:
        """A work list. An agency sees what it holds (and, in `supporting`, what it helps with) and nothing else."""
        wanted, at = of.for_caller(caller), desk.clock()
        query = wanted.model_dump_json()
        after = cursors.read(of.after, query) if of.after else None
        with desk.sessions() as session:
            found, end = worklists.page(session, wanted, _scope(session, wanted, at), after=after, limit=of.limit)
            rows = [CaseRow.of(case, at) for case in found]
        return CasePage(cases=rows, next=cursors.written(end, query) if end else None)

    @router.get("/summary")
    def summary(caller: Caller, agency: Annotated[Code, Query()] = "") -> Summary:
        """How much is in each view: of the caller's agency, of `agency`, or of the whole province."""
        own, at = caller.agency if caller.role == Role.AGENCY else agency, desk.clock()
        with desk.sessions() as session:
            scope = _scope(session, Wanted(agency=own), at)
            return Summary(agency=own, at=at, soon=scope.soon, views=worklists.counts(session, own, scope))

    return router


def _scope(session: Session, wanted: Wanted, at: datetime) -> Scope:
    keeper = store.timekeeper(session)
    return Scope(at=at, soon=soon(keeper, at, agency=wanted.agency, hours=wanted.hours), centre=keeper.province.centre)
