"""Which rules are asked about a report, and which of their conditions it meets: looked up, so the cost doesn't grow with their number."""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from functools import cached_property
from typing import Protocol

from services.routing.domain.names import Words, bare, by_first_word, occurrences, words_of
from shared.messages import Location
from shared.province import EVERYWHERE, Rule

EFFECTIVE, KEYWORDS, PORTALS, HOURS, URGENT = "effective", "keywords", "portals", "hours", "reported_urgent"  # beside names of attributes
Ranked = tuple[int, int, Rule]  # minus the priority, place among the rules: the lowest wins
Anchor = tuple[str, str]  # what a report must have for a rule to be asked at all
ALWAYS: Anchor = ("", "")


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
    @property
    def description(self) -> str: ...
    @property
    def portal(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Supposed:
    """A question about a report that nobody sent."""

    category: str
    location: Location
    attributes: dict[str, str] = field(default_factory=dict)
    urgent: bool = False
    description: str = ""
    portal: str = ""


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What conditions look at: ``question``, on the ``day`` and at the ``time`` it came, by the province's clocks."""

    question: Question
    day: date
    time: time

    @cached_property
    def words(self) -> Words:
        """Of the description; only where a rule asks for them."""
        return words_of(self.question.description)

    @cached_property
    def values(self) -> Mapping[str, frozenset[str]]:
        """Of the attributes; a list of values has commas between."""
        return {name: frozenset(map(str.strip, value.split(","))) for name, value in self.question.attributes.items()}


class RuleIndex:
    """Rules by category, area and the first condition that tells most of them apart."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._filed: dict[tuple[str, str, Anchor], list[Ranked]] = {}
        self._about: dict[str, list[Ranked]] = {}
        self._words: dict[str, set[str]] = {}  # by category: words without diacritics that rules are filed under
        self._phrases: dict[str, Mapping[str, list[Words]]] = {}  # keywords by the code of their rule
        for place, rule in enumerate(rules):
            self._file((-rule.priority, place, rule))
        for ranked in (*self._filed.values(), *self._about.values()):
            ranked.sort(key=lambda entry: entry[:2])

    def candidates(self, area: str | None, of: Circumstances) -> Iterator[Rule]:
        """In the order of their precedence, those of which category, area and first condition fit. One may come twice."""
        category = of.question.category
        places = (EVERYWHERE,) if area is None else (EVERYWHERE, area)
        found = (self._filed.get((category, place, anchor)) for anchor in self._anchors(category, of) for place in places)
        return (rule for _, _, rule in heapq.merge(*filter(None, found)))

    def about(self, category: str) -> list[Rule]:
        """All of a category, in the order of their precedence."""
        return [rule for _, _, rule in self._about.get(category, ())]

    def mismatch(self, rule: Rule, of: Circumstances) -> str:
        """The first condition that keeps ``rule`` from matching, area aside; "" when none does."""
        if not rule.is_effective(of.day):
            return EFFECTIVE
        for name, keys in rule.attributes.items():
            if of.values.get(name, frozenset()).isdisjoint(keys):
                return name
        if rule.keywords and not self.said(rule, of):
            return KEYWORDS
        if rule.portals and of.question.portal not in rule.portals:
            return PORTALS
        if rule.hours and not rule.hours.holds(of.time):
            return HOURS
        return URGENT if rule.reported_urgent not in {None, of.question.urgent} else ""

    def said(self, rule: Rule, of: Circumstances) -> Words:
        """The first of the rule's keywords that the description has."""
        return next((name for _, name in occurrences(of.words, self._phrases[rule.code])), ())

    def _file(self, ranked: Ranked) -> None:
        rule = ranked[2]
        if rule.keywords:
            self._phrases[rule.code] = by_first_word(phrase for phrase in map(words_of, rule.keywords) if phrase)
        for category in rule.categories:
            self._about.setdefault(category, []).append(ranked)
            for anchor in self._anchors_of(rule):
                if anchor[0] == KEYWORDS:
                    self._words.setdefault(category, set()).add(anchor[1])
                for area in (EVERYWHERE,) if isinstance(rule.areas, str) else rule.areas:
                    self._filed.setdefault((category, area, anchor), []).append(ranked)

    def _anchors_of(self, rule: Rule) -> Iterable[Anchor]:
        """One for each value of one condition: whoever meets it has one of them."""
        if rule.attributes:
            name, keys = next(iter(rule.attributes.items()))
            return [(name, key) for key in dict.fromkeys(keys)]
        if rule.keywords:
            return [(KEYWORDS, word) for word in self._phrases[rule.code]]
        return [(PORTALS, portal) for portal in dict.fromkeys(rule.portals)] or [ALWAYS]

    def _anchors(self, category: str, of: Circumstances) -> Iterator[Anchor]:
        yield ALWAYS
        yield (PORTALS, of.question.portal)
        yield from ((name, value) for name, values in of.values.items() for value in values)
        if filed := self._words.get(category):
            yield from ((KEYWORDS, word) for word in filed.intersection(map(bare, of.words)))
