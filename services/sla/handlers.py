"""What sla understands. Load the case, let it decide, return what it says; ``HANDLERS`` at the foot is the table of contents."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from services.sla import store
from services.sla.domain import alarms, assigning, deciding, hearing, merging, working
from services.sla.domain.case import Case
from services.sla.domain.clocks import Timekeeper
from services.sla.domain.lifecycle import State, possible
from services.sla.store import agencies, forecasting, roots
from shared import messages as say
from shared.handling import Handler, moment
from shared.messages import Message, ReportReceived, ReportRouted, ReportUnrouted, Tick

Decide = Callable[[Case, Any, Timekeeper], list[Message]]


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
    said = assigning.route(case, routed, store.timekeeper(session, case), actor="routing", at=moment(session, routed))
    return _with_followers(session, case, said)


def await_triage(unrouted: ReportUnrouted, session: Session) -> Sequence[Message]:
    case = store.case_of(session, unrouted.report_id)
    if unrouted.hop <= case.hop or case.state != State.RECEIVED or unrouted.explanation == case.explanation:
        return []  # late, or said twice under two names: the centre's time does not begin anew
    keeper = store.timekeeper(session, case)
    return assigning.wait_for_triage(case, moment(session, unrouted), keeper, explanation=unrouted.explanation)


def merge_case(request: say.MergeCase, session: Session) -> Sequence[Message]:
    case = store.asked_case(session, request.report_id)
    return merging.merge(case, store.other_case(session, request.leader_id), request)


def unmerge_case(request: say.UnmergeCase, session: Session) -> Sequence[Message]:
    case = store.asked_case(session, request.report_id)
    leader = store.other_case(session, case.leader_id or case.report_id)
    return merging.unmerge(case, leader, request, store.timekeeper(session, case))


def keep_time(tick: Tick, session: Session) -> Sequence[Message]:
    due = store.due_cases(session, tick.at, limit=tick.limit, skip=tick.skip)
    called = [said for case in due for said in _with_followers(session, case, _call(case, tick, session))]
    return [*called, *store.due_reminders(session, tick.at)]


def make_root(tick: Tick, session: Session) -> Sequence[Message]:
    """Run by a loop of its own, so that a day with many cases holds up no deadline."""
    return roots.grow(session, tick.at)


def make_forecast(tick: Tick, session: Session) -> Sequence[Message]:
    """Run by a loop of its own; nothing is said about it, it is asked for."""
    forecasting.renew(session, tick.at)
    return []


def _call(case: Case, tick: Tick, session: Session) -> list[Message]:
    return alarms.call_clocks(case, tick.at, store.timekeeper(session, case))


def _asked(decide: Decide) -> Handler:
    """What somebody asks of a case: an unknown one is an answer of its own."""
    return lambda request, session: _decided(
        decide, agencies.in_name_of_today(session, request), session, store.asked_case(session, request.report_id)
    )


def _told(decide: Decide) -> Handler:
    """What is told about a case: one not opened yet is waited for."""
    return lambda fact, session: _decided(decide, fact, session, store.case_of(session, fact.report_id))


def _decided(decide: Decide, message: Any, session: Session, case: Case) -> Sequence[Message]:
    return _with_followers(session, case, decide(case, message, store.timekeeper(session, case)))


def _with_followers(session: Session, case: Case, said: list[Message]) -> list[Message]:
    followers = store.followers_of(session, case.report_id) if case.followers and said else []
    return [*said, *(copy for follower in followers for fact in said for copy in merging.follow(follower, fact))]


HANDLERS: Mapping[type, Handler] = {
    ReportReceived: open_case,
    ReportRouted: route_case,
    ReportUnrouted: await_triage,
    # the reporter
    say.ReportCommented: _told(hearing.hear),
    say.ReportWithdrawn: _told(hearing.withdraw),
    say.ReportRated: _told(hearing.rate),
    say.ReportObjected: _told(hearing.object_to),
    # agencies
    say.AcceptCase: _asked(working.accept),
    say.ReturnCase: _asked(assigning.give_back),
    say.AskReporter: _asked(working.ask),
    say.AnswerReporter: _asked(hearing.answer),
    say.RequestExtension: _asked(working.want_extension),
    say.SubmitResult: _asked(working.submit),
    say.ReportProgress: _asked(working.report_progress),
    # the operations centre
    say.RouteReport: _asked(assigning.route_by_hand),
    say.RehomeCase: _asked(assigning.rehome),
    say.RefuseReport: _asked(deciding.refuse),
    say.ApproveResult: _asked(deciding.approve),
    say.SendBackResult: _asked(deciding.send_back),
    say.ExtendCase: _asked(deciding.extend),
    say.ReopenCase: _asked(deciding.reopen),
    say.CancelCase: _asked(deciding.cancel),
    say.MergeCase: merge_case,
    say.UnmergeCase: unmerge_case,
    # time
    Tick: keep_time,
}
