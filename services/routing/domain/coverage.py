"""What is wrong with a province's rules as a whole: pairs nobody answers, rules that never speak, ties that only their order settles."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import combinations
from zoneinfo import ZoneInfo

from services.routing.domain.rules import Decision, Rulebook
from shared.messages import Location
from shared.province import Category, Province, Rule


@dataclass(frozen=True, kw_only=True)
class Defect:
    """``code`` is uncovered, never_matches, tie or gone; ``rule`` is empty where no rule is to blame."""

    code: str
    rule: str
    text: str


@dataclass(frozen=True, kw_only=True)
class _Plain:
    """A report without any answers to the category's questions: what is left to the most general rule."""

    category: str
    location: Location
    attributes: dict[str, str]
    urgent: bool = False


def defects(province: Province, day: date) -> list[Defect]:
    """All of them, as the rules are on ``day``."""
    return [*_uncovered(province, day), *_never(province), *_ties(province), *_gone(province, day)]


def pairs(province: Province) -> int:
    """How many category × area pairs must be covered."""
    return len(province.areas) * sum(not category.by_hand for category in province.categories.values())


def _uncovered(province: Province, day: date) -> Iterator[Defect]:
    rulebook, at = Rulebook(province), datetime.combine(day, time(12), ZoneInfo(province.time_zone))
    for category in province.categories.values():
        missing = [] if category.by_hand else list(_missing(rulebook, category, at))
        if missing:
            where = "no area at all" if len(missing) == len(province.areas) else ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
            fix = "add a rule without attributes, or say by_hand: true"
            covered = len(province.areas) - len(missing)
            yield Defect(
                code="uncovered", rule="", text=f"{category.code} is answered in {covered} of {len(province.areas)} areas ({where}): {fix}"
            )


def _missing(rulebook: Rulebook, category: Category, at: datetime) -> Iterator[str]:
    for area in rulebook.province.areas:
        asked = _Plain(category=category.code, location=Location(area=area), attributes={})
        if not isinstance(rulebook.decide(asked, at), Decision):
            yield area


def _never(province: Province) -> Iterator[Defect]:
    """A rule is dead when each of its categories and areas belongs to a stronger rule that asks for no more than it does."""
    for place, rule in enumerate(province.rules):
        stronger = [other for number, other in enumerate(province.rules) if (-other.priority, number) < (-rule.priority, place)]
        hiding = {other.code for category in rule.categories for other in stronger if _hides(other, rule, category)}
        if all(any(_hides(other, rule, category) for other in stronger) for category in rule.categories):
            yield Defect(code="never_matches", rule=rule.code, text=f"never matches: {', '.join(sorted(hiding))} always comes first")


def _hides(other: Rule, rule: Rule, category: str) -> bool:
    everywhere = isinstance(other.areas, str) or (not isinstance(rule.areas, str) and set(rule.areas) <= set(other.areas))
    asks_less = all(
        set(rule.attributes.get(name, ())) and set(rule.attributes[name]) <= set(keys) for name, keys in other.attributes.items()
    )
    return category in other.categories and everywhere and asks_less


def _ties(province: Province) -> Iterator[Defect]:
    for one, other in combinations(province.rules, 2):
        shared = sorted(set(one.categories) & set(other.categories))
        if shared and one.priority == other.priority and one.agency != other.agency and _meet(one, other):
            text = f"ties with {one.code} for {', '.join(shared)}: equal priority, some reports match both; {one.code} wins by its place"
            yield Defect(code="tie", rule=other.code, text=text)


def _meet(one: Rule, other: Rule) -> bool:
    """Whether some report could match both."""
    apart = not isinstance(one.areas, str) and not isinstance(other.areas, str) and not set(one.areas) & set(other.areas)
    asked = set(one.attributes) & set(other.attributes)
    return not apart and all(set(one.attributes[name]) & set(other.attributes[name]) for name in asked)


def _gone(province: Province, day: date) -> Iterator[Defect]:
    for rule in province.rules:
        for code in (rule.agency, *rule.supporting):
            agency = province.agency_on(code, day) if code in province.agencies else None
            if agency and agency.effective_to and day >= agency.effective_to:
                yield Defect(
                    code="gone", rule=rule.code, text=f"names {code}, which ended on {agency.effective_to:%d/%m/%Y} without a successor"
                )
