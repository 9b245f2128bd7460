"""Tables of routing, their mapping to the domain, and what is looked up in them."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.routing.domain.placement import Placement, State
from services.routing.domain.rules import Decision, Unroutable
from services.routing.store import lessons
from services.routing.store.lessons import lesson_of
from services.routing.store.rulesets import rulebook, rules_version
from services.routing.store.tables import decisions, metadata, reports
from services.routing.store.triage import EVERYTHING, Waiting
from shared import province
from shared.errors import NotYet
from shared.messages import Message
from shared.rows import Rows, append

__all__ = ["lesson_of", "metadata", "rulebook"]

_placements = Rows(Placement, reports)
_whole = select(*_placements.columns)
add_placement, known_placement = _placements.add, _placements.get


def preload(messages: Sequence[Message], session: Session) -> None:
    """The placements of a batch and what they taught, locked in one order."""
    _placements.load(session, (message.report_id for message in messages))
    lessons.preload(messages, session)


def placement_of(session: Session, report_id: UUID) -> Placement:
    """Raises :class:`NotYet`: the report itself is still on its way."""
    placement = known_placement(session, report_id)
    if placement is None:
        raise NotYet(f"report {report_id} has not been received here yet")
    return placement


def log_decision(session: Session, placement: Placement, outcome: Decision | Unroutable) -> None:
    """Keep what was decided, and by which version of the rules."""
    verdict = {
        "report_id": placement.report_id,
        "hop": placement.hop,
        "rule": outcome.rule if isinstance(outcome, Decision) else "",
        "agency": placement.agency,
        "explanation": outcome.explanation,
        "province_version": province.current_version(session),
        "rules_version": rules_version(session),
        "at": placement.decided_at,
    }
    append(session, decisions, verdict)


def page_of_triage(session: Session, *, after: UUID | None, limit: int, wanted: Waiting = EVERYTHING) -> list[Placement]:
    """Reports a person must place, by report id, which is by time of receipt."""
    statement = _whole.where(reports.c.state == State.TRIAGE, *wanted.conditions()).order_by(reports.c.report_id).limit(limit)
    return _placements.read(session, statement.where(reports.c.report_id > after) if after else statement)


def agencies_tried(session: Session, report_ids: Sequence[UUID]) -> dict[UUID, set[str]]:
    """Whom routing ever named for each of ``report_ids``."""
    of, found = decisions.c, dict[UUID, set[str]]()
    for report_id, agency in session.execute(select(of.report_id, of.agency).where(of.report_id.in_(report_ids), of.agency != "")):
        found.setdefault(report_id, set()).add(agency)
    return found


def newest_placements(session: Session, *, before: UUID | None, limit: int) -> list[Placement]:
    """By report id, which is by time of receipt; those before ``before`` only."""
    statement = _whole.order_by(reports.c.report_id.desc()).limit(limit)
    return _placements.read(session, statement.where(reports.c.report_id < before) if before else statement)


def gauges(session: Session) -> Iterable[GaugeMetricFamily]:
    """What became of all reports, how many wait for a person, and how good each rule is."""
    outcomes = GaugeMetricFamily("hoiam_routed_reports", "Reports by how they were placed", labels=["outcome"])
    rows = session.execute(select(reports.c.state, func.count()).group_by(reports.c.state))
    counts = dict.fromkeys(State, 0) | {State(state): count for state, count in rows}
    for state, count in counts.items():
        outcomes.add_metric([state], count)
    yield outcomes
    yield GaugeMetricFamily("hoiam_triage_reports", "Reports that wait for a person to place them", value=counts[State.TRIAGE])
    yield from lessons.gauges(session)
