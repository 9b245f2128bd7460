"""What may be asked of a case as it is now, so that nobody is offered what would be refused."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from services.sla.domain.case import Case
from services.sla.domain.clocks import Timekeeper
from services.sla.domain.lifecycle import OPEN, State, possible

Guard = Callable[[Case, Timekeeper, datetime], bool]


def choices(case: Case, keeper: Timekeeper, at: datetime) -> list[str]:
    """The names of the requests that the rules allow now, whoever makes them, if what they say is sound."""
    return [name for name, guard in GUARDS.items() if guard(case, keeper, at)]


def _move(trigger: str) -> Guard:
    return lambda case, _keeper, _at: possible(trigger, case.state)


def _alone(trigger: str) -> Guard:
    return lambda case, _keeper, _at: possible(trigger, case.state) and not case.followers


def _return(case: Case, keeper: Timekeeper, _at: datetime) -> bool:
    return possible("return", case.state) and case.bounces < keeper.province.policy.bounces


def _ask(case: Case, keeper: Timekeeper, _at: datetime) -> bool:
    left = keeper.working(keeper.province.policy.pause_limit) - timedelta(seconds=case.paused_seconds)
    return possible("ask", case.state) and left > timedelta(0)


def _extend(case: Case, keeper: Timekeeper, at: datetime) -> bool:
    in_time = case.state in OPEN and case.due_at is not None and not case.is_overdue(at)
    return in_time and case.extensions < keeper.province.policy.extensions


GUARDS: Mapping[str, Guard] = {
    "accept": _move("accept"),
    "return": _return,
    "ask": _ask,
    "answer": lambda case, _keeper, _at: any(case.running("answer")),
    "request_extension": _extend,
    "submit_result": lambda case, _keeper, _at: case.state in {State.ROUTED, State.IN_PROGRESS},  # from routed it takes the case up too
    "report_progress": lambda case, _keeper, _at: case.state in OPEN,
    "route": _move("route"),
    "refuse": _alone("refuse"),
    "approve": _move("approve"),
    "send_back": _move("send_back"),
    "extend": _extend,
    "reopen": _move("reopen"),
    "cancel": _alone("cancel"),
    "merge": _alone("merge"),
    "unmerge": _move("unmerge"),
}
