"""Whether agencies and areas fit together: who follows whom, who is above whom, and that somebody can always be called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from shared.province.naming import AREA
from shared.province.places import Agency, Area, Lasting
from shared.province.policy import EVERYWHERE

if TYPE_CHECKING:
    from shared.province.checks import Draft


def of_agencies(draft: Draft) -> Iterator[str]:
    """What contradicts itself in agencies.yaml."""
    agencies: dict[str, Agency] = draft.entries["agencies"]
    for code, agency in agencies.items():
        yield from (f"{code}: {problem}" for problem in _of_agency(draft, code, agency))
        if code in _reached(code, lambda at: _followers(agencies.get(at))):
            yield f"{code}: succeeds itself"
        if code in _reached(code, lambda at: _above(agencies.get(at))):
            yield f"{code}: is above itself"
    arbiter = agencies.get(draft.card.arbiter) if draft.card else None
    if arbiter and not arbiter.escalation:
        yield f"{arbiter.code}: escalation: names nobody, and every agency's chain ends with the arbiter"


def _of_agency(draft: Draft, code: str, agency: Agency) -> Iterator[str]:
    if code == AREA:
        yield "is the word for the agency of an area and can't be a code"
    yield from draft.unknown("agencies", (agency.parent, *_followers(agency)))
    for share in agency.shares:
        yield from draft.unknown("categories", () if share.categories == EVERYWHERE else share.categories)
        yield from draft.unknown("areas", () if share.areas == EVERYWHERE else share.areas)
    yield from _of_days(agency, "a successor" if agency.successor or agency.shares else "")


def of_areas(draft: Draft) -> Iterator[str]:
    """What contradicts itself in areas.yaml."""
    areas: dict[str, Area] = draft.entries["areas"]
    for code, area in areas.items():
        found = [*draft.unknown("agencies", [area.agency]), *draft.unknown("areas", [area.parent, area.successor])]
        yield from (f"{code}: {problem}" for problem in (*found, *_of_days(area, "a successor" if area.successor else "")))
        if code in _reached(code, lambda at: _next_area(areas, at)):
            yield f"{code}: succeeds itself"


def _of_days(entry: Lasting, follower: str) -> Iterator[str]:
    if follower and not entry.effective_to:
        yield f"has {follower} but no effective_to"
    if entry.effective_from and entry.effective_to and entry.effective_from >= entry.effective_to:
        yield "ends before it begins"


def _followers(agency: Agency | None) -> Iterator[str]:
    named = (agency.successor, *(share.agency for share in agency.shares)) if agency else ()
    yield from (code for code in named if code and code != AREA)


def _above(agency: Agency | None) -> Iterator[str]:
    yield from filter(None, [agency.parent if agency else None])


def _next_area(areas: Mapping[str, Area], code: str) -> Iterator[str]:
    yield from filter(None, [areas[code].successor if code in areas else None])


def _reached(code: str, onwards: Callable[[str], Iterable[str]]) -> set[str]:
    """Every code that one comes to from ``code``, itself only when the way leads back."""
    seen: set[str] = set()
    open_ = list(onwards(code))
    while open_:
        if (here := open_.pop()) not in seen:
            seen.add(here)
            open_.extend(onwards(here))
    return seen
