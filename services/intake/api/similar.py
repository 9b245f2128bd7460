"""Reports that may be about the same thing: offered before one is sent ("follow this one instead"), and to who merges."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from services.intake.api.bodies import Body, Description, Place
from services.intake.api.listing import Summary, summary
from services.intake.api.recent import Recent
from services.intake.api.showing import known, report_by_typed_code
from services.intake.api.strict import StrictRoute
from services.intake.domain.duplicates import Likeness, Matter, likenesses
from services.intake.domain.screening import redacted
from services.intake.store import duplicates
from shared.envelope import new_id
from shared.province import Province
from shared.texts import folded
from shared.web import Desk

OFFERED = 5


class SimilarBody(Body):
    """A report as it is about to be sent, without who sends it."""

    category: Annotated[str, Field(max_length=50)]
    description: Description
    location: Place


class Similar(BaseModel):
    """``score`` from 0 to 1, and what it comes from: ``metres`` between them where both have a point, ``hours`` between their receptions,
    and how alike the ``words`` are, from 0 to 1."""

    report: Summary
    score: float
    metres: int | None
    hours: float
    words: float


class SimilarReports(BaseModel):
    """The likeliest first."""

    similar: list[Similar]


class Duplicate(Similar):
    """``report_id`` is what a merge is asked with (POST /v1/cases/{report_id}/merge of sla)."""

    report_id: UUID


class Duplicates(BaseModel):
    """The likeliest first."""

    duplicates: list[Duplicate]


def routes(desk: Desk, provinces: Recent[str, Province]) -> APIRouter:
    """One for portals, one for operators."""
    router = APIRouter(prefix="/v1", route_class=StrictRoute)

    @router.post("/reports:similar")
    def similar(body: SimilarBody) -> SimilarReports:
        """Open reports that this one may repeat, at most five. Nothing is kept of what is sent."""
        of = known(provinces)
        if body.category in of.unlisted:
            return SimilarReports(similar=[])
        with desk.sessions() as session:
            found = _found(session, _matter(body, desk), of, category=body.category, area=body.location.area)
            reports = duplicates.reports_by_id(session, [one.report_id for one in found])
        return SimilarReports(similar=[Similar(report=summary(reports[one.report_id], of), **_why(one)) for one in found])

    @router.get("/reports/{tracking_code}/duplicates")
    def duplicates_of(tracking_code: str) -> Duplicates:
        """For operators: open reports that may be about the same thing as this one, at most five."""
        of = known(provinces)
        with desk.sessions() as session:
            report = report_by_typed_code(session, tracking_code, of)
            matter = duplicates.matter_of(session, report)
            found = _found(session, matter, of, category=report.category, area=report.location.get("area", ""))
            reports = duplicates.reports_by_id(session, [one.report_id for one in found])
        listed = [(reports[one.report_id], one) for one in found]
        return Duplicates(
            duplicates=[Duplicate(report=summary(other, of), report_id=other.report_id, **_why(one)) for other, one in listed]
        )

    return router


def _matter(body: SimilarBody, desk: Desk) -> Matter:
    place = body.location
    words = folded(f"{redacted(body.description)} {place.address}")
    return Matter(report_id=new_id(), received_at=desk.clock(), words=words, latitude=place.latitude, longitude=place.longitude)


def _found(session: Session, matter: Matter, of: Province, *, category: str, area: str) -> list[Likeness]:
    rule = of.policy.duplicates
    since = matter.received_at - rule.within
    others = duplicates.candidates(session, matter, category=category, area=area, since=since, radius=rule.metres)
    return likenesses(matter, others, radius=rule.metres, least=rule.percent / 100)[:OFFERED]


def _why(likeness: Likeness) -> dict[str, float | int | None]:
    hours = round(likeness.apart.total_seconds() / 3600, 1)
    return {"score": likeness.score, "metres": likeness.metres, "hours": hours, "words": likeness.words}
