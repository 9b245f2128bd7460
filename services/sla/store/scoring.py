"""Scores of cases, kept beside them; scorecards are sums of these; frozen months."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    ForeignKey,
    Index,
    Integer,
    Row,
    Table,
    Text,
    Uuid,
    case,
    delete,
    exists,
    func,
    insert,
    select,
    tuple_,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from services.sla.domain.scorecard import FINISHED, Card
from services.sla.domain.scoring import FIGURES, KEYS, Score, month_of
from services.sla.domain.scoring import scores as scores_of
from services.sla.store import behind, cases, history, keeper_of, metadata
from shared import province, rows
from shared.database import APPEND_ONLY
from shared.errors import NotFound, Refused
from shared.tables import moment

scores = Table(
    "scores",
    metadata,
    Column("report_id", Uuid, ForeignKey("cases.report_id"), primary_key=True),
    Column("agency", Text, primary_key=True),
    Column("category", Text, nullable=False),
    Column("area", Text, nullable=False),
    Column("month", Date, nullable=False),
    *(Column(name, Integer, nullable=False) for name in FIGURES),
)
Index("scores_by_month", scores.c.month, scores.c.agency)

frozen = Table(
    "frozen",
    metadata,
    Column("month", Date, primary_key=True),
    moment("at"),
    Column("body", JSONB, nullable=False),
    Column("hash", Text, nullable=False),
    comment=APPEND_ONLY,
)


AT_ONCE = 200  # cases
ALL: Mapping[str, str] = MappingProxyType({})  # no filter
COUNTED = tuple(name for name in FIGURES if name not in {"held_minutes", "late_thousandths"})  # what is a number of cases or messages


_waits = behind.c.what == "scores"


def score_some(session: Session, limit: int = AT_ONCE) -> int:
    """Score anew cases that moved since they were scored; how many. A twin's are passed over."""
    waiting = select(cases.c.report_id, cases.c.policy_version).join(behind, behind.c.report_id == cases.c.report_id).where(_waits)
    claimed = session.execute(waiting.order_by(cases.c.report_id).limit(limit).with_for_update(of=cases, skip_locked=True)).all()
    if claimed:
        found = recomputed(session, claimed)
        ids = [row.report_id for row in claimed]
        session.execute(delete(scores).where(scores.c.report_id.in_(ids)))
        rows.insert(session, scores, found)
        session.execute(delete(behind).where(_waits, behind.c.report_id.in_(ids)))
    return len(claimed)


def recomputed(session: Session, of: Sequence[Any]) -> list[dict[str, Any]]:
    """The scores of these cases (rows with report_id and policy_version), from their histories, as rows of the table."""
    keepers = {row.report_id: keeper_of(session, row.policy_version) for row in of}
    statement = select(history).where(history.c.report_id.in_(keepers)).order_by(history.c.report_id, history.c.seq)
    return [
        {"report_id": report_id, **{name: getattr(score, name) for name in (*KEYS, *FIGURES)}}
        for report_id, moves in groupby(session.execute(statement), key=lambda move: move.report_id)
        for score in _scores(list(moves), keepers[report_id])
    ]


def _scores(moves: list[Any], keeper: Any) -> list[Score]:
    return scores_of(moves, keeper.calendar, ZoneInfo(keeper.province.time_zone))


def gauges(session: Session) -> Iterable[GaugeMetricFamily]:
    """The scorecards of this month, as they would be shown now, and how far they are behind."""
    counted = GaugeMetricFamily(
        "hoiam_scorecard_figures", "The scorecard of reports received this month, figure by figure", labels=["agency", "figure"]
    )
    month = _this_month(session)
    sums = (func.sum(scores.c[figure]).label(figure) for figure in COUNTED)
    this_month = select(scores.c.agency, *sums).where(*_which(month, after_month(month), ALL)).group_by(scores.c.agency)
    for row in session.execute(this_month).mappings():
        for figure in COUNTED:
            counted.add_metric([row["agency"], figure], row[figure])
    yield counted
    waiting = waiting_to_be_scored(session)
    yield GaugeMetricFamily("hoiam_cases_to_score", "Cases that moved since the scorecards counted them", value=waiting)


def _this_month(session: Session) -> date:
    """By the clocks of the province; where none is loaded there is nothing to count either."""
    at: datetime = session.execute(select(func.now())).scalar_one()
    zone = province.current(session).time_zone if province.loaded_versions(session, limit=1) else "UTC"
    return month_of(at, ZoneInfo(zone))


def waiting_to_be_scored(session: Session) -> int:
    """Cases that moved since they were scored."""
    return session.scalar(select(func.count()).select_from(behind).where(_waits)) or 0


