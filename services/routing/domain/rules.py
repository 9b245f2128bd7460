"""Which agency answers a report: the first of the province's rules that matches, and an explanation people can follow."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.routing.domain import reasons, wording
from services.routing.domain.areas import Gazetteer, Place
from services.routing.domain.matching import Circumstances, Question, RuleIndex
from shared.province import AREA, Agency, Category, Province, Rule

PROPOSED = "proposed"  # stands where a rule's code would, when an agency named the next one


@dataclass(frozen=True, kw_only=True)
class Decision:
    """``rule`` is its code; ``explanation`` is for people, in Vietnamese."""

    agency: str
    supporting: tuple[str, ...]
    rule: str
    sla_class: str
    urgent: bool
    explanation: str


@dataclass(frozen=True, kw_only=True)
class Unroutable:
    """Nobody could be named: a person decides."""

    explanation: str


@dataclass(frozen=True, kw_only=True)
class Considered:
    """A rule about the category. ``matched``: it decides; ``shadowed``: it would match as well, but another comes first."""

    rule: Rule
    matched: bool
    shadowed: bool
    why: reasons.Words


class Rulebook:
    """Rules, and the province they are about."""

    def __init__(self, province: Province) -> None:
        self.province = province
        self.gazetteer = Gazetteer(province)
        self._zone = ZoneInfo(province.time_zone)
        self._index = RuleIndex(province.rules)

    def decide(self, question: Question, at: datetime) -> Decision | Unroutable:
        """Who answers ``question`` at ``at``."""
        category = self.province.categories.get(question.category)
        if category is None:
            return Unroutable(explanation=wording.unknown_category(question.category))
        place = self.place_of(question, at)
        of = self._circumstances(question, at)
        candidates = self._index.candidates(place.area.code if place else None, of)
        rule = next((rule for rule in candidates if not self._index.mismatch(rule, of)), None)
        if rule is None:
            return Unroutable(explanation=wording.no_rule(category, place))
        return self._by(rule, category, place, question, of.day)

    def proposed(self, agency: str, question: Question, at: datetime, *, returner: str, reason: str) -> Decision | Unroutable:
        """Where a report goes that ``returner`` gave back naming ``agency``; to nobody when that leads nowhere new."""
        if agency not in self.province.agencies:
            return Unroutable(explanation=wording.no_proposal(self._name(returner), reason))
        now = self.province.agency_on(agency, self._day(at))
        if now.code in {returner, self.province.centre}:
            return Unroutable(explanation=wording.no_proposal(self._name(returner), reason))
        first = self.decide(question, at)
        sla_class, urgent = (first.sla_class, first.urgent) if isinstance(first, Decision) else self._class_of(question, None)
        explanation = wording.proposed(self._name(returner), now, reason)
        return Decision(agency=now.code, supporting=(), rule=PROPOSED, sla_class=sla_class, urgent=urgent, explanation=explanation)

    def bounced(self, returner: str, reason: str) -> Unroutable:
        """Given back too often: the operations centre decides."""
        return Unroutable(explanation=wording.bounced(self._name(returner), reason))

    def place_of(self, question: Question, at: datetime) -> Place | None:
        """The area of the report, or None when it can't be told."""
        return self.gazetteer.place_of(question.location, self._day(at))

    def agency_on(self, code: str, at: datetime) -> Agency:
        """Who bears the duties of ``code`` at ``at``."""
        return self.province.agency_on(code, self._day(at))

    def consider(self, question: Question, at: datetime) -> list[Considered]:
        """Every rule about the category, the chosen one and the others, in the order of their precedence."""
        return list(self._reasons(self._circumstances(question, at), self.place_of(question, at)))

    def _reasons(self, of: Circumstances, place: Place | None) -> Iterator[Considered]:
        chosen: Rule | None = None
        for rule in self._index.about(of.question.category):
            here = isinstance(rule.areas, str) or (place is not None and place.area.code in rule.areas)
            wrong = self._index.mismatch(rule, of)
            fits = here and not wrong
            why = reasons.why(rule, place, of, here=here, wrong=wrong, chosen=chosen)
            yield Considered(rule=rule, matched=fits and chosen is None, shadowed=fits and chosen is not None, why=why)
            chosen = chosen or (rule if fits else None)

    def _circumstances(self, question: Question, at: datetime) -> Circumstances:
        local = at.astimezone(self._zone)
        return Circumstances(question=question, day=local.date(), time=local.time())

    def _by(self, rule: Rule, category: Category, place: Place | None, question: Question, day: date) -> Decision | Unroutable:
        lead = self._agency(rule.agency, category, place, day)
        if lead is None:
            return Unroutable(explanation=wording.no_area(category, rule))
        if lead.has_ended(day):
            return Unroutable(explanation=wording.ended(category, rule, lead))
        agencies = (self._agency(code, category, place, day) for code in rule.supporting)
        supporting = list({agency.code: agency for agency in agencies if agency and agency != lead and not agency.has_ended(day)}.values())
        sla_class, urgent = self._class_of(question, rule)
        named = self.province.agencies.get(rule.agency)
        before = named if named != lead else None
        return Decision(
            agency=lead.code,
            supporting=tuple(agency.code for agency in supporting),
            rule=rule.code,
            sla_class=sla_class,
            urgent=urgent,
            explanation=wording.decided(category, place, rule, [lead, *supporting], urgent=urgent, instead_of=before),
        )

    def _agency(self, code: str, category: Category, place: Place | None, day: date) -> Agency | None:
        """Who bears the duties of ``code`` on ``day``; None when that depends on an area nobody knows."""
        if code == AREA:
            if place is None:
                return None
            code = place.area.agency
        return self.province.agency_on(code, day, category=category.code, area=place.area.code if place else "")

    def _class_of(self, question: Question, rule: Rule | None) -> tuple[str, bool]:
        """The rule's word, else: urgent where the category allows it, and then the policy's urgent class."""
        category = self.province.categories.get(question.category)
        urgent = question.urgent and bool(category and category.urgent_allowed)
        if rule and rule.urgent is not None:
            urgent = rule.urgent
        usual = self.province.policy.urgent_class if urgent or category is None else category.sla_class
        return (rule and rule.sla_class) or usual, urgent

    def _name(self, agency: str) -> str:
        known = self.province.agencies.get(agency)
        return known.name.vi if known else agency

    def _day(self, at: datetime) -> date:
        return at.astimezone(self._zone).date()
