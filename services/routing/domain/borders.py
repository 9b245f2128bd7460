"""Shapes on a flat map: which area a point lies in, which border is near, which centre is nearest. Asked of a tree (shapely's STRtree),
so that the cost hardly grows with their number."""

import json
import math
from collections.abc import Iterable, Mapping

import numpy
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shared.province import Area

METRES_PER_DEGREE = 111_200.0  # of latitude
Near = tuple[float, Area]  # metres to it, 0 inside


class Shapes:
    """``shapes`` in degrees, by the code of their area. A map that is flat is exact to half a per cent inside one province."""

    def __init__(self, areas: Iterable[Area], shapes: Mapping[str, BaseGeometry]) -> None:
        self._areas = [area for area in areas if area.code in shapes]
        drawn = [shapes[area.code] for area in self._areas]
        middle = sum(area.latitude for area in self._areas) / max(len(self._areas), 1)
        self._scale = numpy.array([METRES_PER_DEGREE * math.cos(math.radians(middle)), METRES_PER_DEGREE])
        self._drawn = shapely.transform(numpy.array(drawn, dtype=object), lambda degrees: degrees * self._scale)
        shapely.prepare(self._drawn)
        self._tree = shapely.STRtree(self._drawn)

    def within(self, latitude: float, longitude: float, metres: float) -> list[Near]:
        """All that are at most ``metres`` away, the nearest first; of two that meet here, the first of the file."""
        point = self._point(latitude, longitude)
        found = numpy.sort(self._tree.query(point, predicate="dwithin", distance=metres))
        away = shapely.distance(self._drawn[found], point)
        return sorted(((float(far), self._areas[at]) for far, at in zip(away, found, strict=True)), key=lambda near: near[0])

    def nearest(self, latitude: float, longitude: float, metres: float) -> Near | None:
        """The nearest, if it is at most ``metres`` away."""
        point = self._point(latitude, longitude)
        found = self._tree.query_nearest(point, max_distance=metres, all_matches=False)
        return (float(shapely.distance(self._drawn[found[0]], point)), self._areas[found[0]]) if len(found) else None

    def _point(self, latitude: float, longitude: float) -> BaseGeometry:
        return shapely.Point(longitude * self._scale[0], latitude * self._scale[1])


def borders_of(areas: Mapping[str, Area]) -> dict[str, BaseGeometry]:
    """The border of each area that has one: its own, or that of the areas that once were parts of it, together."""
    own = {code: _sound(shape(json.loads(area.border))) for code, area in areas.items() if area.border}
    parts: dict[str, list[BaseGeometry]] = {}
    for code, border in own.items():
        if parent := areas[code].parent:
            parts.setdefault(parent, []).append(border)
    return {code: shapely.union_all(found) for code, found in parts.items()} | own


def centres_of(areas: Iterable[Area]) -> dict[str, BaseGeometry]:
    """The centre of each."""
    return {area.code: shapely.Point(area.longitude, area.latitude) for area in areas}


def _sound(border: BaseGeometry) -> BaseGeometry:
    """Published borders cross themselves here and there."""
    return border if border.is_valid else shapely.make_valid(border)
