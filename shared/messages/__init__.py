"""The published language: everything the services, the agencies and the operations centre say to one another.

Facts are in the past tense and have one owner; requests are imperative and may be refused; what agencies read comes to
their queue. Messages only grow: an optional field may be added, a changed meaning is a new message.
The wire form (CloudEvents) is in ``shared.envelope``; ``docs/asyncapi.yaml`` is generated from here.
"""

from shared.bus import AGENCIES, EVENTS, REQUESTS
from shared.messages.facts import (
    AuditRoot,
    CaseAccepted,
    CaseAnswered,
    CaseAssigned,
    CaseCancelled,
    CaseClosed,
    CaseExtended,
    CaseMerged,
    CaseOpened,
    CaseProgressed,
    CaseQuestioned,
    CaseRefused,
    CaseReopened,
    CaseResolved,
    CaseResumed,
    CaseReturned,
    CaseSentBack,
    CaseSubmitted,
    CaseUnmerged,
    ClockBreached,
    ClockEscalated,
    ClockFact,
    ClockMet,
    ClockWarned,
    ExtensionWanted,
    NoticeDelivered,
    NoticeFailed,
    ReportCommented,
    ReportObjected,
    ReportRated,
    ReportReceived,
    ReportRouted,
    ReportUnrouted,
    ReportWithdrawn,
)
from shared.messages.following import (
    FollowerConfirmed,
    FollowerDeclined,
    FollowerLeft,
    FollowerReachable,
    ReporterErased,
    ReporterReachable,
)
from shared.messages.kinds import CaseFact, Fact, Location, Message, Outcome, Photo, Request, Tick, ToAgency
from shared.messages.requests import (
    AcceptCase,
    AnswerReporter,
    ApproveResult,
    AskReporter,
    CancelCase,
    ExtendCase,
    MergeCase,
    RefuseReport,
    ReopenCase,
    ReportProgress,
    RequestExtension,
    ReturnCase,
    RouteReport,
    SendBackResult,
    SubmitResult,
    UnmergeCase,
)
from shared.messages.succession import CaseRehomed, RehomeCase
from shared.messages.work import (
    Assignment,
    Comment,
    Reminder,
    ReminderLine,
    RequestDone,
    RequestRefused,
    Transfer,
    Withdrawal,
    assignment_name,
)

AGENCY_REQUESTS: tuple[type[Request], ...] = (
    AcceptCase, ReturnCase, AskReporter, AnswerReporter, RequestExtension, SubmitResult, ReportProgress,
)  # fmt: skip
CENTRE_REQUESTS: tuple[type[Request], ...] = (
    RouteReport, RefuseReport, ApproveResult, SendBackResult, ExtendCase, ReopenCase, CancelCase, MergeCase, UnmergeCase,
)  # fmt: skip
TO_AGENCY: tuple[type[ToAgency], ...] = (Assignment, Comment, Reminder, Withdrawal, Transfer, RequestDone, RequestRefused)
FACTS: dict[str, tuple[type[Fact], ...]] = {
    "intake": (
        ReportReceived, ReporterReachable, ReporterErased, ReportCommented, ReportWithdrawn, ReportRated, ReportObjected,
        FollowerReachable, FollowerConfirmed, FollowerLeft,
    ),
    "routing": (ReportRouted, ReportUnrouted),
    "sla": (
        CaseOpened, CaseAssigned, CaseRehomed, CaseAccepted, CaseReturned, CaseQuestioned, CaseResumed, CaseExtended, CaseSubmitted,
        CaseSentBack,
        CaseResolved, CaseReopened, CaseClosed, CaseRefused, CaseCancelled, CaseMerged, CaseUnmerged, CaseAnswered, CaseProgressed,
        ExtensionWanted,
        ClockWarned, ClockBreached, ClockEscalated, ClockMet,
        AuditRoot,
    ),
    "notify": (NoticeDelivered, NoticeFailed, FollowerDeclined),
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


__all__ = [
    "AGENCY_REQUESTS",
    "CENTRE_REQUESTS",
    "FACTS",
    "MESSAGES",
    "TO_AGENCY",
    "AcceptCase",
    "AnswerReporter",
    "ApproveResult",
    "AskReporter",
    "Assignment",
    "AuditRoot",
    "CancelCase",
    "CaseAccepted",
    "CaseAnswered",
    "CaseAssigned",
    "CaseCancelled",
    "CaseClosed",
    "CaseExtended",
    "CaseFact",
    "CaseMerged",
    "CaseOpened",
    "CaseProgressed",
    "CaseQuestioned",
    "CaseRefused",
    "CaseRehomed",
    "CaseReopened",
    "CaseResolved",
    "CaseResumed",
    "CaseReturned",
    "CaseSentBack",
    "CaseSubmitted",
    "CaseUnmerged",
    "ClockBreached",
    "ClockEscalated",
    "ClockFact",
    "ClockMet",
    "ClockWarned",
    "Comment",
    "ExtendCase",
    "ExtensionWanted",
    "Fact",
    "FollowerConfirmed",
    "FollowerDeclined",
    "FollowerLeft",
    "FollowerReachable",
    "Location",
    "MergeCase",
    "Message",
    "NoticeDelivered",
    "NoticeFailed",
    "Outcome",
    "Photo",
    "RefuseReport",
    "RehomeCase",
    "Reminder",
    "ReminderLine",
    "ReopenCase",
    "ReportCommented",
    "ReportObjected",
    "ReportProgress",
    "ReportRated",
    "ReportReceived",
    "ReportRouted",
    "ReportUnrouted",
    "ReportWithdrawn",
    "ReporterErased",
    "ReporterReachable",
    "Request",
    "RequestDone",
    "RequestExtension",
    "RequestRefused",
    "ReturnCase",
    "RouteReport",
    "SendBackResult",
    "SubmitResult",
    "Tick",
    "ToAgency",
    "Transfer",
    "UnmergeCase",
    "Withdrawal",
    "assignment_name",
    "destination",
]
