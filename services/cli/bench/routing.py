"""Decisions a second with few rules and areas and with many, in turn: nothing but deciding, without database or bus.

Areas are the cells of a grid over the province, found by a tree over their polygons; rules have every kind of condition.
"""

import gc
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from uuid import uuid4

from shapely import STRtree, points
from shapely.geometry import box

from services.routing.domain.areas import Gazetteer, Place
from services.routing.domain.rules import Decision, Rulebook
from shared.clock import now
from shared.messages import Location, ReportReceived
from shared.province import EVERYWHERE, Area, Province, Rule

WEST, SOUTH, SIDE = 106.0, 16.0, 2.0  # degrees of the square the grid divides
REPORTS = 2_000  # of one round
WORDS = (
    "đèn đường trước nhà hỏng từ tuần trước",
    "ổ gà sâu ở đầu ngõ",
    "rác chưa thu gom",
    "nước chảy tràn ra đường",
    "cây nghiêng sắp đổ",
)


@dataclass
class Size:
    """One installation, and the seconds a decision took in each round."""

    rules: int
    areas: int
    rulebook: Rulebook
    costs: list[float] = field(default_factory=list)


class Grid(Gazetteer):
    """Areas by the polygon that a point lies in."""

    def __init__(self, province: Province, cells: int) -> None:
        super().__init__(province)
        rows = next(rows for rows in range(int(cells**0.5), 0, -1) if cells % rows == 0)
        columns = cells // rows
        self._areas = list(province.areas.values())
        self._tree = STRtree([_cell(number, columns, rows) for number in range(cells)])

    def place_of(self, location: Location, day: date) -> Place | None:  # noqa: ARG002 - there on every day
        """The first polygon that holds the point."""
        found = self._tree.query(points(location.longitude, location.latitude), predicate="intersects")
        return Place(area=self._areas[found[0]], how="point") if len(found) else None


def measure(of: Province, *, small: tuple[int, int], large: tuple[int, int], rounds: int) -> tuple[Size, Size]:
    """Both sizes (rules, areas), ``rounds`` times in turn, on the same reports."""
    sizes = tuple(_size(of, *size) for size in (small, large))
    reports = list(_reports(of))
    for _ in range(rounds):
        for size in sizes:
            size.costs.append(_round(size.rulebook, reports))
    return sizes[0], sizes[1]


def _round(rulebook: Rulebook, reports: list[ReportReceived]) -> float:
    gc.collect()
    begin = time.perf_counter()
    decided = sum(isinstance(rulebook.decide(report, report.at), Decision) for report in reports)
    cost = (time.perf_counter() - begin) / len(reports)
    assert decided == len(reports)  # every category has a general rule, and every point an area
    return cost


def _size(of: Province, rules: int, areas: int) -> Size:
    agencies = [agency for agency in of.agencies.values() if agency.kind in {"ward", "commune"}] or list(of.agencies.values())
    cells = {f"cell-{number}": _area(of, number, agencies[number % len(agencies)].code) for number in range(areas)}
    province = of.model_copy(update={"areas": cells, "rules": tuple(_rules(of, rules, list(cells)))})
    rulebook = Rulebook(province)
    rulebook.gazetteer = Grid(province, areas)
    return Size(rules=rules, areas=areas, rulebook=rulebook)


def _area(of: Province, number: int, agency: str) -> Area:
    usual = next(iter(of.areas.values()))
    return usual.model_copy(update={"code": f"cell-{number}", "agency": agency, "kind": "commune"})


def _rules(of: Province, number: int, areas: list[str]) -> Iterator[Rule]:
    """One general rule a category, then such as ask for more."""
    chance = random.Random(5)  # noqa: S311 - the same rules in every run
    categories = _categories(of)
    for place, category in enumerate(categories[:number]):
        yield Rule(code=f"general-{place}", priority=10, categories=(category,), agency="area")
    for place in range(len(categories), number):
        category = chance.choice(categories)
        where = tuple(chance.sample(areas, min(3, len(areas)))) if chance.random() < 0.7 else EVERYWHERE
        yield Rule(code=f"special-{place}", priority=20, categories=(category,), areas=where, agency="ioc", **_asks(chance, place))


def _asks(chance: random.Random, place: int) -> dict[str, object]:
    return chance.choice(
        [
            {"attributes": {"LOAI_DUONG": (f"kind-{place % 40}",)}},
            {"keywords": (f"hẻm {place}", "cây nghiêng")},
            {"portals": (f"portal-{place % 50}",)},
            {"hours": {"begin": "22:00", "end": "05:00"}, "attributes": {"LOAI_DUONG": (f"kind-{place % 40}",)}},
        ]
    )


def _reports(of: Province) -> Iterator[ReportReceived]:
    chance, at, categories = random.Random(7), now(), _categories(of)  # noqa: S311 - the same reports for both
    for number in range(REPORTS):
        location = Location(latitude=SOUTH + chance.random() * SIDE, longitude=WEST + chance.random() * SIDE)
        yield ReportReceived(
            report_id=uuid4(),
            at=at,
            tracking_code=f"QT-{number}",
            portal=f"portal-{number % 60}",
            category=chance.choice(categories),
            description=" ".join(chance.choices(WORDS, k=4)),
            location=location,
            attributes={"LOAI_DUONG": f"kind-{number % 50}"},
        )


def _categories(of: Province) -> list[str]:
    return [code for code, category in of.categories.items() if not category.by_hand]


def _cell(number: int, columns: int, rows: int) -> object:
    row, column = divmod(number, columns)
    width, height = SIDE / columns, SIDE / rows
    return box(WEST + column * width, SOUTH + row * height, WEST + (column + 1) * width, SOUTH + (row + 1) * height)
