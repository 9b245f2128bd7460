"""What waits for a person, with what may help to decide. Deciding is asked of sla: each candidate is the body of that request."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from services.routing import store
from services.routing.api.suggestions import SuggestedCategory, shown
from services.routing.domain.candidates import Candidate, candidates
from services.routing.domain.placement import Placement
from services.routing.store import lessons, suggesting
from services.routing.store.triage import Cause, Waiting
from shared.messages import Location
from shared.province import Province
from shared.web import Desk


class CandidateView(BaseModel):
    """``agency``, ``category`` and ``reason`` are what ``POST /v1/cases/{report_id}/route`` of sla takes; put the reason in your words."""

    agency: str
    agency_name: str
    category: str
    reason: str
    reason_en: str


class TriageEntry(BaseModel):
    """A report that no rule could place, with what a person needs to place it. Who reported is not known here."""

    report_id: UUID
    tracking_code: str
    cause: Cause
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
    suggestions: list[SuggestedCategory]
    candidates: list[CandidateView]
    route: str  # the path of sla to post a candidate to


class TriagePage(BaseModel):
    """``after`` of the next page is the ``next`` of this one; none when this is the last."""

    reports: list[TriageEntry]
    next: UUID | None


class PageOf(BaseModel):
    """Which page of which list. ``unrouted``: no rule fits; ``bounced``: given back too often, or to nobody new."""

    model_config = ConfigDict(extra="forbid")
    cause: Cause | None = None
    category: Annotated[str, Field(max_length=100)] = ""
    urgent: bool | None = None
    after: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


def routes(desk: Desk) -> APIRouter:
    """The one of them."""
    router = APIRouter(prefix="/v1", tags=["triage"])

    @router.get("/triage")
    def triage(of: Annotated[PageOf, Query()]) -> TriagePage:
        """What waits for a person, the first received first."""
        wanted = Waiting(cause=of.cause, category=of.category, urgent=of.urgent)
        with desk.sessions() as session:
            page = store.page_of_triage(session, after=of.after, limit=of.limit, wanted=wanted)
            entries = list(_entries(page, session, desk))
        return TriagePage(reports=entries, next=entries[-1].report_id if len(entries) == of.limit else None)

    return router


def _entries(page: list[Placement], session: Session, desk: Desk) -> list[TriageEntry]:
    if not page:
        return []
    at = desk.clock()
    rulebook, suggester = store.rulebook(session), suggesting.suggester(session, at)
    proposed = lessons.proposed_for(session, [placement.report_id for placement in page])
    tried = store.agencies_tried(session, [placement.report_id for placement in page])
    entries = []
    for placement in page:
        suggestions = suggester.suggest(placement.report.description)
        found = candidates(
            placement.report,
            rulebook,
            at,
            proposed=proposed.get(placement.report_id, ()),
            suggestions=suggestions,
            tried=tried.get(placement.report_id, set()) if placement.returns else set(),
        )
        views = [_candidate(one, rulebook.province) for one in found]
        entries.append(
            TriageEntry(**_told(placement, rulebook.province), suggestions=shown(suggestions, rulebook.province), candidates=views)
        )
    return entries


def _candidate(one: Candidate, of: Province) -> CandidateView:
    name, reason = of.agencies[one.agency].name.vi, one.reason
    return CandidateView(agency=one.agency, agency_name=name, category=one.category, reason=reason.vi, reason_en=reason.en)


def _told(placement: Placement, of: Province) -> dict[str, Any]:
    report = placement.report
    category = of.categories.get(report.category)
    plain = {"report_id", "tracking_code", "category", "description", "location", "attributes", "urgent", "abusive"}
    return {
        **report.model_dump(include=plain),
        "cause": Cause.BOUNCED if placement.returns else Cause.UNROUTED,
        "advice": [of.redirects[code].name.vi for code in report.advice if code in of.redirects],
        "category_name": category.name.vi if category else report.category,
        "received_at": report.at,
        "waiting_since": placement.decided_at,
        "hop": placement.hop,
        "bounces": len(placement.returns),
        "explanation": placement.explanation,
        "route": f"/v1/cases/{report.report_id}/route",
    }
