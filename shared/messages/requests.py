"""Requests: what somebody wants done, in the imperative; each may be refused."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.messages.kinds import Outcome, Request
from shared.texts import Text

Evidence = Annotated[str, Field(min_length=8, max_length=500, pattern=r"^(https://|media:)\S+$")]

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
    """``evidence``: photos taken afterwards, by their addresses, or ``media:<id>`` with an id that `POST /v1/media` of intake gave.

    The policy says which outcomes need one.
    """

    topic = "submit_result"
    outcome: Outcome
    answer: Text = Field(min_length=10)
    evidence: tuple[Evidence, ...] = Field(default=(), max_length=10)


class ReportProgress(Request):
    topic = "report_progress"
    text: Text = Field(min_length=5)
    expected_on: date | None = None


# --- requests of the operations centre -------------------------------------------------------------------------------


class RouteReport(Request):
    """Routing by hand. ``category`` corrects it, ``sla_class`` overrides the category's own; neither ever lengthens a deadline."""

    topic = "route"
    agency: str
    reason: Text = Field(min_length=5)
    sla_class: str = ""
    category: str = ""


class RefuseReport(Request):
    topic = "refuse"
    reason_code: str
    reason: Text = Field(min_length=10)
    redirect: Text = Field(min_length=5)


class ApproveResult(Request):
    """``objection_upheld`` matters after an objection or a re-opening: unless it was unfounded, the case counts as late."""

    topic = "approve"
    objection_upheld: bool = True


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
    """The same matter as ``leader_id``, whose case it follows from now on."""

    topic = "merge"
    leader_id: UUID


class UnmergeCase(Request):
    topic = "unmerge"
    reason: Text = Field(min_length=5)
