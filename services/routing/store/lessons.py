"""What became of decisions, of the newest reports only: figures over years would say little about the rules in force."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Column, Table, Text, Uuid, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from services.routing.domain.lessons import BY_HAND, Figures, HandRouting, Lesson, Outcome
from services.routing.domain.placement import Placement
from services.routing.domain.suggesting import Example
from services.routing.store.rulesets import rulebook
from services.routing.store.tables import decisions, metadata, reports
from shared.messages import CaseAssigned, CaseResolved, CaseReturned, Message
from shared.prepared import Prepared, among
from shared.rows import Rows, write
from shared.tables import Words

FIRST = "first decisions"  # in session.info
NEWEST = 10_000  # lessons that figures and proposals are made of
NAMED = 200  # rules in metrics
LEARNED = 2_000  # of them for suggestions

lessons = Table(
    "lessons",
    metadata,
    Column("report_id", Uuid, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("agency", Text, nullable=False),
    Column("outcome", Words(Outcome), nullable=False),
    Column("category", Text, nullable=False),
    Column("area", Text, nullable=False),
    Column("hand", Text, nullable=False),
    Column("proposed", JSONB, nullable=False),
)
_lessons = Rows(Lesson, lessons)
_first = select(decisions.c.report_id, decisions.c.rule, decisions.c.agency).where(decisions.c.hop == 1)
_first_of = Prepared(_first.where(among(decisions.c.report_id, "ids")))


def preload(messages: Sequence[Message], session: Session) -> None:
    """The lessons a batch adds to, locked in one order, and the decisions that new ones begin with."""
    telling = {message.report_id for message in messages if _teaches(message)}
    _lessons.load(session, telling)
    new = [report_id for report_id in telling if _lessons.get(session, report_id) is None]
    session.info[FIRST] = _first_decisions(session, new) if new else {}


def _teaches(message: Message) -> bool:
    return isinstance(message, CaseResolved | CaseReturned) or (isinstance(message, CaseAssigned) and message.rule == BY_HAND)


def lesson_of(session: Session, placement: Placement) -> Lesson:
    """What a report taught so far, for more of it."""
    report_id = placement.report_id
    known = _lessons.get(session, report_id)
    if known is not None:
        return known
    report, first = placement.report, session.info.get(FIRST, {})
    if report_id not in first:
        write(session)  # it may have been decided in this very batch
        first = _first_decisions(session, [report_id])
    rule, agency = first.get(report_id, ("", ""))
    place = rulebook(session).place_of(report, report.at)
    area = place.area.code if place else ""
    return _lessons.add(session, Lesson(report_id=report_id, rule=rule, agency=agency, category=report.category, area=area))


def _first_decisions(session: Session, report_ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
    """Rule and agency, both empty when nobody could be named."""
    rows = _first_of.rows(session, ids=list(map(str, report_ids)))
    return {report_id: (rule, agency) for report_id, rule, agency in rows}


def figures(session: Session) -> list[Figures]:
    """By rule, the most often settled first."""
    newest = select(lessons).order_by(lessons.c.report_id.desc()).limit(NEWEST).subquery()
    counted = select(newest.c.rule, newest.c.outcome, func.count()).where(newest.c.rule != "").group_by(newest.c.rule, newest.c.outcome)
    by_rule: dict[str, dict[str, int]] = {}
    for rule, outcome, number in session.execute(counted):
        by_rule.setdefault(rule, {})[outcome] = number
    found = [_figures(rule, numbers) for rule, numbers in by_rule.items()]
    return sorted((one for one in found if one.settled), key=lambda one: (-one.settled, one.rule))


def _figures(rule: str, of: dict[str, int]) -> Figures:
    return Figures(rule=rule, right=of.get(Outcome.RIGHT, 0), bounced=of.get(Outcome.BOUNCED, 0), moved=of.get(Outcome.MOVED, 0))


def gauges(session: Session) -> Iterable[GaugeMetricFamily]:
    """The rules most often settled, by name; a rule of no version is shown, but never more than so many."""
    settled = GaugeMetricFamily("hoiam_rule_settled_reports", "Newest reports first placed by a rule whose end is known", labels=["rule"])
    right = GaugeMetricFamily("hoiam_rule_first_time_right_ratio", "Share of them answered by the agency first named", labels=["rule"])
    bounced = GaugeMetricFamily("hoiam_rule_bounce_ratio", "Share of them that the agency first named gave back", labels=["rule"])
    for one in figures(session)[:NAMED]:
        settled.add_metric([one.rule], one.settled)
        right.add_metric([one.rule], one.right / one.settled)
        bounced.add_metric([one.rule], one.bounced / one.settled)
    yield from (settled, right, bounced)


def hand_routings(session: Session) -> list[HandRouting]:
    """What the operations centre decided lately, the newest first."""
    columns = (lessons.c.report_id, lessons.c.category, lessons.c.area, lessons.c.hand)
    rows = session.execute(select(*columns).where(lessons.c.hand != "").order_by(lessons.c.report_id.desc()).limit(NEWEST))
    return [HandRouting(report_id=report_id, category=category, area=area, agency=hand) for report_id, category, area, hand in rows]


def examples(session: Session) -> list[Example]:
    """Reports of which it is known by now what they were about: answered by whom they were given to first, or decided by a person."""
    known = (lessons.c.outcome == Outcome.RIGHT) | (lessons.c.hand != "")
    columns = (reports.c.snapshot["description"].astext, lessons.c.category)
    statement = select(*columns).join(reports, reports.c.report_id == lessons.c.report_id).where(known)
    rows = session.execute(statement.order_by(lessons.c.report_id.desc()).limit(LEARNED))
    return [Example(text=text, category=category) for text, category in rows]


def proposed_for(session: Session, report_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Whom the returners of reports named."""
    statement = select(lessons.c.report_id, lessons.c.proposed).where(lessons.c.report_id.in_(report_ids))
    return {report_id: proposed for report_id, proposed in session.execute(statement)}
