"""What the operations centre decides: the worth of a result, more time, that a report is not for this system, that a case opens again."""

from datetime import datetime

from services.sla.domain import dispatch
from services.sla.domain.case import Case
from services.sla.domain.clocks import Timekeeper
from services.sla.domain.lifecycle import OPEN, after
from shared import messages as say
from shared.errors import Refused
from shared.messages import Message

POLICY = "policy"


def approve(case: Case, request: say.ApproveResult, keeper: Timekeeper) -> list[Message]:
    """The answer goes to the reporter; whether it was on time counts from when it was handed in."""
    case.check_fresh(request)
    return _approve(case, keeper, actor=request.actor, at=request.at, upheld=request.objection_upheld)


def approve_by_policy(case: Case, keeper: Timekeeper, at: datetime) -> list[Message]:
    """Where the policy approves by itself; never what a reporter objected to."""
    if not keeper.province.policy.automatic_approval or case.objections:
        return []
    return _approve(case, keeper, actor=POLICY, at=at, upheld=True)


def _approve(case: Case, keeper: Timekeeper, *, actor: str, at: datetime, upheld: bool) -> list[Message]:
    on_time = _on_time(case, upheld=upheld)
    ruling = {"objection_upheld": upheld} if case.objections else {}
    times = {"due_at": _written(case.due_at), "submitted_at": _written(case.submitted_at)}
    case.move("approve", actor=actor, at=at, on_time=on_time, **times, **ruling)
    case.on_time = on_time
    case.stop(at, "approve")
    case.start("objection", keeper.allowance("objection"), keeper, at)
    said = {"outcome": case.outcome, "answer": case.answer, "submitted_at": case.submitted_at, "due_at": case.due_at, "on_time": on_time}
    return [say.CaseResolved.model_validate({**case.head(at), **said, "evidence": case.evidence})]


def _written(at: datetime | None) -> str:
    return at.isoformat() if at else ""


def _on_time(case: Case, *, upheld: bool) -> bool:
    """An upheld objection turns on time into late; an unfounded one leaves the first result."""
    if case.objections:
        return not upheld and bool(case.first_on_time)
    return bool(case.submitted_at and case.due_at and case.submitted_at <= case.due_at)


def send_back(case: Case, request: say.SendBackResult, keeper: Timekeeper) -> list[Message]:
    """The submission is void: the resolve clock runs on to the same deadline as if it had never stopped."""
    head = case.moved_by("send_back", request, reason=request.reason)
    case.submitted_at, case.outcome, case.answer, case.evidence = None, None, "", []
    case.stop(request.at, "approve")
    case.resume_clock(keeper, request.at)
    return [say.CaseSentBack(**head, reason=request.reason), dispatch.assignment(case, request.at, keeper, take_up_by=request.at)]


def check_extension(case: Case, *, until: datetime, at: datetime, keeper: Timekeeper) -> None:
    """Before expiry, as often as the policy says, and by no more than the original time. Raises :class:`Refused` saying which it is."""
    if case.state not in OPEN or case.due_at is None or case.promised_at is None:
        raise Refused(f"a case that is {case.state} has no deadline to extend", code="illegal_move")
    if case.is_overdue(at):
        raise Refused("the deadline has passed: what is late stays late", code="expired")
    if case.extensions >= keeper.province.policy.extensions:
        raise Refused("this case was extended as often as the policy allows", code="extended_before")
    longest = keeper.due(keeper.allowance("resolve", sla_class=case.sla_class), case.due_at)
    if not case.due_at < until <= longest:
        raise Refused(f"an extension ends after {case.due_at.isoformat()} and by {longest.isoformat()}", code="too_long")


def extend(case: Case, request: say.ExtendCase, keeper: Timekeeper) -> list[Message]:
    """More time, with a public reason; counted apart from what was on time in the first place."""
    case.check_fresh(request)
    check_extension(case, until=request.until, at=request.at, keeper=keeper)
    case.extensions += 1
    case.record("extend", actor=request.actor, at=request.at, due_at=request.until.isoformat(), reason=request.reason)
    case.move_deadline(request.until, keeper)
    extended = say.CaseExtended(**case.head(request.at), due_at=request.until, reason=request.reason)
    return [extended, *dispatch.reassignment(case, request.at, keeper)]


def refuse(case: Case, request: say.RefuseReport, _keeper: Timekeeper) -> list[Message]:
    """Not for this system: with a reason and where to go instead."""
    _check_alone(case)
    reason = {"reason_code": request.reason_code, "reason": request.reason}
    head = case.moved_by("refuse", request, **reason)
    case.stop_work(request.at)
    return [say.CaseRefused(**head, **reason, redirect=request.redirect), *dispatch.withdrawal(case, request.at, request.reason)]


def cancel(case: Case, request: say.CancelCase, _keeper: Timekeeper) -> list[Message]:
    """By the centre, while it is open."""
    _check_alone(case)
    case.check_fresh(request)
    return call_off(case, actor=request.actor, at=request.at, reason=request.reason)


def call_off(case: Case, *, actor: str, at: datetime, reason: str) -> list[Message]:
    """There is nothing more to do."""
    case.move("cancel", actor=actor, at=at, reason=reason)
    case.stop_work(at)
    return [say.CaseCancelled(**case.head(at), reason=reason), *dispatch.withdrawal(case, at, reason)]


def reopen(case: Case, request: say.ReopenCase, keeper: Timekeeper) -> list[Message]:
    """The centre found that it was not done after all, however long ago it was closed."""
    case.check_fresh(request)
    return open_again(case, "reopen", keeper, actor=request.actor, at=request.at, reason=request.reason)


def open_again(case: Case, trigger: str, keeper: Timekeeper, *, actor: str, at: datetime, reason: str) -> list[Message]:
    """The credit is revoked at once; the work has the time of its class once more, from now."""
    after(trigger, case.state)  # before its class is asked for: what was never routed has none
    due_at = keeper.due(keeper.allowance("resolve", sla_class=case.sla_class), at)
    case.move(trigger, actor=actor, at=at, reason=reason, due_at=due_at.isoformat())
    case.first_on_time = case.on_time if case.objections == 0 else case.first_on_time
    case.objections += 1
    case.on_time, case.submitted_at, case.due_at = None, None, due_at
    case.stop(at, "objection")
    case.start_until("resolve", due_at, keeper, at)
    reopened = say.CaseReopened(**case.head(at), reason=reason, due_at=due_at)
    return [reopened, *dispatch.reassignment(case, at, keeper)]


def _check_alone(case: Case) -> None:
    if case.followers:
        raise Refused(f"{case.followers} other reports follow this case: let them go (unmerge) first", code="has_followers")
