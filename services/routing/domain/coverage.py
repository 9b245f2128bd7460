"""What is wrong with a province's rules as a whole: names nobody bears, pairs nobody answers, rules that never speak, ties that only
their order settles."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from services.routing.domain import conflicts
from services.routing.domain.rules import Decision, Rulebook
from shared.messages import Location
from shared.province import Category, Province, unknown_names

NOWHERE = -1


@dataclass(frozen=True, kw_only=True)
class Defect:
    """``code`` is unknown, uncovered, never_matches, expired, tie or gone; ``rule`` is empty, and ``place`` among the rules (from 0) is -1,
    where no rule is to blame."""

    code: str
    rule: str = ""
    place: int = NOWHERE
    text: str

    @property
    def forbids(self) -> bool:
        """Whether rules with it may not be put in force. A rule that is over does no harm, and time alone must not stop anybody."""
        return self.code != "expired"


@dataclass(frozen=True, kw_only=True)
class _Plain:
    """A report that meets no condition: what is left to the most general rule."""

    category: str
    location: Location
    attributes: dict[str, str]
    urgent: bool = False
    description: str = ""
    portal: str = ""


def defects(province: Province, day: date) -> list[Defect]:
    """All of them, as the rules are on ``day`` and after it. Names that nobody bears come alone: the rest could only follow from them."""
    unknown = [Defect(code="unknown", rule=province.rules[place].code, place=place, text=text) for place, text in unknown_names(province)]
    return unknown or [*_uncovered(province, day), *_expired(province, day), *_clashes(province, day), *_gone(province, day)]


def pairs(province: Province) -> int:
    """How many category × area pairs must be covered."""
    return len(province.areas) * sum(not category.by_hand for category in province.categories.values())


def _uncovered(province: Province, day: date) -> Iterator[Defect]:
    """On ``day``, and on each later day on which a rule begins or ends. Rules with conditions leave some reports out: they don't count."""
    plain = tuple(rule for rule in province.rules if not rule.is_conditional)
    rulebook = Rulebook(province.model_copy(update={"rules": plain}))
    turns = {turn for rule in plain for turn in (rule.effective_from, rule.effective_to) if turn and turn > day}
    known: set[str] = set()
    for on in (day, *sorted(turns)):
        at = datetime.combine(on, time(12), ZoneInfo(province.time_zone))
        for category in province.categories.values():
            missing = [] if category.by_hand or category.code in known else list(_missing(rulebook, category, at))
            if missing:
                known.add(category.code)
                yield _hole(province, category, missing, "" if on == day else f" from {on:%d/%m/%Y} on")


def _hole(province: Province, category: Category, missing: list[str], since: str) -> Defect:
    total = len(province.areas)
    where = "no area at all" if len(missing) == total else "not in " + ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
    fix = "add a rule without conditions, or say by_hand: true"
    text = f"{category.code} is answered in {total - len(missing)} of {total} areas{since} ({where}): {fix}"
    return Defect(code="uncovered", text=text)


def _missing(rulebook: Rulebook, category: Category, at: datetime) -> Iterator[str]:
    for area in rulebook.province.areas:
        asked = _Plain(category=category.code, location=Location(area=area), attributes={})
        if not isinstance(rulebook.decide(asked, at), Decision):
            yield area


def _expired(province: Province, day: date) -> Iterator[Defect]:
    for place, rule in enumerate(province.rules):
        if rule.effective_to and rule.effective_to <= max(day, rule.effective_from or day):
            text = f"never matches any more: it ended on {rule.effective_to:%d/%m/%Y}"
            yield Defect(code="expired", rule=rule.code, place=place, text=text)


def _clashes(province: Province, day: date) -> Iterator[Defect]:
    for place, text in conflicts.hidden(province.rules, day):
        yield Defect(code="never_matches", rule=province.rules[place].code, place=place, text=text)
    for place, text in conflicts.ties(province.rules, day):
        yield Defect(code="tie", rule=province.rules[place].code, place=place, text=text)


def _gone(province: Province, day: date) -> Iterator[Defect]:
    for place, rule in enumerate(province.rules):
        for code in (rule.agency, *rule.supporting):
            agency = province.agency_on(code, day) if code in province.agencies else None
            if agency and agency.effective_to and day >= agency.effective_to:
                text = f"names {code}, which ended on {agency.effective_to:%d/%m/%Y} without a successor"
                yield Defect(code="gone", rule=rule.code, place=place, text=text)
