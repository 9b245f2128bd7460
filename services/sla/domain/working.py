"""What the agency that holds a case does: takes it up, asks the reporter, reports progress, wants more time, hands in its result."""

from datetime import datetime, timedelta

from services.sla.domain import deciding
from services.sla.domain.case import Case
from services.sla.domain.clocks import Timekeeper
from services.sla.domain.lifecycle import OPEN, State
from shared import messages as say
from shared.errors import Refused
from shared.messages import Message


def accept(case: Case, request: say.AcceptCase, _keeper: Timekeeper) -> list[Message]:
    """The agency takes it up."""
    case.check_holder(request)
    return take_up(case, request.actor, request.at, silent=False)


def take_up(case: Case, actor: str, at: datetime, *, silent: bool) -> list[Message]:
    """By its word, or by its silence."""
    case.move("accept", actor=actor, at=at)
    case.stop(at, "take_up")
    return [say.CaseAccepted(**case.head(at), due_at=case.due, silent=silent)]


def ask(case: Case, request: say.AskReporter, keeper: Timekeeper) -> list[Message]:
    """The reporter's time is not the agency's: the resolve clock pauses, within what the policy allows in all, and never once overdue."""
    case.check_holder(request)
    left = keeper.working(keeper.province.policy.pause_limit) - timedelta(seconds=case.paused_seconds)
    if left <= timedelta(0):
        raise Refused("the time for waiting for the reporter is used up: decide with what is known", code="pause_used_up")
    until = keeper.calendar.add(request.at, left)
    head = case.moved_by("ask", request, question=request.question, until=until.isoformat())
    case.paused_at = request.at
    case.stop(request.at, "resolve", "progress")
    case.start_until("pause", until, keeper, request.at)
    return [say.CaseQuestioned(**head, question=request.question, until=until)]


def resume(case: Case, keeper: Timekeeper, *, actor: str, at: datetime) -> list[Message]:
    """The reporter wrote, or the time to wait is over: the deadline moves by the time waited, unless it had passed before."""
    assert case.paused_at is not None
    since, case.paused_at = case.paused_at, None
    waited = case.worked(keeper, since, at)
    case.paused_seconds += int(waited.total_seconds())
    if not case.is_overdue(since):
        on_the_wall = keeper.allowance("resolve", sla_class=case.sla_class).time == "wall"
        case.due_at = case.due + max(at - since, timedelta(0)) if on_the_wall else keeper.calendar.add(case.due, waited)
    case.move("resume", actor=actor, at=at, due_at=case.due.isoformat())
    case.stop(at, "pause")
    case.resume_clock(keeper, at)
    return [say.CaseResumed(**case.head(at), due_at=case.due)]


def report_progress(case: Case, request: say.ReportProgress, keeper: Timekeeper) -> list[Message]:
    """Word for the reporter while the work goes on. Once overdue, it is owed every so often, with a new date."""
    case.check_holder(request)
    if case.state not in OPEN:
        raise Refused(f"a case that is {case.state} has no progress to report", code="illegal_move")
    overdue = case.is_overdue(request.at)
    if overdue and (request.expected_on is None or request.expected_on < request.at.date()):
        raise Refused("this case is overdue: say by what day (expected_on) it will be done", code="date_missing")
    promised = request.expected_on.isoformat() if request.expected_on else ""
    case.record("report_progress", actor=request.actor, at=request.at, text=request.text, expected_on=promised)
    if overdue and any(case.running("progress")):
        case.expect_progress(keeper, request.at)
    return [say.CaseProgressed(**case.head(request.at), text=request.text, expected_on=request.expected_on)]


def want_extension(case: Case, request: say.RequestExtension, keeper: Timekeeper) -> list[Message]:
    """Only the operations centre can give more time; it is told, and the clock runs on."""
    case.check_holder(request)
    deciding.check_extension(case, until=request.until, at=request.at, keeper=keeper)
    case.record("request_extension", actor=request.actor, at=request.at, until=request.until.isoformat(), reason=request.reason)
    return [say.ExtensionWanted(**case.head(request.at), until=request.until, reason=request.reason)]


def submit(case: Case, request: say.SubmitResult, keeper: Timekeeper) -> list[Message]:
    """The resolve clock stops at this moment, void if the result is sent back. Handing in a result also takes the case up."""
    case.check_holder(request)
    _check_evidence(request, keeper)
    accepted = take_up(case, request.actor, request.at, silent=False) if case.state == State.ROUTED else []
    said = {"outcome": request.outcome, "answer": request.answer, "evidence": request.evidence}
    written = {"outcome": request.outcome, "answer": request.answer, "evidence": list(request.evidence)}
    case.move("submit", actor=request.actor, at=request.at, **written)  # not moved_by: who saw it routed is not stale for taking it up
    head = case.head(request.at)
    case.submitted_at, case.outcome, case.answer, case.evidence = request.at, request.outcome, request.answer, list(request.evidence)
    case.stop(request.at, "resolve", "progress")
    case.start("approve", keeper.allowance("approve"), keeper, request.at)
    approved = deciding.approve_by_policy(case, keeper, request.at)
    return [*accepted, say.CaseSubmitted(**head, **said), *approved]


def _check_evidence(request: say.SubmitResult, keeper: Timekeeper) -> None:
    if request.outcome in keeper.province.policy.evidence and not request.evidence:
        raise Refused(f"the outcome {request.outcome} needs a photo of the result: name it in evidence", code="evidence_missing")