def cards(session: Session, since: date, until: date, by: Sequence[str], only: Mapping[str, str] = ALL) -> list[Card]:
    """Of the cases received from the month ``since`` to before ``until``, one a value of ``by`` (any of agency, category, area, month)."""
    keys = [scores.c[name] for name in by]
    finished = sum((scores.c[name] for name in FINISHED[1:]), start=scores.c[FINISHED[0]]) > 0
    held = case((finished, scores.c.held_minutes))
    hours = [(func.percentile_disc(share).within_group(held) / 60.0).label(name) for name, share in (("median", 0.5), ("p90", 0.9))]
    statement = select(*keys, *(func.sum(scores.c[name]).label(name) for name in FIGURES), *hours).where(*_which(since, until, only))
    return [_card(row, by) for row in session.execute(statement.group_by(*keys).order_by(*keys)) if row.received is not None]


def cases_behind(
    session: Session, figure: str, since: date, until: date, *, after: tuple[UUID, str] | None, limit: int, only: Mapping[str, str] = ALL
) -> list[tuple[UUID, str, int]]:
    """Each case a figure is made of, with the agency it counts for and by how much; in the order of report ids and agencies."""
    counted = scores.c[figure]
    statement = select(scores.c.report_id, scores.c.agency, counted).where(counted != 0, *_which(since, until, only))
    if after:
        statement = statement.where(tuple_(scores.c.report_id, scores.c.agency) > after)
    found = session.execute(statement.order_by(scores.c.report_id, scores.c.agency).limit(limit))
    return [(report_id, agency, amount) for report_id, agency, amount in found]


def freeze(session: Session, month: date, at: datetime) -> str:
    """Keep the figures of a month as they stand, for ever; their SHA-256. Raises :class:`Refused`."""
    if waiting := waiting_to_be_scored(session):
        raise Refused(f"{waiting} cases wait to be scored: try again in a moment", code="not_scored")
    if session.scalar(select(func.count()).select_from(frozen).where(frozen.c.month == month)):
        raise Refused(f"{month:%m/%Y} is frozen already; what changed since is shown beside it", code="frozen_before")
    body = as_it_stands(session, month)
    digest = hashed(body)
    session.execute(insert(frozen).values(month=month, at=at, body=body, hash=digest))
    return digest


def as_it_stands(session: Session, month: date) -> dict[str, Any]:
    """The figures of a month by agency, and how many cases they are of."""
    found = cards(session, month, after_month(month), ("agency",))
    return {
        "month": f"{month:%Y-%m}",
        "agencies": {card.about["agency"]: {name: value for name, value in card.figures.items() if value} for card in found},
    }


def frozen_month(session: Session, month: date) -> Mapping[str, Any]:
    """As it was frozen: ``at``, ``body`` and ``hash``. Raises :class:`NotFound`."""
    row = session.execute(select(frozen).where(frozen.c.month == month)).mappings().first()
    if row is None:
        raise NotFound(f"{month:%m/%Y} was not frozen")
    return dict(row)


def hashed(body: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON (RFC 8785 for what is in it: whole numbers and plain keys)."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def after_month(month: date) -> date:
    """The first day of the next one."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def compared(session: Session, at_once: int = 500) -> Iterator[tuple[int, list[str]]]:
    """Walk all cases in groups: how many, and what in their scores is not what their histories say."""
    last: UUID | None = None
    waits = exists().where(_waits, behind.c.report_id == cases.c.report_id).label("waits")
    columns = select(cases.c.report_id, cases.c.policy_version, waits).order_by(cases.c.report_id).limit(at_once)
    while group := session.execute(columns.where(cases.c.report_id > last) if last else columns).all():
        last = group[-1].report_id
        yield len(group), list(_differences(session, [row for row in group if not row.waits]))


def _differences(session: Session, group: Sequence[Any]) -> Iterable[str]:
    right = {(row["report_id"], row["agency"]): row for row in recomputed(session, group)}
    kept = select(scores).where(scores.c.report_id.in_([row.report_id for row in group]))
    found = {(row["report_id"], row["agency"]): dict(row) for row in session.execute(kept).mappings()}
    for key in sorted(right.keys() | found.keys()):
        is_kept, said = found.get(key, {}), right.get(key, {})
        wrong = [name for name in (*KEYS, *FIGURES) if is_kept.get(name) != said.get(name)]
        if wrong:
            what = ", ".join(f"{name} is {is_kept.get(name)} and should be {said.get(name)}" for name in wrong)
            yield f"case {key[0]}, {key[1]}: {what}"


def _card(row: Row[Any], by: Sequence[str]) -> Card:
    about = {name: f"{value:%Y-%m}" if isinstance(value := getattr(row, name), date) else value for name in by}
    figures = {name: int(getattr(row, name)) for name in FIGURES}
    return Card(about=about, figures=figures, median_hours=_rounded(row.median), p90_hours=_rounded(row.p90))


def _rounded(hours: Any) -> float | None:
    return None if hours is None else round(float(hours), 2)


def _which(since: date, until: date, only: Mapping[str, str]) -> list[ColumnElement[bool]]:
    return [scores.c.month >= since, scores.c.month < until, *(scores.c[name] == value for name, value in only.items() if value)]
