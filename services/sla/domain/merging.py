"""Duplicates: a merged case follows its leader, and its reporter hears whatever becomes of that."""

from services.sla.domain import dispatch
from services.sla.domain.case import Case
from services.sla.domain.clocks import Timekeeper
from services.sla.domain.lifecycle import OPEN
from shared import messages as say
from shared.errors import Refused
from shared.messages import CaseFact, Message

FOLLOWED = (
    say.CaseAssigned, say.CaseRehomed, say.CaseAccepted, say.CaseProgressed, say.CaseExtended, say.CaseQuestioned, say.CaseResumed,
    say.CaseResolved, say.CaseReopened, say.CaseClosed,
)  # fmt: skip


def merge(case: Case, leader: Case, request: say.MergeCase) -> list[Message]:
    """The same matter as ``leader``. Whoever leads others, or follows somebody, leads nobody new."""
    _check_leader(case, leader)
    head = case.moved_by("merge", request, leader=str(leader.report_id))
    withdrawn = dispatch.withdrawal(case, request.at, f"trùng với phản ánh {leader.tracking_code}")
    case.stop_work(request.at)
    case.leader_id, case.agency = leader.report_id, leader.agency
    leader.followers += 1
    leader.record("lead", actor=request.actor, at=request.at, follower=str(case.report_id))
    return [say.CaseMerged(**head, leader_id=leader.report_id), *withdrawn]


def _check_leader(case: Case, leader: Case) -> None:
    if leader is case or leader.report_id == case.report_id:
        raise Refused("a case can't follow itself", code="same_case")
    if case.followers:
        raise Refused("other reports follow this case: make it the leader instead", code="has_followers")
    if leader.state not in OPEN:
        raise Refused(f"the case to follow is {leader.state}: only an open one can lead", code="leader_not_open")


def unmerge(case: Case, leader: Case, request: say.UnmergeCase, keeper: Timekeeper) -> list[Message]:
    """A matter of its own after all: the centre routes it anew, to the deadline it had."""
    head = case.moved_by("unmerge", request, leader=str(leader.report_id), reason=request.reason)
    case.leader_id, case.agency = None, keeper.province.centre
    leader.followers -= 1
    leader.record("let_go", actor=request.actor, at=request.at, follower=str(case.report_id))
    case.start("route", keeper.allowance("route", unclear=True), keeper, request.at)
    if case.due_at:
        case.resume_clock(keeper, request.at)
    return [say.CaseUnmerged(**{**head, "agency": case.agency}, leader_id=leader.report_id, due_at=case.due_at)]


def follow(case: Case, said: Message) -> list[Message]:
    """What the leader's reporter hears, this one hears too; whoever answers the leader answers here."""
    if not isinstance(said, FOLLOWED):
        return []
    case.agency = said.agency
    case.record("follow", actor="leader", at=said.at, topic=said.topic)
    copy: CaseFact = said.model_copy(update={"report_id": case.report_id, "version": case.version})
    return [copy]
