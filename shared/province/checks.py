"""Where the entries of a province contradict one another: names that nobody bears, answers that no one could give."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from shared.province.catalogue import Category
from shared.province.data import Card, Province
from shared.province.naming import AREA
from shared.province.policy import EVERYWHERE, Policy
from shared.province.registry import of_agencies, of_areas
from shared.province.ruling import Rule


@dataclass
class Draft:
    """A province being read. ``entries``: what is sound by itself, by list and code; ``named``: every code that was given, sound or not."""

    card: Card | None
    policy: Policy | None
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    named: dict[str, set[str]] = field(default_factory=dict)

    def unknown(self, kind: str, codes: Iterable[str | None]) -> Iterator[str]:
        """The ``codes`` that no entry of list ``kind`` bears."""
        yield from (f"unknown {_ONE[kind]} {code!r}" for code in codes if code is not None and code not in self.named[kind])


def misfits(province: Province, policy: Policy) -> list[str]:
    """What would be wrong with ``province`` under another ``policy``, each with its file and entry."""
    return contradictions(_again(province, policy))


def unknown_names(province: Province) -> list[tuple[int, str]]:
    """What the rules of ``province`` name that it doesn't have, each with the place of its rule."""
    draft = _again(province, province.policy)
    return [(place, problem) for place, rule in enumerate(province.rules) for problem in _of_rule(draft, rule)]


def _again(province: Province, policy: Policy) -> Draft:
    entries: dict[str, dict[str, Any]] = {kind: dict(getattr(province, kind)) for kind in ("groups", "categories", "agencies", "areas")}
    entries["rules"] = {rule.code: rule for rule in province.rules}
    named = {kind: set(known) for kind, known in entries.items()} | {"classes": set(policy.classes)}
    return Draft(card=province, policy=policy, entries=entries, named=named)


_ONE = {"groups": "group", "categories": "category", "agencies": "agency", "areas": "area", "classes": "SLA class"}


def contradictions(draft: Draft) -> list[str]:
    """Each with its file and entry."""
    checks = {
        "province.yaml": _of_card(draft),
        "policy.yaml": _of_policy(draft),
        "categories.yaml": _of_categories(draft),
        "agencies.yaml": of_agencies(draft),
        "areas.yaml": of_areas(draft),
        "rules.yaml": _of_rules(draft),
    }
    return [f"{file}: {problem}" for file, found in checks.items() for problem in found]


def _of_card(draft: Draft) -> Iterator[str]:
    if draft.card:
        yield from draft.unknown("agencies", (draft.card.centre, draft.card.arbiter))


def _of_policy(draft: Draft) -> Iterator[str]:
    policy = draft.policy
    if policy is None:
        return
    yield from (f"urgent_class: {problem}" for problem in draft.unknown("classes", [policy.urgent_class]))
    yield from (f"clocks: {name}: no normal allowance" for name, clock in policy.clocks.items() if not clock.normal and name != "resolve")
    both = sorted(set(policy.holidays.closed_days) & set(policy.holidays.worked_days))
    yield from (f"holidays: {day} is both closed and worked" for day in both)


def _of_categories(draft: Draft) -> Iterator[str]:
    for code, category in draft.entries["categories"].items():
        found = [*draft.unknown("groups", [category.group]), *draft.unknown("classes", [category.sla_class])]
        yield from (f"{code}: {problem}" for problem in (*found, *_of_attributes(category)))


def _of_attributes(category: Category) -> Iterator[str]:
    yield from _twice("attribute", [attribute.code for attribute in category.attributes])
    for attribute in category.attributes:
        if attribute.datatype.endswith("list") != bool(attribute.values):
            yield f"{attribute.code}: lists have values, other questions have none"
        yield from (f"{attribute.code}: {problem}" for problem in _twice("value", [choice.key for choice in attribute.values]))


def _twice(what: str, codes: list[str]) -> Iterator[str]:
    yield from (f"{what} {code!r} is given twice" for code in dict.fromkeys(codes) if codes.count(code) > 1)


def _of_rules(draft: Draft) -> Iterator[str]:
    yield from (f"{code}: {problem}" for code, rule in draft.entries["rules"].items() for problem in _of_rule(draft, rule))


def _of_rule(draft: Draft, rule: Rule) -> Iterator[str]:
    yield from draft.unknown("categories", rule.categories)
    yield from draft.unknown("areas", () if rule.areas == EVERYWHERE else rule.areas)
    yield from draft.unknown("agencies", (agency for agency in (rule.agency, *rule.supporting) if agency != AREA))
    yield from draft.unknown("classes", [rule.sla_class])
    yield from _of_conditions(draft, rule)


def _of_conditions(draft: Draft, rule: Rule) -> Iterator[str]:
    """A condition that none of the rule's categories can meet makes a rule that never matches."""
    for code in rule.categories:
        category: Category | None = draft.entries["categories"].get(code)
        for name, keys in rule.attributes.items() if category else ():
            attribute = category.attribute(name) if category else None
            if attribute is None:
                yield f"category {code} has no attribute {name!r}"
            else:
                yield from (f"{code}.{name} has no value {key!r}" for key in keys if not attribute.allows(key))
