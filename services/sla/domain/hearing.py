"""The reporter's words: each is answered; some move the case."""

from typing import Any

from services.sla.domain import deciding, dispatch, working
from services.sla.domain.case import Case
from services.sla.domain.clocks import Timekeeper
from services.sla.domain.lifecycle import OPEN, State
from shared import messages as say
from shared.errors import NotFound
from shared.messages import Message

REPORTER = "reporter"
SATISFIED = 3  # of 4: such a rating closes the case


def hear(case: Case, comment: say.ReportCommented, keeper: Timekeeper) -> list[Message]:
    """Each message of the reporter starts its own answer clock, in any state: it must be answered within a day."""
    if any(clock.comment_id == comment.comment_id for clock in case.clocks):
        return []  # said twice under two names
    due_at = keeper.due(keeper.allowance("answer"), comment.at)
    case.record("comment", actor=REPORTER, at=comment.at, comment_id=str(comment.comment_id), due_at=due_at.isoformat())
    case.start("answer", keeper.allowance("answer"), keeper, comment.at, comment_id=comment.comment_id)
    case.expect_answers()
    resumed = working.resume(case, keeper, actor=REPORTER, at=comment.at) if case.state == State.WAITING else []
    return [*resumed, *dispatch.comment(case, comment, due_at=due_at)]


def answer(case: Case, request: say.AnswerReporter, _keeper: Timekeeper) -> list[Message]:
    """Only an answer to that message meets its clock."""
    case.check_holder(request)
    clock = next((clock for clock in case.clocks if clock.comment_id == request.comment_id and clock.running), None)
    if clock is None:
        raise NotFound("no message by that comment_id waits for an answer on this case", code="no_such_comment")
    clock.stop(request.at)
    case.expect_answers()
    on_time = request.at <= clock.due_at
    words: dict[str, Any] = {"comment_id": str(request.comment_id), "answer": request.answer, "on_time": on_time}
    case.record("answer", actor=request.actor, at=request.at, **words)
    return [say.CaseAnswered(**case.head(request.at), comment_id=request.comment_id, answer=request.answer, on_time=on_time)]


def withdraw(case: Case, withdrawn: say.ReportWithdrawn, _keeper: Timekeeper) -> list[Message]:
    """Unless the answer was faster. Where other reporters wait for the same answer, the work goes on for them."""
    if case.state not in OPEN:
        return []
    if case.followers:
        case.record("withdraw", actor=REPORTER, at=withdrawn.at, reason=withdrawn.reason)
        return []
    return deciding.call_off(case, actor=REPORTER, at=withdrawn.at, reason=withdrawn.reason)


def rate(case: Case, rated: say.ReportRated, _keeper: Timekeeper) -> list[Message]:
    """A satisfied word closes the case; any other leaves the reporter's time to object running."""
    if case.state not in {State.RESOLVED, State.CLOSED}:
        return []
    case.record("rate", actor=REPORTER, at=rated.at, rating=rated.rating, reasons=list(rated.reasons))
    if case.state == State.CLOSED or rated.rating < SATISFIED:
        return []
    case.stop(rated.at, "objection")
    case.move("close", actor=REPORTER, at=rated.at)
    return [say.CaseClosed(**case.head(rated.at))]


def object_to(case: Case, objected: say.ReportObjected, keeper: Timekeeper) -> list[Message]:
    """Within the window, which is as long as the case is resolved and not closed; later ones were told so by intake."""
    if case.state != State.RESOLVED:
        return []
    return deciding.open_again(case, "object", keeper, actor=REPORTER, at=objected.at, reason=objected.reason)
