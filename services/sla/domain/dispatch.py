"""What the agency that holds a case is told, in its queue. Never who reported."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from shared.messages import (
    Assignment,
    Comment,
    Location,
    Message,
    Reminder,
    ReportCommented,
    ReportRouted,
    RouteReport,
    Transfer,
    Withdrawal,
    assignment_name,
)

if TYPE_CHECKING:
    from services.sla.domain.case import Case
    from services.sla.domain.clocks import Clock, Timekeeper

OF_THE_CENTRE = {"route", "approve"}  # clocks that run against the operations centre, whoever holds the case


def assignment(case: Case, at: datetime, keeper: Timekeeper, *, take_up_by: datetime) -> Message:
    """The work, with its deadlines."""
    case.assigned = case.version
    return _work(case, at, keeper, take_up_by=take_up_by)


def _work(case: Case, at: datetime, keeper: Timekeeper, *, take_up_by: datetime) -> Assignment:
    return Assignment(
        report_id=case.report_id,
        at=at,
        agency=case.agency,
        version=case.version,
        tracking_code=case.tracking_code,
        category=case.category,
        category_name=keeper.province.categories[case.category].name.vi,
        description=case.report["description"],
        location=Location.model_validate(case.report["location"]),
        attributes=case.report["attributes"],
        urgent=case.urgent,
        sla_class=case.sla_class,
        take_up_by=take_up_by,
        due_at=case.due,
        supporting=tuple(case.supporting),
        explanation=case.explanation,
        media=case.report.get("media", ()),
    )


def comment(case: Case, heard: ReportCommented, *, due_at: datetime) -> list[Message]:
    """The reporter wrote. Nothing while no agency holds the case: the operations centre sees it in its own list."""
    if not case.hop:
        return []
    words = {"comment_id": heard.comment_id, "text": heard.text, "due_at": due_at}
    return [Comment(report_id=case.report_id, at=heard.at, agency=case.agency, version=case.version, **words)]


def transfer(case: Case, at: datetime, *, before: str) -> Message:
    """To the agency that held it until now."""
    return Transfer(report_id=case.report_id, at=at, agency=before, version=case.version, to_agency=case.agency, reason=case.explanation)


def withdrawal(case: Case, at: datetime, reason: str) -> list[Message]:
    """There is nothing more to do for an agency that was given the case."""
    if not case.hop:
        return []
    return [Withdrawal(report_id=case.report_id, at=at, agency=case.agency, version=case.version, reason=reason)]


def again(case: Case, at: datetime, keeper: Timekeeper) -> Message:
    """The work as it stands, for an agency that goes on with it."""
    return assignment(case, at, keeper, take_up_by=_take_up_by(case, at))


def redelivery(case: Case, at: datetime, keeper: Timekeeper) -> tuple[UUID, Message]:
    """The last assignment once more, under the name it had, for an agency that lost it; with the version the case has now."""
    work = _work(case, at, keeper, take_up_by=_take_up_by(case, at))
    return assignment_name(case.report_id, case.agency, case.assigned), work


def _take_up_by(case: Case, at: datetime) -> datetime:
    return next((clock.due_at for clock in case.running("take_up")), at)


def reassignment(case: Case, at: datetime, keeper: Timekeeper) -> list[Message]:
    """The same work with a new deadline."""
    return [assignment(case, at, keeper, take_up_by=at)] if case.hop else []


def reminder(case: Case, clock: Clock, at: datetime, keeper: Timekeeper, *, overdue: bool) -> list[Message]:
    """One of the agency's own clocks runs out: at once when urgent, else with everything else when its next half day begins."""
    if not case.hop or clock.name in OF_THE_CENTRE:
        return []
    if not case.urgent:
        clock.remind_at = keeper.next_half_day(at, case.agency)
        return []
    words = {"clock": clock.name, "due_at": clock.due_at, "overdue": overdue}
    return [Reminder(report_id=case.report_id, at=at, agency=case.agency, version=case.version, **words)]


def by_hand(case: Case, request: RouteReport, keeper: Timekeeper) -> ReportRouted:
    """The operations centre's word in the form of a routing: it counts as one more hop."""
    return ReportRouted(
        report_id=case.report_id,
        at=request.at,
        agency=request.agency,
        rule="by-hand",
        explanation=request.reason,
        sla_class=request.sla_class or _class_of(case, request, keeper),
        urgent=case.urgent,
        hop=case.hop + 1,
    )


def _class_of(case: Case, request: RouteReport, keeper: Timekeeper) -> str:
    if request.category or not case.sla_class:
        return keeper.province.categories[request.category or case.category].sla_class
    return case.sla_class
