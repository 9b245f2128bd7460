"""Requests: what somebody wants done, in the imperative; each may be refused."""

from datetime import date
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.messages.kinds import Outcome, Request
from shared.texts import Text

# --- requests of an agency -------------------------------------------------------------------------------------------


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


# --- requests of the operations centre -------------------------------------------------------------------------------


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
