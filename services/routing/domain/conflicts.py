"""Rules that are in each other's way: those that a stronger one always forestalls, and equals that only their order tells apart.

Only rules of one category are compared, and of those only the ones for the same areas: all pairs of many rules would be too many.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import combinations

from shared.province import EVERYWHERE, Rule

Placed = tuple[int, Rule]  # the place among the rules, from 0


def hidden(rules: Sequence[Rule], day: date) -> list[tuple[int, str]]:
    """The places of rules that never match from ``day`` on, and behind which others they stand.

    A rule is dead when each of its categories and areas belongs to a stronger rule that asks for no more than it does.
    """
    hiding: dict[int, list[set[str]]] = {}
    for placed in _by_category(rules, day):
        for place, found in _forestalled(placed, day):
            hiding.setdefault(place, []).append(found)
    dead = [(place, sorted(set().union(*found))) for place, found in sorted(hiding.items()) if all(found)]
    return [(place, f"never matches: {', '.join(codes)} always comes first") for place, codes in dead]


def ties(rules: Sequence[Rule], day: date) -> list[tuple[int, str]]:
    """The places of rules with an equal in front of them that names another agency for some of the same reports."""
    shared: dict[tuple[int, int], set[str]] = {}
    for placed in _by_category(rules, day):
        for one, other in _equals(placed):
            first, second = sorted((one[0], other[0]))
            shared.setdefault((first, second), set()).update(set(one[1].categories) & set(other[1].categories))
    return [
        (second, _tied(rules[first].code, sorted(categories))) for (first, second), categories in sorted(shared.items(), key=_by_second)
    ]


def _tied(first: str, categories: list[str]) -> str:
    return f"ties with {first} for {', '.join(categories)}: equal priority, some reports match both; {first} wins by its place"


def _by_second(pair: tuple[tuple[int, int], set[str]]) -> tuple[int, int]:
    return pair[0][1], pair[0][0]


def _by_category(rules: Sequence[Rule], day: date) -> list[list[Placed]]:
    """Those not over, the strongest first."""
    found: dict[str, list[Placed]] = {}
    for place, rule in sorted(enumerate(rules), key=lambda placed: (-placed[1].priority, placed[0])):
        for category in dict.fromkeys(rule.categories) if not rule.effective_to or rule.effective_to > day else ():
            found.setdefault(category, []).append((place, rule))
    return list(found.values())


def _forestalled(placed: list[Placed], day: date) -> Iterator[tuple[int, set[str]]]:
    """For each rule of a category the stronger ones that match whatever it matches."""
    by_area: dict[str, list[Rule]] = {}
    for place, rule in placed:
        stronger = [*by_area.get(EVERYWHERE, ()), *(by_area.get(_areas(rule)[0], ()) if rule.areas != EVERYWHERE else ())]
        yield place, {other.code for other in stronger if _hides(other, rule, day)}
        for area in _areas(rule):
            by_area.setdefault(area, []).append(rule)


def _areas(rule: Rule) -> tuple[str, ...]:
    return (EVERYWHERE,) if isinstance(rule.areas, str) else rule.areas


def _hides(other: Rule, rule: Rule, day: date) -> bool:
    """Whether ``other``, of the same category and stronger, matches whatever ``rule`` matches from ``day`` on."""
    everywhere = isinstance(other.areas, str) or (not isinstance(rule.areas, str) and set(rule.areas) <= set(other.areas))
    as_long = (other.effective_from or date.min) <= max(rule.effective_from or day, day) and (other.effective_to or date.max) >= (
        rule.effective_to or date.max
    )
    return everywhere and as_long and _asks_less(other, rule)


def _asks_less(other: Rule, rule: Rule) -> bool:
    answers = all(set(rule.attributes.get(name, ())) and set(rule.attributes[name]) <= set(keys) for name, keys in other.attributes.items())
    lists = ((other.keywords, rule.keywords), (other.portals, rule.portals))
    listed = all(not theirs or (ours and set(ours) <= set(theirs)) for theirs, ours in lists)
    hours = other.hours is None or (rule.hours is not None and other.hours.covers(rule.hours))
    return bool(answers and listed and hours and other.reported_urgent in {None, rule.reported_urgent})


def _equals(placed: list[Placed]) -> Iterator[tuple[Placed, Placed]]:
    """Pairs of one priority with different agencies that some report could match both of."""
    alike: dict[tuple[int, str], list[Placed]] = {}
    for one in placed:
        for area in _areas(one[1]):
            alike.setdefault((one[1].priority, area), []).append(one)
    for (priority, area), group in alike.items():
        everywhere = alike.get((priority, EVERYWHERE), []) if area != EVERYWHERE else []
        for one, other in (*combinations(group, 2), *((a, b) for a in everywhere for b in group)):
            if one[1].agency != other[1].agency and _meet(one[1], other[1]):
                yield one, other


def _meet(one: Rule, other: Rule) -> bool:
    """Whether some report could match both, areas aside."""
    asked = set(one.attributes) & set(other.attributes)
    answers = all(set(one.attributes[name]) & set(other.attributes[name]) for name in asked)
    portals = not one.portals or not other.portals or set(one.portals) & set(other.portals)
    hours = one.hours is None or other.hours is None or one.hours.meets(other.hours)
    urgent = None in {one.reported_urgent, other.reported_urgent} or one.reported_urgent == other.reported_urgent
    begins = max(one.effective_from or date.min, other.effective_from or date.min)
    ends = min(one.effective_to or date.max, other.effective_to or date.max)
    return bool(answers and portals and hours and urgent and begins < ends)
