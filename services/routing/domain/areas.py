"""Where a report is: by the area it names, else by its point, else by the words of its address.

Points go to the nearest centre, which is approximate and said so; when the province's borders are loaded they come before it.
"""

import math
from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.routing.domain.names import Words, by_first_word, longest_apart, occurrences, words_of
from shared.messages import Location
from shared.province import Area, Province

FARTHEST_KM = 25.0  # from a centre; the widest communes reach about so far, what lies beyond is probably a wrong point
KM_PER_DEGREE = 111.2  # of latitude
KINDS = {
    "city": "thành phố",
    "town": "thị xã",
    "district": "huyện",
    "island_district": "huyện đảo",
    "ward": "phường",
    "commune": "xã",
    "special_zone": "đặc khu",
}
NEAR = frozenset({"ward", "commune", "special_zone"})  # the level closest to people; it wins where both levels fit


@dataclass(frozen=True, kw_only=True)
class Place:
    """An area, and ``how`` it was found. ``km`` is the distance to its centre when a point led there."""

    area: Area
    how: Literal["code", "point", "address"]
    km: float = 0.0

    @property
    def note(self) -> str:
        """For people, in Vietnamese."""
        if self.how == "code":
            return f"Địa bàn {self.area.name.vi} được ghi trong phản ánh."
        if self.how == "address":
            return f"Địa bàn {self.area.name.vi} được nhận ra từ địa chỉ trong phản ánh."
        return f"Địa bàn xác định gần đúng theo tọa độ: trung tâm gần nhất là {self.area.name.vi}, cách khoảng {_kilometres(self.km)}."


class Gazetteer:
    """The areas of a province, ready to be searched."""

    def __init__(self, province: Province) -> None:
        self._province = province
        self._names = _names(province)
        self._index = by_first_word(self._names)

    def place_of(self, location: Location, day: date) -> Place | None:
        """Where ``location`` is, among the areas that somebody answers for on ``day``."""
        named = self._province.areas.get(location.area)
        if named is not None:
            return Place(area=named, how="code")
        return self._nearest(location, day) or self._mentioned(location.address, day)

    def _nearest(self, location: Location, day: date) -> Place | None:
        if location.latitude is None or location.longitude is None:
            return None
        near = ((_km(location.latitude, location.longitude, area), area) for area in self._closest_level(day))
        km, area = min(near, key=lambda pair: pair[0], default=(math.inf, None))
        return Place(area=area, how="point", km=km) if area and km <= FARTHEST_KM else None

    def _mentioned(self, address: str, day: date) -> Place | None:
        found = [(start, name, self._on(name, day)) for start, name in occurrences(words_of(address), self._index)]
        areas = {name: area for _, name, area in found if area}
        apart = longest_apart([(start, name) for start, name, area in found if area])
        best = max(apart, key=lambda place: (areas[place[1]].kind in NEAR, len(place[1]), -place[0]), default=None)
        return Place(area=areas[best[1]], how="address") if best else None

    def _on(self, name: Words, day: date) -> Area | None:
        """What ``name`` means on ``day``: "Đông Hà" is the city before there is a ward of that name."""
        meant = [area for area in self._names[name] if self._started(area, day)]
        return max(meant, key=lambda area: area.kind in NEAR, default=None)

    def _closest_level(self, day: date) -> list[Area]:
        """Communes once they exist, districts before."""
        areas = [area for area in self._province.areas.values() if self._started(area, day)]
        return [area for area in areas if area.kind in NEAR] or areas

    def _started(self, area: Area, day: date) -> bool:
        begins = self._province.agencies[area.agency].effective_from
        return begins is None or begins <= day


def _names(province: Province) -> dict[Words, list[Area]]:
    """Each name with its kind and without. A name that is also the province's own says nothing without its kind."""
    whole = words_of(province.name.vi.removeprefix("Tỉnh "))
    names: dict[Words, list[Area]] = {}
    for area in province.areas.values():
        full, kind = words_of(area.name.vi), words_of(KINDS[area.kind])
        short = full[len(kind) :] if full[: len(kind)] == kind else full
        for name in {full, short} - {whole, ()}:
            names.setdefault(name, []).append(area)
    return names


def _km(latitude: float, longitude: float, area: Area) -> float:
    """Over distances inside one province a flat map is exact enough."""
    east = (longitude - area.longitude) * math.cos(math.radians(latitude))
    return math.hypot(latitude - area.latitude, east) * KM_PER_DEGREE


def _kilometres(km: float) -> str:
    return f"{km:.1f} km".replace(".", ",")
