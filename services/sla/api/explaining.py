"""Why a case is due when it is: how its deadline was counted, what was skipped and why, and what is left."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from services.sla import store
from services.sla.api.seeing import visible
from services.sla.domain.calendar import Calendar
from services.sla.domain.closures import Kind
from services.sla.domain.deadline import Deadline, Pause, Step, deadline_of
from services.sla.domain.explaining import Skipped, explain, made_up
from services.sla.domain.phrasing import in_words
from shared.province import Wording
from shared.web import Caller, Desk


class GrantView(BaseModel):
    """What the class gives, under the order of emergency where there is one."""

    amount: int
    unit: Literal["minutes", "hours", "days"]
    time: Literal["working", "wall"]


class OrderView(BaseModel):
    """The order of emergency a case is under: so much of the usual time."""

    order: str
    percent: int


class StepView(BaseModel):
    """What set or moved the deadline. ``hours`` were counted or added from ``since`` on, in the time that counts for the class."""

    trigger: str
    at: AwareDatetime
    since: AwareDatetime
    due_at: AwareDatetime
    hours: float
    sla_class: str
    reason: str


class PauseView(BaseModel):
    """The reporter was asked; ``ends`` is null while the answer is waited for. What it added to the deadline is a step of its own."""

    begins: AwareDatetime
    ends: AwareDatetime | None
    hours: float


class SkippedView(BaseModel):
    """Time that does not count: ``hours`` of plain time, in ``times`` stretches between the two moments (nights, breaks at noon)."""

    kind: Kind
    reason: Wording
    begins: AwareDatetime
    ends: AwareDatetime
    times: int
    hours: float


class MadeUpView(BaseModel):
    """A day that is worked although it usually is not."""

    day: date
    reason: Wording


class DeadlineView(BaseModel):
    """``used_hours`` and ``left_hours`` (negative once overdue) in the time that counts: now, or when the result was handed in, the
    reporter was asked, or the case ended. ``skipped`` is what does not count from ``starts_at`` to ``due_at``; none for urgent classes."""

    starts_at: AwareDatetime
    due_at: AwareDatetime
    sla_class: str
    granted: GrantView
    emergency: OrderView | None
    steps: list[StepView]
    in_words: list[Wording]
    pauses: list[PauseView]
    skipped: list[SkippedView]
    made_up: list[MadeUpView]
    used_hours: float
    left_hours: float


class ExplanationView(BaseModel):
    """``deadline`` is null until the case is routed for the first time: only then is its class known."""

    report_id: UUID
    tracking_code: str
    state: str
    at: AwareDatetime
    deadline: DeadlineView | None


def routes(desk: Desk) -> APIRouter:
    """The one of them."""
    router = APIRouter(prefix="/v1/cases", tags=["cases"])

    @router.get("/{report_id}/explanation")
    def explanation(report_id: UUID, caller: Caller, limit: Annotated[int, Query(ge=8, le=500)] = 20) -> ExplanationView:
        """Why the case is due when it is. ``limit``: skipped time is told in no more entries than that, summed up by kind where it must."""
        at = desk.clock()
        with desk.sessions() as session:
            case = visible(store.asked_case(session, report_id), caller)
            keeper = store.timekeeper(session, case)
            found = deadline_of(case, store.history_of(session, report_id), keeper, at)
            known = {"report_id": case.report_id, "tracking_code": case.tracking_code, "state": case.state}
        return ExplanationView(**known, at=at, deadline=_deadline(found, keeper.calendar, limit) if found else None)

    return router


def _deadline(of: Deadline, calendar: Calendar, limit: int) -> DeadlineView:
    span = (of.starts_at, of.due_at)
    skipped = [] if of.on_the_wall else explain(calendar, *span, limit=limit)
    worked = [] if of.on_the_wall else made_up(calendar, *span)
    return DeadlineView(
        starts_at=_local(of.starts_at, calendar),
        due_at=_local(of.due_at, calendar),
        sla_class=of.sla_class,
        granted=GrantView(amount=of.allowance.amount, unit=of.allowance.unit, time=of.allowance.time),
        emergency=OrderView(order=of.emergency.order, percent=of.emergency.percent) if of.emergency else None,
        steps=[_step(step, calendar) for step in of.steps],
        in_words=in_words(of, calendar),
        pauses=[_pause(pause, calendar) for pause in of.pauses],
        skipped=[_skipped(one) for one in skipped],
        made_up=[MadeUpView(day=day, reason=Wording(vi=reason.vi, en=reason.en)) for day, reason in worked],
        used_hours=_hours(of.used),
        left_hours=_hours(of.left),
    )


def _step(step: Step, calendar: Calendar) -> StepView:
    at, since, due_at = (_local(moment, calendar) for moment in (step.at, step.since, step.due_at))
    hours, words = _hours(step.added), {"trigger": step.trigger, "sla_class": step.sla_class, "reason": step.reason}
    return StepView(at=at, since=since, due_at=due_at, hours=hours, **words)


def _pause(pause: Pause, calendar: Calendar) -> PauseView:
    ends = _local(pause.ends, calendar) if pause.ends else None
    return PauseView(begins=_local(pause.begins, calendar), ends=ends, hours=_hours(pause.length))


def _skipped(one: Skipped) -> SkippedView:
    reason = Wording(vi=one.reason.vi, en=one.reason.en)
    return SkippedView(kind=one.reason.kind, reason=reason, begins=one.begins, ends=one.ends, times=one.times, hours=_hours(one.length))


def _local(moment: datetime, calendar: Calendar) -> datetime:
    """As the clock of the province shows it, whatever zone it was stored in."""
    return moment.astimezone(calendar.zone)


def _hours(time: timedelta) -> float:
    return round(time / timedelta(hours=1), 2)
