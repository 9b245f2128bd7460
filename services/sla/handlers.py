"""What sla understands. Load the case, let it decide, return what it says; ``HANDLERS`` at the foot is the table of contents."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from services.sla import store
from services.sla.domain.case import Case
from services.sla.domain.lifecycle import OPEN, possible
from shared.handling import Handler, moment
from shared.messages import (
    AcceptCase,
    AnswerReporter,
    ApproveResult,
    CancelCase,
    Message,
    RefuseReport,
    ReportCommented,
    ReportProgress,
    ReportReceived,
    ReportRouted,
    ReportUnrouted,
    ReportWithdrawn,
    ReturnCase,
    RouteReport,
    SendBackResult,
    SubmitResult,
    Tick,
)  # fmt: skip


def open_case(received: ReportReceived, session: Session) -> Sequence[Message]:
    if store.known_case(session, received.report_id):
        return []  # said twice under two names
    case, said = Case.open(received, store.timekeeper(session))
    store.add_case(session, case)
    return said


def route_case(routed: ReportRouted, session: Session) -> Sequence[Message]:
    case = store.case_of(session, routed.report_id)
    if routed.hop <= case.hop or not possible("route", case.state):
        return []  # late: the centre or a newer decision was faster, or the reporter withdrew
    return case.route(routed, store.timekeeper(session, case), actor="routing", at=moment(session, routed))


def await_triage(unrouted: ReportUnrouted, session: Session) -> Sequence[Message]:
    case = store.case_of(session, unrouted.report_id)
    if unrouted.hop <= case.hop or not possible("route", case.state):
        return []
    keeper = store.timekeeper(session, case)
    return case.wait_for_triage(moment(session, unrouted), keeper, explanation=unrouted.explanation)


def route_by_hand(request: RouteReport, session: Session) -> Sequence[Message]:
    case = store.asked_case(session, request.report_id)
    return case.route_by_hand(request, store.timekeeper(session, case))


def accept_case(request: AcceptCase, session: Session) -> Sequence[Message]:
    return store.asked_case(session, request.report_id).accept(request)


def return_case(request: ReturnCase, session: Session) -> Sequence[Message]:
    case = store.asked_case(session, request.report_id)
    return case.give_back(request, store.timekeeper(session, case))


def submit_result(request: SubmitResult, session: Session) -> Sequence[Message]:
    case = store.asked_case(session, request.report_id)
    return case.submit(request, store.timekeeper(session, case))


def report_progress(request: ReportProgress, session: Session) -> Sequence[Message]:
    return store.asked_case(session, request.report_id).report_progress(request)


def approve_result(request: ApproveResult, session: Session) -> Sequence[Message]:
    case = store.asked_case(session, request.report_id)
    return case.approve(request, store.timekeeper(session, case))


def send_back_result(request: SendBackResult, session: Session) -> Sequence[Message]:
    case = store.asked_case(session, request.report_id)
    return case.send_back(request, store.timekeeper(session, case))


def refuse_report(request: RefuseReport, session: Session) -> Sequence[Message]:
    return store.asked_case(session, request.report_id).refuse(request)


def cancel_case(request: CancelCase, session: Session) -> Sequence[Message]:
    case = store.asked_case(session, request.report_id)
    return case.cancel(actor=request.actor, at=request.at, reason=request.reason)


def withdraw_report(withdrawn: ReportWithdrawn, session: Session) -> Sequence[Message]:
    case = store.case_of(session, withdrawn.report_id)
    if case.state not in OPEN:
        return []  # the answer was faster
    return case.cancel(actor="reporter", at=withdrawn.at, reason=withdrawn.reason)


def hear_reporter(comment: ReportCommented, session: Session) -> Sequence[Message]:
    case = store.case_of(session, comment.report_id)
    return case.hear(comment, store.timekeeper(session, case))


def answer_reporter(request: AnswerReporter, session: Session) -> Sequence[Message]:
    return store.asked_case(session, request.report_id).answer_comment(request)


def call_due_clocks(tick: Tick, session: Session) -> Sequence[Message]:
    due = store.due_cases(session, tick.at, limit=tick.limit, skip=tick.skip)
    return [said for case in due for said in case.call_clocks(tick.at, store.timekeeper(session, case))]


HANDLERS: Mapping[type, Handler] = {
    ReportReceived: open_case,
    ReportRouted: route_case,
    ReportUnrouted: await_triage,
    ReportWithdrawn: withdraw_report,
    ReportCommented: hear_reporter,
    # agencies
    AcceptCase: accept_case,
    ReturnCase: return_case,
    SubmitResult: submit_result,
    ReportProgress: report_progress,
    AnswerReporter: answer_reporter,
    # the operations centre
    RouteReport: route_by_hand,
    ApproveResult: approve_result,
    SendBackResult: send_back_result,
    RefuseReport: refuse_report,
    CancelCase: cancel_case,
    # time
    Tick: call_due_clocks,
}
