"""HTTP of routing: what waits for a person, and why a report would go where."""

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.routing import store
from services.routing.domain.areas import Place
from services.routing.domain.placement import Placement
from services.routing.domain.rules import Considered, Decision, Unroutable
from shared import province
from shared.messages import Location
from shared.province import Province
from shared.texts import Moment, Text
from shared.web import Desk


class TriageEntry(BaseModel):
    """A report that no rule could place, with what a person needs to place it. Who reported is not known here."""

    report_id: UUID
    tracking_code: str
    category: str
    category_name: str
    description: str
    location: Location
    attributes: dict[str, str]
    urgent: bool
    received_at: AwareDatetime
    waiting_since: AwareDatetime
    hop: int
    bounces: int
    explanation: str
    advice: list[str]  # what the words seem to be about that is not for this service: names of redirects, in Vietnamese
    abusive: bool


class TriagePage(BaseModel):
    """``after`` of the next page is the ``next`` of this one; none when this is the last."""

    reports: list[TriageEntry]
    next: UUID | None


class Where(BaseModel):
    model_config = ConfigDict(extra="forbid")
    area: Annotated[str, Field(max_length=100)] = ""
    address: Annotated[Text, Field(max_length=500)] = ""
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None


class Asked(BaseModel):
    """A report as it could be sent; ``at`` asks about another moment than now. The description decides nothing."""

    model_config = ConfigDict(extra="forbid")
    category: Annotated[str, Field(max_length=100)]
    location: Where = Field(default_factory=Where)
    attributes: dict[str, str] = {}
    urgent: bool = False
    description: Text = ""
    at: Moment | None = None


class FoundArea(BaseModel):
    """``how``: by its code, by the nearest centre of a point (``km`` away), or by the words of the address."""

    code: str
    name: str
    how: str
    km: float


class RuleConsidered(BaseModel):
    rule: str
    priority: int
    agency: str
    matched: bool
    shadowed: bool
    why: str
    why_en: str


class Explanation(BaseModel):
    """``agency`` and ``rule`` are null when a person would have to decide."""

    agency: str | None = None
    agency_name: str | None = None
    supporting: list[str] = []
    rule: str | None = None
    sla_class: str | None = None
    urgent: bool = False
    explanation: str
    area: FoundArea | None
    considered: list[RuleConsidered]
    province_version: int


@dataclass(frozen=True)
class _Question:
    category: str
    location: Location
    attributes: dict[str, str] = field(default_factory=dict)
    urgent: bool = False
    description: str = ""
    portal: str = ""


def routes(desk: Desk) -> APIRouter:
    """All of it."""
    router = APIRouter(prefix="/v1", tags=["routing"])

    @router.get("/triage")
    def triage(after: UUID | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> TriagePage:
        """What waits for a person, the longest waiting first."""
        with desk.sessions() as session:
            page = store.page_of_triage(session, after=after, limit=limit)
            current = province.current(session)
            entries = [_entry(placement, current) for placement in page]
        return TriagePage(reports=entries, next=entries[-1].report_id if len(entries) == limit else None)

    @router.post("/route:explain")
    def explain(body: Asked) -> Explanation:
        """Where such a report would go, and why; nothing is kept."""
        with desk.sessions() as session:
            rulebook, version = store.rulebook(session), province.current_version(session)
        question = _Question(body.category, Location(**body.location.model_dump()), body.attributes, body.urgent)
        at = body.at or desk.clock()
        considered = [_considered(entry) for entry in rulebook.consider(question, at)]
        area = _found(rulebook.place_of(question, at))
        return Explanation(
            **_outcome(rulebook.decide(question, at), rulebook.province), area=area, considered=considered, province_version=version
        )

    return router


def _entry(placement: Placement, of: Province) -> TriageEntry:
    report = placement.report
    category = of.categories.get(report.category)
    return TriageEntry(
        **report.model_dump(
            include={"report_id", "tracking_code", "category", "description", "location", "attributes", "urgent", "abusive"}
        ),
        advice=[of.redirects[code].name.vi for code in report.advice if code in of.redirects],
        category_name=category.name.vi if category else report.category,
        received_at=report.at,
        waiting_since=placement.decided_at,
        hop=placement.hop,
        bounces=len(placement.returns),
        explanation=placement.explanation,
    )


def _outcome(outcome: Decision | Unroutable, of: Province) -> dict[str, Any]:
    if isinstance(outcome, Unroutable):
        return {"explanation": outcome.explanation}
    return {**asdict(outcome), "agency_name": of.agencies[outcome.agency].name.vi}


def _found(place: Place | None) -> FoundArea | None:
    if place is None:
        return None
    return FoundArea(code=place.area.code, name=place.area.name.vi, how=place.how, km=round(place.km, 2))


def _considered(entry: Considered) -> RuleConsidered:
    rule = entry.rule
    return RuleConsidered(
        rule=rule.code,
        priority=rule.priority,
        agency=rule.agency,
        matched=entry.matched,
        shadowed=entry.shadowed,
        why=entry.why.vi,
        why_en=entry.why.en,
    )
