"""The published language: everything the services, the agencies and the operations centre say to one another.

Facts are in the past tense and have one owner; requests are imperative and may be refused; what agencies read comes to
their queue. Messages only grow: an optional field may be added, a changed meaning is a new message.
The wire form (CloudEvents) is in ``shared.envelope``; ``docs/asyncapi.yaml`` is generated from here.
"""

from datetime import date
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.bus import AGENCIES, EVENTS, REQUESTS
from shared.texts import Text


class Message(BaseModel):
    """``report_id`` is the CloudEvents subject, ``at`` its time: when it happened, not when it was sent."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    topic: ClassVar[str]
    report_id: UUID
    at: AwareDatetime


class Fact(Message):
    """Something that happened; published on ``hoiam.events`` under its topic."""


class CaseFact(Fact):
    """``version`` counts the facts of one case; a reader ignores what is older than what it has. ``agency`` holds the case."""

    version: int
    agency: str


class Request(Message):
    """``actor`` is who asks, as the receiving service proved it (``agency:dh``, ``operator:lan``): never read from the body.

    ``version`` is the case version the asker saw; an older one than the case's is refused as stale.
    """

    actor: str = Field(default="", exclude=True)
    version: int | None = None


class ToAgency(Message):
    """Comes to the queue of ``agency``; never carries who reported."""

    agency: str


class Outcome(StrEnum):
    """What the agency says it did; every closing names one."""

    FIXED = "fixed"
    EXPLAINED = "explained"
    PLANNED = "planned"
    NOT_FOUND = "not_found"


class Location(BaseModel):
    """WGS 84 degrees when a point is known; ``area`` is an area code of the province."""

    model_config = ConfigDict(frozen=True)
    area: str = ""
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None


# --- intake ---------------------------------------------------------------------------------------------------------


class ReportReceived(Fact):
    """``reachable``: a contact was left, and follows sealed in ``reporter.reachable``."""

    topic = "report.received"
    tracking_code: str
    portal: str
    category: str
    description: str
    location: Location
    attributes: dict[str, str] = {}
    urgent: bool = False
    reachable: bool = False
    language: str = "vi"


class ReporterReachable(Fact):
    """``sealed``: the contact, readable only with the sealing key. Bound to notify's inbox alone."""

    topic = "reporter.reachable"
    sealed: str


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
    rating: int
    reasons: tuple[str, ...] = ()


class ReportObjected(Fact):
    topic = "report.objected"
    reason: str


class ReportMerged(Fact):
    topic = "report.merged"
    leader_id: UUID


class ReportUnmerged(Fact):
    topic = "report.unmerged"
    leader_id: UUID


# --- routing --------------------------------------------------------------------------------------------------------


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


# --- sla ------------------------------------------------------------------------------------------------------------


class CaseOpened(CaseFact):
    topic = "case.opened"
    tracking_code: str
    category: str


class CaseAssigned(CaseFact):
    """The case has a (new) holder; ``due_at`` is the reporter's deadline."""

    topic = "case.assigned"
    due_at: AwareDatetime
    hop: int


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
    topic = "case.questioned"
    question: str


class CaseResumed(CaseFact):
    topic = "case.resumed"
    due_at: AwareDatetime


class CaseExtended(CaseFact):
    topic = "case.extended"
    due_at: AwareDatetime
    reason: str


class CaseSubmitted(CaseFact):
    topic = "case.submitted"
    outcome: Outcome
    answer: str


class CaseSentBack(CaseFact):
    topic = "case.sent_back"
    reason: str


class CaseResolved(CaseFact):
    """``on_time``: submitted by ``due_at``; the moment of approval doesn't count against the agency."""

    topic = "case.resolved"
    outcome: Outcome
    answer: str
    submitted_at: AwareDatetime
    due_at: AwareDatetime
    on_time: bool


class CaseReopened(CaseFact):
    topic = "case.reopened"
    reason: str


class CaseClosed(CaseFact):
    topic = "case.closed"


class CaseRefused(CaseFact):
    """``redirect``: where the reporter can go instead."""

    topic = "case.refused"
    reason_code: str
    reason: str
    redirect: str


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
    """``clock`` is route, take_up, resolve, approve, answer, progress or objection."""

    clock: str
    due_at: AwareDatetime


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


# --- notify ---------------------------------------------------------------------------------------------------------


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


# --- requests of an agency --------------------------------------------------------------------------------------------


class AcceptCase(Request):
    topic = "accept"


class ReturnCase(Request):
    topic = "return"
    reason: Text = Field(min_length=10)
    proposed_agency: str = ""


class AskReporter(Request):
    topic = "ask"
    question: Text = Field(min_length=5)


class AnswerReporter(Request):
    topic = "answer"
    comment_id: UUID
    answer: Text = Field(min_length=5)


class RequestExtension(Request):
    topic = "request_extension"
    until: AwareDatetime
    reason: Text = Field(min_length=10)


