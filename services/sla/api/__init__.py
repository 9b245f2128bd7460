"""HTTP of sla: agencies and the operations centre read cases, and ask for the same moves as over the broker."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import APIRouter, Header, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, create_model

from services.sla import handlers, store
from services.sla.api.seeing import visible
from services.sla.domain.custody import Stint, stints
from shared import messages
from shared.access import Role
from shared.envelope import Envelope, new_trace
from shared.messages import AGENCY_REQUESTS, CENTRE_REQUESTS, Outcome
from shared.web import Caller, Desk

SET_BY_US = {"report_id", "at", "actor"}


class CaseView(BaseModel):
    """A case as its agency and the centre see it; who reported is not known here."""

    model_config = ConfigDict(from_attributes=True)
    report_id: UUID
    tracking_code: str
    category: str
    report: dict[str, Any]
    state: str
    agency: str
    hop: int
    version: int
    urgent: bool
    sla_class: str
    received_at: AwareDatetime
    due_at: AwareDatetime | None
    submitted_at: AwareDatetime | None
    outcome: Outcome | None
    answer: str
    on_time: bool | None
    explanation: str


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


class CaseDetail(CaseView):
    """``custody``: who held it, from when to when; the working hours sum to all that passed since receipt."""

    clocks: list[ClockView]
    history: list[MoveView]
    custody: list[StintView]


class CasePage(BaseModel):
    """``after`` of the next page is the ``next`` of this one; none when this is the last."""

    cases: list[CaseView]
    next: UUID | None


def routes(desk: Desk) -> APIRouter:
    """All of it."""
    router = APIRouter(prefix="/v1/cases", tags=["cases"])

    @router.get("")
    def cases(
        caller: Caller, agency: str = "", state: str = "", after: UUID | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> CasePage:
        """The work list. An agency sees its own cases only."""
        own = caller.agency if caller.role == Role.AGENCY else agency
        with desk.sessions() as session:
            page = store.page_of_cases(session, agency=own, state=state, after=after, limit=limit)
            views = [CaseView.model_validate(case) for case in page]
        return CasePage(cases=views, next=views[-1].report_id if len(views) == limit else None)

    @router.get("/{report_id}")
    def case(report_id: UUID, caller: Caller) -> CaseDetail:
        """One case with its clocks and its whole history."""
        with desk.sessions() as session:
            found = visible(store.asked_case(session, report_id), caller)
            moves = store.history_of(session, report_id)
            custody = [_held(stint) for stint in stints(moves, store.timekeeper(session, found).calendar, desk.clock())]
            history = [MoveView.model_validate(move) for move in moves]
            clocks = [ClockView.model_validate(clock) for clock in found.clocks]
            view = CaseView.model_validate(found)
        return CaseDetail(**view.model_dump(), clocks=clocks, history=history, custody=custody)

    for kind in (*AGENCY_REQUESTS, *CENTRE_REQUESTS):
        if kind in handlers.HANDLERS:
            router.add_api_route(f"/{{report_id}}/{kind.topic}", _door(desk, kind), methods=["POST"], name=kind.topic)
    return router


def _held(stint: Stint) -> StintView:
    hours = round(stint.working / timedelta(hours=1), 2)
    return StintView(holder=stint.holder, begins=stint.begins, ends=stint.ends, working_hours=hours)


def _door(desk: Desk, kind: type[messages.Request]) -> Callable[..., Awaitable[CaseView]]:
    """The HTTP way for one kind of request: its body is the message without what we know ourselves."""
    fields: dict[str, Any] = {name: (f.annotation, f) for name, f in kind.model_fields.items() if name not in SET_BY_US}
    body_model = create_model(f"{kind.__name__}Body", __config__=ConfigDict(extra="forbid"), **fields)

    async def ask(
        report_id: UUID,
        body: body_model,
        caller: Caller,
        idempotency_key: Annotated[str, Header(max_length=255)] = "",
    ) -> CaseView:
        message = kind(report_id=report_id, at=desk.clock(), actor=caller.actor, **body.model_dump())
        await desk.commit(_named(message, desk, idempotency_key))
        with desk.sessions() as session:
            return CaseView.model_validate(store.asked_case(session, report_id))

    return ask


def _named(message: messages.Request, desk: Desk, key: str) -> Envelope:
    """The same key of the same caller for the same case and request is the same message."""
    envelope = Envelope.of(message, source=desk.service)
    if not key:
        return envelope
    name = uuid5(NAMESPACE_URL, f"{message.actor}/{message.report_id}/{message.topic}/{key}")
    return Envelope(message=message, id=name, source=desk.service, correlation_id=name, traceparent=new_trace())
