"""Rules tried before they are put in force: what is wrong with them, and what they would have changed."""

from datetime import date
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from services.routing import store
from services.routing.api.rules import UNKNOWN, Version
from services.routing.domain.coverage import Defect, defects, pairs
from services.routing.domain.replay import Replay
from services.routing.store import rulesets
from shared.openapi import declared
from shared.province import Province
from shared.web import Desk

MOST, AT_ONCE = 2_000, 500  # reports replayed at most, and read together


class DefectView(BaseModel):
    """``code``: unknown, uncovered, never_matches, expired, tie or gone. ``place`` among the rules, from 0; null where none is to blame."""

    code: str
    rule: str
    place: int | None
    text: str


class Findings(BaseModel):
    """What is wrong with a version on ``day`` and after it; without any but ``expired`` it may be put in force."""

    version: int
    day: date
    rules: int
    pairs: int
    defects: list[DefectView]


class NamedView(BaseModel):
    """All empty: a person would decide."""

    model_config = ConfigDict(from_attributes=True)
    agency: str
    supporting: list[str]
    rule: str
    sla_class: str
    urgent: bool


class DifferenceView(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    report_id: UUID
    tracking_code: str
    category: str
    before: NamedView
    after: NamedView


class Move(BaseModel):
    """So many reports would go to another agency; "" is a person."""

    before: str
    after: str
    reports: int


class ReplayView(BaseModel):
    """The newest reports under ``version`` and under the rules in force, as if they came on ``day``, each at its hour. Of the ``settled``
    ones so many would have gone at once to the agency that has them, or had them last. The first differences are named."""

    version: int
    compared_with: int
    day: date
    looked_at: int
    changed: int
    settled: int
    right_before: int
    right_after: int
    moves: list[Move]
    differences: list[DifferenceView]


def routes(desk: Desk) -> APIRouter:
    """Both of them."""
    router = APIRouter(prefix="/v1", tags=["rules"])

    @router.get("/rules/{version}/defects", responses=declared(UNKNOWN))
    def findings(version: Version, day: date | None = None) -> Findings:
        """What is wrong with a version as a whole."""
        with desk.sessions() as session:
            of = rulesets.rulebook_of(session, version).province
        on = day or _today(of, desk)
        found = [defect_view(defect) for defect in defects(of, on)]
        return Findings(version=version, day=on, rules=len(of.rules), pairs=pairs(of), defects=found)

    @router.get("/rules/{version}/replay", responses=declared(UNKNOWN))
    def replay(version: Version, last: Annotated[int, Query(ge=1, le=MOST)] = 500, day: date | None = None) -> ReplayView:
        """What a version would have changed about the newest reports, beside the rules in force. Nothing is kept."""
        with desk.sessions() as session:
            ours, theirs = store.rulebook(session), rulesets.rulebook_of(session, version)
            compared_with, on, tried = rulesets.rules_version(session), day or _today(ours.province, desk), Replay()
            after: UUID | None = None
            while tried.looked_at < last:
                page = store.newest_placements(session, before=after, limit=min(AT_ONCE, last - tried.looked_at))
                if not page:
                    break
                tried.add(page, ours, theirs, on)
                after = page[-1].report_id
        return _replayed(tried, version=version, compared_with=compared_with, day=on)

    return router


def defect_view(defect: Defect) -> DefectView:
    """As it is shown."""
    return DefectView(code=defect.code, rule=defect.rule, place=defect.place if defect.rule else None, text=defect.text)


def _today(of: Province, desk: Desk) -> date:
    return desk.clock().astimezone(ZoneInfo(of.time_zone)).date()


def _replayed(tried: Replay, *, version: int, compared_with: int, day: date) -> ReplayView:
    return ReplayView(
        version=version,
        compared_with=compared_with,
        day=day,
        looked_at=tried.looked_at,
        changed=tried.changed,
        settled=tried.settled,
        right_before=tried.right_before,
        right_after=tried.right_after,
        moves=[Move(before=before, after=after, reports=number) for (before, after), number in tried.moves.most_common()],
        differences=[DifferenceView.model_validate(one) for one in tried.differences],
    )
