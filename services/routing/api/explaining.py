"""Where a report would go, and why."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.routing.api.suggestions import SuggestedCategory, shown
from services.routing.domain import reasons
from services.routing.domain.areas import Place
from services.routing.domain.matching import Supposed
from services.routing.domain.rules import Considered, Rulebook, Unroutable
from services.routing.store import rulesets, suggesting
from shared import province
from shared.messages import Location
from shared.texts import Moment, Text
from shared.web import Desk


class Where(BaseModel):
    model_config = ConfigDict(extra="forbid")
    area: Annotated[str, Field(max_length=100)] = ""
    address: Annotated[Text, Field(max_length=500)] = ""
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None


class Asked(BaseModel):
    """A report as it could be sent; ``at`` asks about another moment than now, ``rules_version`` about other rules than those in force."""

    model_config = ConfigDict(extra="forbid")
    category: Annotated[str, Field(max_length=100)]
    location: Where = Field(default_factory=Where)
    attributes: dict[str, str] = {}
    urgent: bool = False
    description: Text = ""
    portal: Annotated[str, Field(max_length=100)] = ""
    at: Moment | None = None
    rules_version: Annotated[int, Field(ge=0, le=rulesets.LARGEST)] | None = None


class FoundArea(BaseModel):
    """``how``: by its code, by the border around a point, by the nearest centre of a point (``km`` away), or by the words of the address.
    ``neighbour``: of a border that is near, the area behind it, ``metres`` away. ``note`` says it in Vietnamese."""

    code: str
    name: str
    how: str
    km: float
    neighbour: str | None
    metres: float
    note: str


class RuleConsidered(BaseModel):
    """``matched``: this rule decides; ``shadowed``: it would match as well, but another comes first."""

    rule: str
    priority: int
    agency: str
    matched: bool
    shadowed: bool
    why: str
    why_en: str


class Explanation(BaseModel):
    """``agency`` and ``rule`` are null when a person would have to decide. ``shadows``: the rules the chosen one hides here.
    ``suggestions`` are categories the text seems to be about, ``looks_wrong`` when it is hardly about the one given."""

    agency: str | None = None
    agency_name: str | None = None
    supporting: list[str] = []
    rule: str | None = None
    sla_class: str | None = None
    urgent: bool = False
    explanation: str
    explanation_en: str
    area: FoundArea | None
    considered: list[RuleConsidered]
    shadows: list[str]
    suggestions: list[SuggestedCategory]
    looks_wrong: bool
    province_version: int
    rules_version: int


def routes(desk: Desk) -> APIRouter:
    """The one of them."""
    router = APIRouter(prefix="/v1", tags=["routing"])

    @router.post("/route:explain")
    def explain(body: Asked) -> Explanation:
        """Where such a report would go, and why; nothing is kept."""
        at = body.at or desk.clock()
        with desk.sessions() as session:
            version = rulesets.in_force(session) if body.rules_version is None else body.rules_version
            rulebook, province_version = rulesets.rulebook_of(session, version), province.current_version(session)
            suggester = suggesting.suggester(session, desk.clock())
        location = Location(**body.location.model_dump())
        question = Supposed(location=location, **body.model_dump(include={"category", "attributes", "urgent", "description", "portal"}))
        considered = rulebook.consider(question, at)
        return Explanation(
            **_outcome(question, rulebook, at),
            considered=[_considered(entry) for entry in considered],
            shadows=[entry.rule.code for entry in considered if entry.shadowed],
            suggestions=shown(suggester.suggest(body.description), rulebook.province),
            looks_wrong=suggester.instead_of(body.category, body.description) is not None,
            province_version=province_version,
            rules_version=version,
        )

    return router


def _outcome(question: Supposed, rulebook: Rulebook, at: Moment) -> dict[str, Any]:
    of, place, outcome = rulebook.province, rulebook.place_of(question, at), rulebook.decide(question, at)
    category = of.categories.get(question.category)
    area = _found(place)
    if isinstance(outcome, Unroutable):
        said = reasons.undecided(of, category, question.category, place)
        return {"explanation": outcome.explanation, "explanation_en": said, "area": area}
    lead, supporting = of.agencies[outcome.agency], [of.agencies[code] for code in outcome.supporting]
    said = reasons.decided(category, place, outcome.rule, lead, supporting, urgent=outcome.urgent)
    return {**asdict(outcome), "agency_name": lead.name.vi, "explanation_en": said, "area": area}


def _found(place: Place | None) -> FoundArea | None:
    if place is None:
        return None
    about = {"code": place.area.code, "name": place.area.name.vi, "how": place.how, "km": round(place.km, 2), "note": place.note}
    neighbour = place.neighbour.code if place.neighbour else None
    return FoundArea(**about, neighbour=neighbour, metres=round(place.metres))


def _considered(entry: Considered) -> RuleConsidered:
    rule, why = entry.rule, entry.why
    return RuleConsidered(
        rule=rule.code,
        priority=rule.priority,
        agency=rule.agency,
        matched=entry.matched,
        shadowed=entry.shadowed,
        why=why.vi,
        why_en=why.en,
    )
