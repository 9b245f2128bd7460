"""Work lists: which cases are in which, and what an officer wants to know of each at a glance."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from services.sla.domain.case import Case
from services.sla.domain.clocks import Clock, Timekeeper
from services.sla.domain.lifecycle import OPEN, State


class View(StrEnum):
    """``mine`` is what runs against the asker: of an agency what it has to take up and to do, of the operations centre what it has to
    route and to approve. ``supporting`` is what others hold and the agency helps with."""

    ALL = "all"
    OPEN = "open"
    MINE = "mine"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    WAITING_FOR_APPROVAL = "waiting_for_approval"
    WAITING_FOR_REPORTER = "waiting_for_reporter"
    TO_ANSWER = "to_answer"
    SUPPORTING = "supporting"


OF_THE_CENTRE = (State.RECEIVED, State.SUBMITTED)
WORKED_ON = (State.RECEIVED, State.ROUTED, State.IN_PROGRESS)  # the time to the reporter's deadline runs
STATES: Mapping[View, tuple[State, ...]] = {
    View.ALL: tuple(State),
    View.OPEN: OPEN,
    View.MINE: WORKED_ON,
    View.DUE_SOON: WORKED_ON,
    View.OVERDUE: (*WORKED_ON, State.WAITING),
    View.WAITING_FOR_APPROVAL: (State.SUBMITTED,),
    View.WAITING_FOR_REPORTER: (State.WAITING,),
}
BY_DEADLINE = frozenset({View.DUE_SOON, View.OVERDUE, View.TO_ANSWER})  # lists that have no other order
MAYBE_UNDATED = frozenset({State.RECEIVED, State.REFUSED, State.CANCELLED, State.MERGED})  # they may never have been routed


Code = Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z0-9_-]*$")]


class Wanted(BaseModel):
    """Which cases, in which order: ``due`` is by what is due soonest (of ``to_answer`` the answer), ``report`` by report id, which is by
    time of receipt. Ranges begin with ``…_from`` and end before ``…_until``. ``hours``: how soon ``due_soon`` is, in plain hours; one
    working day when it is not given."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    view: View = View.ALL
    order: Literal["due", "report"] | None = Field(None, description="`due` unless the view is `all`, then `report`.")
    agency: Code = ""
    state: State | None = None
    category: Code = ""
    area: Code = ""
    sla_class: Code = ""
    urgent: bool | None = None
    emergency: bool | None = Field(None, description="Under an order of emergency, or not.")
    received_from: AwareDatetime | None = None
    received_until: AwareDatetime | None = None
    due_from: AwareDatetime | None = None
    due_until: AwareDatetime | None = None
    hours: int | None = Field(None, ge=1, le=720)

    @model_validator(mode="after")
    def _in_an_order_it_has(self) -> Self:
        if self.order == "report" and self.view in BY_DEADLINE:
            raise ValueError(f"the view {self.view} is in the order of deadlines only")
        return self

    @property
    def by_report(self) -> bool:
        """Whether they are wanted in the order of their reports."""
        return (self.order or ("report" if self.view == View.ALL else "due")) == "report"


def soon(keeper: Timekeeper, at: datetime, *, agency: str, hours: int | None = None) -> datetime:
    """Until when something is due soon: so many hours, or one working day of ``agency`` (seven and a half hours of it in Quảng Trị)."""
    if hours:
        return at + timedelta(hours=hours)
    calendar = keeper.hours.get(agency, keeper.calendar)
    return calendar.add(at, calendar.day)


def is_overdue(case: Case, at: datetime) -> bool:
    """Whether an open case is past the reporter's deadline: by now, or when its result was handed in or the reporter was asked."""
    stopped = {State.WAITING: case.paused_at, State.SUBMITTED: case.submitted_at}
    return case.state in OPEN and case.is_overdue(stopped.get(case.state) or at)


def next_clock(case: Case, at: datetime) -> Clock | None:
    """Of the clocks that run and have not run out, the one that runs out first."""
    left = (clock for clock in case.clocks if clock.running and clock.due_at >= at)
    return min(left, key=lambda clock: clock.due_at, default=None)


def unanswered(case: Case) -> int:
    """How many messages of the reporter wait for their answer."""
    return sum(1 for _ in case.running("answer"))
