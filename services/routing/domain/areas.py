"""Where a report is: by the area it names, else by its point, else by the words of its address, as areas are on that day.

A point lies inside a border where borders are loaded; without them it goes to the nearest centre, which is approximate and said so.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.routing.domain.addresses import NEAR, Addresses
from services.routing.domain.borders import Shapes, borders_of, centres_of
from shared.messages import Location
from shared.province import Area, Province

FARTHEST_KM = 25.0  # from a centre; the widest communes reach about so far, what lies beyond is probably a wrong point
NEAR_METRES = 200.0  # of a border: telephones err by tens of metres, and published borders are simplified
OUTSIDE_METRES = 1000.0  # of all borders: on the beach, or just over the line; farther away it is another province


@dataclass(frozen=True, kw_only=True)
class Place:
    """An area, and ``how`` it was found. ``km`` is the distance to its centre when a point led there by that; ``metres`` that to
    ``neighbour``, when the border with it is near, or to the area itself, when the point lies ``outside`` of all. ``named``: an area of
    former times that the report names, which this one covers now."""

    area: Area
    how: Literal["code", "border", "point", "address"]
    km: float = 0.0
    neighbour: Area | None = None
    metres: float = 0.0
    named: Area | None = None

    @property
    def note(self) -> str:
        """For people, in Vietnamese."""
        return " ".join(filter(None, [self._found(), self._succession(), self._border()]))

    def _found(self) -> str:
        name = self.area.name.vi
        if self.how == "code":
            return f"Địa bàn {(self.named or self.area).name.vi} được ghi trong phản ánh."
        if self.how == "address":
            return f"Địa bàn {name} được nhận ra từ địa chỉ trong phản ánh."
        if self.how == "border":
            return f"Tọa độ nằm trong địa giới {name}." if self.metres == 0 or self.neighbour else f"Tọa độ nằm ngoài địa giới {name}."
        return f"Địa bàn xác định gần đúng theo tọa độ: trung tâm gần nhất là {name}, cách khoảng {_kilometres(self.km)}."

    def _succession(self) -> str:
        return f"Địa bàn này nay thuộc {self.area.name.vi}." if self.named else ""

    def _border(self) -> str:
        if self.neighbour:
            return f"Vị trí gần ranh giới: cách {self.neighbour.name.vi} khoảng {self.metres:.0f} m (ranh giới chỉ có tính tham khảo)."
        return f"Địa giới gần nhất cách khoảng {self.metres:.0f} m." if self.metres else ""


class Gazetteer:
    """The areas of a province, ready to be searched. What there is on a day changes on few days: each such time has its own map."""

    def __init__(self, province: Province) -> None:
        self._province = province
        self._addresses = Addresses(province)
        self._borders = borders_of(province.areas)
        days = {day for area in province.areas.values() for day in (self._begins(area), area.effective_to) if day}
        self._turns = sorted(days)
        self._maps: dict[int, tuple[Shapes, Shapes]] = {}

    def place_of(self, location: Location, day: date) -> Place | None:
        """Where ``location`` is, among the areas that there are on ``day``."""
        if location.area in self._province.areas:
            return self._named(self._province.areas[location.area], location, day)
        return self._pointed(location, day) or self._mentioned(location.address, day)

    def _named(self, named: Area, location: Location, day: date) -> Place:
        """The area itself, or who covers it on ``day``: of one that was divided, the part the point lies in, or the address names."""
        here = self._province.area_on(named.code, day)
        if here.has_ended(day):
            here = next((part for part in self._parts(location, day) if part.parent == here.code), here)
        if not self._started(here, day) and here.parent:
            here = self._province.areas[here.parent]
        return Place(area=here, how="code", named=named if here.has_ended(day) is False and named.has_ended(day) else None)

    def _parts(self, location: Location, day: date) -> Iterator[Area]:
        """Where it certainly is, whatever area it names."""
        inside = self._pointed(location, day)
        if inside and inside.how == "border":
            yield inside.area
        said = self._addresses.area_in(location.address, lambda area: self._started(area, day))
        if said and said.is_certain:
            yield said.area

    def _pointed(self, location: Location, day: date) -> Place | None:
        if location.latitude is None or location.longitude is None:
            return None
        here = location.latitude, location.longitude
        borders, centres = self._map_on(day)
        found = borders.within(*here, NEAR_METRES)
        if found and found[0][0] == 0:
            metres, neighbour = found[1] if len(found) > 1 else (0.0, None)
            return Place(area=found[0][1], how="border", neighbour=neighbour, metres=metres)
        if outside := borders.nearest(*here, OUTSIDE_METRES):
            return Place(area=outside[1], how="border", metres=outside[0])
        near = centres.nearest(*here, FARTHEST_KM * 1000)
        return Place(area=near[1], how="point", km=near[0] / 1000) if near else None

    def _mentioned(self, address: str, day: date) -> Place | None:
        found = self._addresses.area_in(address, lambda area: self._started(area, day))
        if found is None:
            return None
        here = self._province.area_on(found.area.code, day)
        return Place(area=here, how="address", named=found.area if here != found.area else None)

    def _map_on(self, day: date) -> tuple[Shapes, Shapes]:
        """Communes once they exist, districts before: those with borders, and the centres of those without."""
        time = bisect_right(self._turns, day)
        if time not in self._maps:
            there = [area for area in self._province.areas.values() if self._started(area, day) and not area.has_ended(day)]
            there = [area for area in there if area.kind in NEAR] or there
            bare = [area for area in there if area.code not in self._borders]
            self._maps[time] = Shapes(there, self._borders), Shapes(bare, centres_of(bare))
        return self._maps[time]

    def _started(self, area: Area, day: date) -> bool:
        begins = self._begins(area)
        return begins is None or begins <= day

    def _begins(self, area: Area) -> date | None:
        return area.effective_from or self._province.agencies[area.agency].effective_from


def _kilometres(km: float) -> str:
    return f"{km:.1f} km".replace(".", ",")
