"""What is learned from decisions: how good each rule is, and rules that would have decided as people did."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy.orm import Session

from services.routing import store
from services.routing.domain.lessons import Proposal, proposals
from services.routing.store import lessons
from shared.province import Province, Rule
from shared.web import Desk


class FiguresView(BaseModel):
    """Of reports whose first decision was by ``rule`` and of which it is known what became: the agency answered (``right``), gave it back
    (``bounced``), or another got it otherwise (``moved``). The shares are of all three."""

    rule: str
    settled: int
    right: int
    bounced: int
    moved: int
    first_time_right: float
    bounce_rate: float


class FiguresPage(BaseModel):
    newest: int
    rules: list[FiguresView]


class ProposalView(BaseModel):
    """A ``rule`` that would have decided as people did, ``times`` of ``in_all`` such reports; put it into a new version by its code."""

    code: str
    rule: Rule
    times: int
    in_all: int
    explanation: str
    explanation_en: str
    reports: list[UUID]


class ProposalsPage(BaseModel):
    proposals: list[ProposalView]


def routes(desk: Desk) -> APIRouter:
    """Both of them."""
    router = APIRouter(prefix="/v1", tags=["rules"])

    @router.get("/rules/figures")
    def figures() -> FiguresPage:
        """How often each rule was right the first time, and how often its agency gave the report back; of the newest reports."""
        with desk.sessions() as session:
            found = lessons.figures(session)
        views = [
            FiguresView(
                rule=one.rule,
                settled=one.settled,
                right=one.right,
                bounced=one.bounced,
                moved=one.moved,
                first_time_right=round(one.right / one.settled, 3),
                bounce_rate=round(one.bounced / one.settled, 3),
            )
            for one in found
        ]
        return FiguresPage(newest=lessons.NEWEST, rules=views)

    @router.get("/rules/proposals")
    def proposed() -> ProposalsPage:
        """Rules learned from what the operations centre decided by hand again and again, where the rules in force would not do the same."""
        with desk.sessions() as session:
            found, of = learned(session), store.rulebook(session).province
        return ProposalsPage(proposals=[_proposal(one, of) for one in found])

    return router


def learned(session: Session) -> list[Proposal]:
    """What the rules in force do not say already."""
    of = store.rulebook(session).province
    known = {(category, area, rule.agency) for rule in of.rules for category in rule.categories for area in rule.areas}
    found = proposals(lessons.hand_routings(session))
    return [one for one in found if one.rule.categories[0] in of.categories and _key(one.rule) not in known]


def _key(rule: Rule) -> tuple[str, str, str]:
    return rule.categories[0], rule.areas[0], rule.agency


def _proposal(one: Proposal, of: Province) -> ProposalView:
    rule, agency, category = one.rule, of.agencies[one.rule.agency].name, of.categories[one.rule.categories[0]].name
    area = of.areas.get(rule.areas[0])
    vi, en = (f" tại {area.name.vi}", f" in {area.name.en}") if area else ("", "")
    return ProposalView(
        code=rule.code,
        rule=rule,
        times=one.times,
        in_all=one.in_all,
        explanation=f"Trung tâm đã chuyển “{category.vi}”{vi} cho {agency.vi} {one.times} trong {one.in_all} lần.",
        explanation_en=f"The centre gave “{category.en}”{en} to {agency.en} {one.times} of {one.in_all} times.",
        reports=list(one.reports[:20]),
    )
