"""What the reporter may do with the answer, or instead of waiting for it: withdraw, rate, object."""

from services.intake.domain.report import ANSWERED, Report, Status
from services.intake.domain.screening import CONTACTS, redacted
from shared import messages as say
from shared.errors import Refused
from shared.messages import Message

AT_WORK = frozenset({Status.RECEIVED, Status.ROUTED, Status.IN_PROGRESS, Status.WAITING, Status.SUBMITTED, Status.MERGED})


class WithdrawReport(Message):
    topic = "withdraw_report"
    reason: str


class RateAnswer(Message):
    """``rating`` as in ``report.rated``."""

    topic = "rate_answer"
    rating: int
    reasons: tuple[str, ...]


class ObjectToAnswer(Message):
    topic = "object_to_answer"
    reason: str


def withdraw(report: Report, asked: WithdrawReport) -> say.ReportWithdrawn:
    """Raises :class:`Refused` when there is nothing to wait for any more."""
    if report.status not in AT_WORK:
        raise Refused(f"the report is {report.status}: there is nothing to withdraw", code="not_open")
    return say.ReportWithdrawn(report_id=report.report_id, at=asked.at, reason=redacted(asked.reason, CONTACTS))


def rate(report: Report, asked: RateAnswer) -> say.ReportRated:
    """Raises :class:`Refused` before there is an answer."""
    _check_answered(report)
    reasons = tuple(redacted(reason, CONTACTS) for reason in asked.reasons)
    return say.ReportRated(report_id=report.report_id, at=asked.at, rating=asked.rating, reasons=reasons)


def object_to(report: Report, asked: ObjectToAnswer) -> say.ReportObjected:
    """Raises :class:`Refused` before there is an answer, and once the case is closed."""
    _check_answered(report)
    if report.status == Status.CLOSED:
        raise Refused("the time to object is over: send a new report, and name this one in it", code="window_over")
    return say.ReportObjected(report_id=report.report_id, at=asked.at, reason=redacted(asked.reason, CONTACTS))


def _check_answered(report: Report) -> None:
    if report.status not in ANSWERED:
        raise Refused(f"the report is {report.status}: there is no answer yet", code="not_answered")
