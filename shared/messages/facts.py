"""Facts: what happened, in the past tense, each said by one owner."""

from datetime import date
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.messages.kinds import CaseFact, Fact, Location, Outcome, Photo

# --- intake ----------------------------------------------------------------------------------------------------------


class ReportReceived(Fact):
    """``reachable``: a contact was left, and follows sealed in ``reporter.reachable``. ``advice`` are codes of the province's redirects: it
    seems to belong elsewhere; ``abusive``: it holds an insult. Both are hints for the operations centre, and decide nothing."""

    topic = "report.received"
    tracking_code: str
    portal: str
    category: str
    description: str
    location: Location
    attributes: dict[str, str] = Field(default_factory=dict)
    urgent: bool = False
    reachable: bool = False
    language: str = "vi"
    media: tuple[Photo, ...] = ()
    advice: tuple[str, ...] = ()
    abusive: bool = False


class ReportCommented(Fact):
    """A word from the reporter; starts its own answer clock."""

    topic = "report.commented"
    comment_id: UUID
    text: str


class ReportWithdrawn(Fact):
    topic = "report.withdrawn"
    reason: str = ""


class ReportRated(Fact):
    """``rating``: 4 very satisfied, 3 satisfied, 2 acceptable, 1 not satisfied."""

    topic = "report.rated"
    rating: int = Field(ge=1, le=4)
    reasons: tuple[str, ...] = ()


class ReportObjected(Fact):
    topic = "report.objected"
    reason: str


# --- routing ---------------------------------------------------------------------------------------------------------


class ReportRouted(Fact):
    """``hop`` counts the routings of this report from 1; ``explanation`` is for people, in Vietnamese."""

    topic = "report.routed"
    agency: str
    supporting: tuple[str, ...] = ()
    rule: str
    explanation: str
    sla_class: str
    urgent: bool = False
    hop: int = 1


class ReportUnrouted(Fact):
    """No rule fits: the operations centre routes it by hand."""

    topic = "report.unrouted"
    explanation: str
    hop: int = 1


# --- sla -------------------------------------------------------------------------------------------------------------


class CaseOpened(CaseFact):
    topic = "case.opened"
    tracking_code: str
    category: str


class CaseAssigned(CaseFact):
    """The case has a (new) holder, named by ``rule``; ``due_at`` is the reporter's deadline, ``category`` what it is about by now."""

    topic = "case.assigned"
    due_at: AwareDatetime
    hop: int
    urgent: bool = False
    rule: str = ""
    category: str = ""


class CaseAccepted(CaseFact):
    """``silent``: the take-up clock ran out, which counts as acceptance."""

    topic = "case.accepted"
    due_at: AwareDatetime
    silent: bool = False


class CaseReturned(CaseFact):
    """``agency`` gave it back; ``hop`` is how often the report was routed so far."""

    topic = "case.returned"
    reason: str
    proposed_agency: str = ""
    hop: int


class CaseQuestioned(CaseFact):
    """``until``: then the work goes on without an answer."""

    topic = "case.questioned"
    question: str
    until: AwareDatetime | None = None


class CaseResumed(CaseFact):
    topic = "case.resumed"
    due_at: AwareDatetime


class ExtensionWanted(CaseFact):
    """An agency asks the operations centre for time until ``until``; only the centre can give it."""

    topic = "case.extension_wanted"
    until: AwareDatetime
    reason: str


class CaseExtended(CaseFact):
    """``reason`` is public."""

    topic = "case.extended"
    due_at: AwareDatetime
    reason: str


class CaseSubmitted(CaseFact):
    """``evidence``: photos of the result, by their addresses, or ``media:<id>`` with an id intake gave the agency."""

    topic = "case.submitted"
    outcome: Outcome
    answer: str
    evidence: tuple[str, ...] = ()


class CaseSentBack(CaseFact):
    topic = "case.sent_back"
    reason: str


class CaseResolved(CaseFact):
    """``on_time``: submitted by ``due_at``; the moment of approval doesn't count against the agency.

    ``evidence`` as in ``case.submitted``.
    """

    topic = "case.resolved"
    outcome: Outcome
    answer: str
    submitted_at: AwareDatetime
    due_at: AwareDatetime
    on_time: bool
    evidence: tuple[str, ...] = ()


class CaseReopened(CaseFact):
    """The credit for the first answer is gone until the second is approved; ``due_at`` is the deadline of the work to be done again."""

    topic = "case.reopened"
    reason: str
    due_at: AwareDatetime | None = None


class CaseClosed(CaseFact):
    topic = "case.closed"


class CaseRefused(CaseFact):
    """``redirect``: where the reporter can go instead."""

    topic = "case.refused"
    reason_code: str
    reason: str
    redirect: str


class CaseMerged(CaseFact):
    """The same matter as another report: it follows that report's case, and its reporter hears what becomes of it."""

    topic = "case.merged"
    leader_id: UUID


class CaseUnmerged(CaseFact):
    """A matter of its own after all; it is routed anew, to the deadline it had."""

    topic = "case.unmerged"
    leader_id: UUID
    due_at: AwareDatetime | None = None


class CaseCancelled(CaseFact):
    topic = "case.cancelled"
    reason: str


class CaseAnswered(CaseFact):
    """The answer to one message of the reporter."""

    topic = "case.answered"
    comment_id: UUID
    answer: str
    on_time: bool


class CaseProgressed(CaseFact):
    """Word from the agency while the work goes on; ``expected_on`` is the day it now promises."""

    topic = "case.progressed"
    text: str
    expected_on: date | None = None


class ClockFact(CaseFact):
    """``clock`` is route, take_up, resolve, approve, answer, progress, objection or pause; ``urgent`` as the case is."""

    clock: str
    due_at: AwareDatetime
    urgent: bool = False


class ClockWarned(ClockFact):
    """``share`` of the allowance is used up: 0.5 or 0.8."""

    topic = "clock.warned"
    share: float


class ClockBreached(ClockFact):
    topic = "clock.breached"


class ClockEscalated(ClockFact):
    """``step`` 1 is the head of the agency, 2 the operations centre, 3 the provincial office."""

    topic = "clock.escalated"
    step: int


class ClockMet(ClockFact):
    topic = "clock.met"
    on_time: bool


class AuditRoot(Fact):
    """The root of all histories that grew, once for each ``day`` of the province. About no one report: its subject is made from the day.

    ``root`` and ``previous``, the root before it, are 64 hexadecimal digits. Whoever keeps them can prove later that nothing was rewritten.
    """

    topic = "audit.root"
    day: date
    size: int
    previous: str
    root: str


# --- notify ----------------------------------------------------------------------------------------------------------


class NoticeDelivered(Fact):
    """``about`` is the topic of the fact it told; who heard it is not said."""

    topic = "notice.delivered"
    notice_id: UUID
    channel: str
    about: str


class NoticeFailed(Fact):
    topic = "notice.failed"
    notice_id: UUID
    channel: str
    about: str
    reason: str
