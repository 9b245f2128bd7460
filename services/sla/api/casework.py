"""One case: with everything an officer needs to decide what to do about it, and what may be done."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.sla import store
from services.sla.api.seeing import visible
from services.sla.api.versions import IfNoneMatch, is_known, stamp
from services.sla.api.worklists import CaseRow
from services.sla.domain.case import Case
from services.sla.domain.choices import choices
from services.sla.domain.custody import Stint, stints
from shared.access import ROUTES, Principal, Role
from shared.web import Caller, Desk


class ClockView(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str
    started_at: AwareDatetime
    due_at: AwareDatetime
    stopped_at: AwareDatetime | None
    comment_id: UUID | None


class MoveView(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    seq: int
    actor: str
    trigger: str
    source: str
    target: str
    data: dict[str, Any]
    at: AwareDatetime
    hash: str


class StintView(BaseModel):
    """``holder`` is an agency's code, ``reporter``, or empty while the case was closed or followed another."""

    holder: str
    begins: AwareDatetime
    ends: AwareDatetime | None
    working_hours: float


class Worked(BaseModel):
    """What the list of cases leaves out. ``promised_at`` is the deadline first given, ``bounces`` how often it was returned."""

    model_config = ConfigDict(from_attributes=True)
    supporting: list[str]
    evidence: list[str]
    leader_id: UUID | None
    promised_at: AwareDatetime | None
    bounces: int
    extensions: int
    objections: int


class Links(BaseModel):
    """Paths: why it is due when it is, and the proof that its history is in a daily root."""

    explanation: str
    receipt: str


class CaseDetail(Worked, CaseRow):
    """``possible``: what this caller may ask now, each a ``POST /v1/cases/{report_id}/<name>``. ``custody``: who held it, from when to
    when; the working hours sum to all that passed since receipt."""

    possible: list[str]
    links: Links
    clocks: list[ClockView]
    history: list[MoveView]
    custody: list[StintView]


def routes(desk: Desk) -> APIRouter:
    """The one of them."""
    router = APIRouter(prefix="/v1/cases", tags=["cases"])

    @router.get("/{report_id}", response_model=CaseDetail)
    def case(report_id: UUID, caller: Caller, response: Response, if_none_match: IfNoneMatch = "") -> Any:
        """One case with its clocks and its whole history. `ETag` is its version, for `If-Match` of what is asked of it."""
        at = desk.clock()
        with desk.sessions() as session:
            found = visible(store.asked_case(session, report_id), caller)
            stamp(response, found.version)
            if is_known(if_none_match, found.version):
                return Response(status_code=304, headers=dict(response.headers))
            moves, keeper = store.history_of(session, report_id), store.timekeeper(session, found)
            custody = [_held(stint) for stint in stints(moves, keeper.calendar, at)]
            possible = _allowed(choices(found, keeper, at), found, caller)
            return CaseDetail(
                **CaseRow.of(found, at).model_dump(),
                **Worked.model_validate(found).model_dump(),
                possible=possible,
                links=Links(explanation=f"/v1/cases/{report_id}/explanation", receipt=f"/v1/cases/{report_id}/receipt"),
                clocks=[ClockView.model_validate(clock) for clock in found.clocks],
                history=[MoveView.model_validate(move) for move in moves],
                custody=custody,
            )

    return router


def _allowed(names: list[str], case: Case, caller: Principal) -> list[str]:
    """Of what the rules allow, what the table of roles allows the caller; an agency only asks about what it holds."""
    if caller.role == Role.AGENCY and case.agency != caller.agency:
        return []
    return [name for name in names if caller.role in ROUTES[f"POST /v1/cases/{{report_id}}/{name}"]]


def _held(stint: Stint) -> StintView:
    hours = round(stint.working / timedelta(hours=1), 2)
    return StintView(holder=stint.holder, begins=stint.begins, ends=stint.ends, working_hours=hours)