class SubmitResult(Request):
    topic = "submit_result"
    outcome: Outcome
    answer: Text = Field(min_length=10)


class ReportProgress(Request):
    topic = "report_progress"
    text: Text = Field(min_length=5)
    expected_on: date | None = None


# --- requests of the operations centre ---------------------------------------------------------------------------------


class RouteReport(Request):
    """Routing by hand; ``sla_class`` empty keeps the category's own."""

    topic = "route"
    agency: str
    reason: Text = Field(min_length=5)
    sla_class: str = ""


class RefuseReport(Request):
    topic = "refuse"
    reason_code: str
    reason: Text = Field(min_length=10)
    redirect: Text = Field(min_length=5)


class ApproveResult(Request):
    topic = "approve"


class SendBackResult(Request):
    topic = "send_back"
    reason: Text = Field(min_length=10)


class ExtendCase(Request):
    topic = "extend"
    until: AwareDatetime
    reason: Text = Field(min_length=10)


class ReopenCase(Request):
    topic = "reopen"
    reason: Text = Field(min_length=10)


class CancelCase(Request):
    topic = "cancel"
    reason: Text = Field(min_length=5)


class MergeCase(Request):
    topic = "merge"
    leader_id: UUID


# --- what agencies read -------------------------------------------------------------------------------------------------


class Assignment(ToAgency):
    """Work for the agency. The same assignment may come again until it is accepted: the id stays."""

    topic = "assignment"
    version: int
    tracking_code: str
    category: str
    category_name: str
    description: str
    location: Location
    attributes: dict[str, str] = {}
    urgent: bool = False
    sla_class: str
    take_up_by: AwareDatetime
    due_at: AwareDatetime
    supporting: tuple[str, ...] = ()
    explanation: str = ""


class Comment(ToAgency):
    """The reporter wrote; answer by ``due_at``."""

    topic = "comment"
    version: int
    comment_id: UUID
    text: Text
    due_at: AwareDatetime


class Reminder(ToAgency):
    topic = "reminder"
    version: int
    clock: str
    due_at: AwareDatetime
    overdue: bool


class Withdrawal(ToAgency):
    """Nothing more to do: the case was cancelled, refused or merged."""

    topic = "withdrawal"
    version: int
    reason: str


class Transfer(ToAgency):
    """The case went to ``to_agency``."""

    topic = "transfer"
    version: int
    to_agency: str
    reason: str


class RequestDone(ToAgency):
    """The answer to the request whose id is this message's correlation id."""

    topic = "request.done"


class RequestRefused(ToAgency):
    topic = "request.refused"
    code: str
    reason: str


class Tick(BaseModel):
    """Time, as a message: the ticker says it, deadline handlers understand it. Never on the wire.

    At most ``limit`` due things are done, the oldest first, past the first ``skip`` of them (which failed a moment ago).
    """

    model_config = ConfigDict(frozen=True)
    at: AwareDatetime
    limit: int = 500
    skip: int = 0


AGENCY_REQUESTS: tuple[type[Request], ...] = (
    AcceptCase, ReturnCase, AskReporter, AnswerReporter, RequestExtension, SubmitResult, ReportProgress,
)  # fmt: skip
CENTRE_REQUESTS: tuple[type[Request], ...] = (
    RouteReport, RefuseReport, ApproveResult, SendBackResult, ExtendCase, ReopenCase, CancelCase, MergeCase,
)  # fmt: skip
TO_AGENCY: tuple[type[ToAgency], ...] = (Assignment, Comment, Reminder, Withdrawal, Transfer, RequestDone, RequestRefused)
FACTS: dict[str, tuple[type[Fact], ...]] = {
    "intake": (
        ReportReceived, ReporterReachable, ReportCommented, ReportWithdrawn, ReportRated, ReportObjected, ReportMerged, ReportUnmerged,
    ),
    "routing": (ReportRouted, ReportUnrouted),
    "sla": (
        CaseOpened, CaseAssigned, CaseAccepted, CaseReturned, CaseQuestioned, CaseResumed, CaseExtended, CaseSubmitted, CaseSentBack,
        CaseResolved, CaseReopened, CaseClosed, CaseRefused, CaseCancelled, CaseAnswered, CaseProgressed,
        ClockWarned, ClockBreached, ClockEscalated, ClockMet,
    ),
    "notify": (NoticeDelivered, NoticeFailed),
}  # fmt: skip
MESSAGES: dict[str, type[Message]] = {
    kind.topic: kind for kind in (*(fact for facts in FACTS.values() for fact in facts), *AGENCY_REQUESTS, *CENTRE_REQUESTS, *TO_AGENCY)
}


def destination(message: Message) -> tuple[str, str]:
    """Exchange and routing key."""
    if isinstance(message, ToAgency):
        return AGENCIES, message.agency
    if isinstance(message, Request):
        return REQUESTS, f"{message.actor.removeprefix('agency:')}.{message.topic}"
    return EVENTS, message.topic
