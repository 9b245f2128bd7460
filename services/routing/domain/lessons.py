"""What became of the first decision about a report, and what the operations centre decided by hand: what is learned from."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from shared.messages import CaseAssigned, CaseResolved, CaseReturned
from shared.province import EVERYWHERE, Rule

BY_HAND = "by-hand"  # the rule that stands in a case.assigned of the operations centre
LEAST, AGREED = 3, 0.8  # hand routings of one kind, and the share of them that must name one agency
AREA_PRIORITY, WHOLE_PRIORITY = 25, 15  # of learned rules: before the general ones of the same reach, behind answers to questions


class Outcome(StrEnum):
    """``right``: the agency first named answered. ``bounced``: it gave the report back. ``moved``: another one got it otherwise.

    ``open``: nothing of that yet, or no rule named anybody. What is said first stays.
    """

    OPEN = "open"
    RIGHT = "right"
    BOUNCED = "bounced"
    MOVED = "moved"


@dataclass(kw_only=True, eq=False)
class Lesson:
    """``rule`` and ``agency`` of the first decision, empty where a person had to make it. ``hand`` is whom the centre named last,
    ``category`` what the report is about by now, ``proposed`` whom its returners named."""

    report_id: UUID
    rule: str
    agency: str
    category: str
    area: str
    outcome: Outcome = Outcome.OPEN
    hand: str = ""
    proposed: list[str] = field(default_factory=list)

    def returned(self, fact: CaseReturned) -> None:
        """A first return that is told late still says that it wasn't right."""
        if fact.hop == 1 and self.rule:
            self.outcome = Outcome.BOUNCED
        if fact.proposed_agency and fact.proposed_agency not in self.proposed:
            self.proposed = [*self.proposed, fact.proposed_agency]

    def assigned_by_hand(self, fact: CaseAssigned) -> None:
        """A person's word, and perhaps another category."""
        self.hand, self.category = fact.agency, fact.category or self.category
        if self.outcome == Outcome.OPEN and self.rule and fact.agency != self.agency:
            self.outcome = Outcome.MOVED

    def resolved(self, fact: CaseResolved) -> None:
        """An answer was approved."""
        if self.outcome == Outcome.OPEN and self.rule:
            self.outcome = Outcome.RIGHT if fact.agency == self.agency else Outcome.MOVED


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of one rule. Its share of ``right``, and of ``bounced``, is of all three together: what is known by now."""

    rule: str
    right: int
    bounced: int
    moved: int

    @property
    def settled(self) -> int:
        return self.right + self.bounced + self.moved


@dataclass(frozen=True, kw_only=True)
class HandRouting:
    """One word of the centre, with what it was about."""

    report_id: UUID
    category: str
    area: str
    agency: str


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A rule that would have decided as people did: so many ``times``, of so many reports of the kind ``in_all``."""

    rule: Rule
    times: int
    in_all: int
    reports: tuple[UUID, ...]


def proposals(routings: Sequence[HandRouting]) -> list[Proposal]:
    """Rules to be had from ``routings``: for a whole category where people agree everywhere, else for its areas where they do."""
    found: list[Proposal] = []
    for category in sorted({one.category for one in routings}):
        about = [one for one in routings if one.category == category]
        areas = sorted({one.area for one in about if one.area})
        everywhere = _agreed(about, category, EVERYWHERE) if len(areas) > 1 else None
        each = (_agreed([one for one in about if one.area == area], category, area) for area in areas)
        found += [everywhere] if everywhere else [one for one in each if one]
    return found


def _agreed(routings: Sequence[HandRouting], category: str, area: str) -> Proposal | None:
    [(agency, times)] = Counter(one.agency for one in routings).most_common(1)
    if times < LEAST or times < AGREED * len(routings):
        return None
    place = "ca-tinh" if area == EVERYWHERE else area
    rule = Rule(
        code=f"hoc-{category}-{place}".lower(),
        priority=WHOLE_PRIORITY if area == EVERYWHERE else AREA_PRIORITY,
        categories=(category,),
        areas=EVERYWHERE if area == EVERYWHERE else (area,),
        agency=agency,
    )
    return Proposal(rule=rule, times=times, in_all=len(routings), reports=tuple(one.report_id for one in routings if one.agency == agency))


def with_accepted(rules: Sequence[Rule], accepted: Iterable[Rule]) -> tuple[Rule, ...]:
    """``rules`` with what was learned: in the place of a rule of that code, else at the end."""
    learned = {rule.code: rule for rule in accepted}
    return (*(learned.pop(rule.code, rule) for rule in rules), *learned.values())
