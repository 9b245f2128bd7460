"""Which agency answers a report: the first of the province's rules that matches, and an explanation people can follow."""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from services.routing.domain import wording
from services.routing.domain.areas import Gazetteer, Place
from shared.messages import Location
from shared.province import Agency, Category, Province, Rule
from shared.province.data import AREA

PROPOSED = "proposed"  # stands where a rule's code would, when an agency named the next one
Ranked = tuple[int, int, Rule]  # minus the priority, place in the file: the lowest wins


class Question(Protocol):
    """What decides; a ``ReportReceived`` is one."""

    @property
    def category(self) -> str: ...
    @property
    def location(self) -> Location: ...
    @property
    def attributes(self) -> dict[str, str]: ...
    @property
    def urgent(self) -> bool: ...


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
    """A rule about the category, and why it matched or not."""

    rule: Rule
    matched: bool
    why: str


class Rulebook:
    """The rules of one version of the province, looked up by category and area: the cost doesn't grow with their number."""

    def __init__(self, province: Province) -> None:
        self.province = province
        self.gazetteer = Gazetteer(province)
        self._zone = ZoneInfo(province.time_zone)
        self._everywhere: dict[str, list[Ranked]] = {}
        self._somewhere: dict[tuple[str, str], list[Ranked]] = {}
        for place, rule in enumerate(province.rules):
            self._file((-rule.priority, place, rule))
        for ranked in (*self._everywhere.values(), *self._somewhere.values()):
            ranked.sort(key=lambda entry: entry[:2])

    def decide(self, question: Question, at: datetime) -> Decision | Unroutable:
        """Who answers ``question`` at ``at``."""
        category = self.province.categories.get(question.category)
        if category is None:
            return Unroutable(explanation=wording.unknown_category(question.category))
        place = self.place_of(question, at)
        rule = next((rule for rule in self._candidates(question.category, place) if not mismatch(rule, question)), None)
        if rule is None:
            return Unroutable(explanation=wording.no_rule(category, place))
        return self._by(rule, category, place, question, self._day(at))

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

    def consider(self, question: Question, at: datetime) -> list[Considered]:
        """Every rule about the category, the chosen one and the others, in the order of their precedence."""
        place = self.place_of(question, at)
        entries = [entry for entries in self._of_category(question.category) for entry in entries]
        ordered = {entry[:2]: entry[2] for entry in sorted(entries, key=lambda entry: entry[:2])}
        return list(_reasons(list(ordered.values()), question, place))

    def _file(self, ranked: Ranked) -> None:
        rule = ranked[2]
        for category in rule.categories:
            if isinstance(rule.areas, str):
                self._everywhere.setdefault(category, []).append(ranked)
                continue
            for area in rule.areas:
                self._somewhere.setdefault((category, area), []).append(ranked)

    def _of_category(self, category: str) -> Iterator[list[Ranked]]:
        yield self._everywhere.get(category, [])
        yield from (entries for (code, _), entries in self._somewhere.items() if code == category)

    def _candidates(self, category: str, place: Place | None) -> Iterator[Rule]:
        here = self._somewhere.get((category, place.area.code), []) if place else []
        everywhere = self._everywhere.get(category, [])
        return (rule for _, _, rule in heapq.merge(here, everywhere, key=lambda entry: entry[:2]))

    def _by(self, rule: Rule, category: Category, place: Place | None, question: Question, day: date) -> Decision | Unroutable:
        lead = self._agency(rule.agency, place, day)
        if lead is None:
            return Unroutable(explanation=wording.no_area(category, rule))
        agencies = (self._agency(code, place, day) for code in rule.supporting)
        supporting = list({agency.code: agency for agency in agencies if agency and agency != lead}.values())
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

    def _agency(self, code: str, place: Place | None, day: date) -> Agency | None:
        """Who bears the duties of ``code`` on ``day``; None when that depends on an area nobody knows."""
        if code == AREA:
            if place is None:
                return None
            code = place.area.agency
        return self.province.agency_on(code, day)

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


def mismatch(rule: Rule, question: Question) -> str:
    """The first attribute that keeps ``rule`` from matching; "" when none does. A list of values has commas between."""
    return next((name for name, keys in rule.attributes.items() if not _has_one(question.attributes, name, keys)), "")


def _has_one(attributes: Mapping[str, str], name: str, keys: tuple[str, ...]) -> bool:
    return any(value.strip() in keys for value in attributes.get(name, "").split(","))


def _reasons(rules: list[Rule], question: Question, place: Place | None) -> Iterator[Considered]:
    chosen: Rule | None = None
    for rule in rules:
        here = isinstance(rule.areas, str) or (place is not None and place.area.code in rule.areas)
        wrong = mismatch(rule, question)
        matches = here and not wrong and chosen is None
        why = wording.why(rule, place, question.attributes, here=here, wrong=wrong, chosen=chosen)
        yield Considered(rule=rule, matched=matches, why=why)
        chosen = rule if matches else chosen
