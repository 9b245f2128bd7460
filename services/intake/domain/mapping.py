"""Reports on a map, as GeoJSON features: one by one, or drawn together.

Coordinates are rounded to four decimals (about eleven metres): enough to find a lamp post, too little to tell who lives where.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel

DECIMALS = 4
_PIXELS = 64  # of a square that is drawn together, where the world is 256 × 2^zoom pixels wide


class Point(BaseModel):
    """``coordinates`` are longitude and latitude, in this order (RFC 7946)."""

    type: Literal["Point"] = "Point"
    coordinates: tuple[float, float]


class Feature(BaseModel):
    """``properties`` of one report: tracking_code, category, status, urgent, received_at. Of several: count, and by_status."""

    type: Literal["Feature"] = "Feature"
    geometry: Point
    properties: dict[str, Any]


def point(latitude: float, longitude: float) -> Point:
    """Rounded."""
    return Point(coordinates=(round(longitude, DECIMALS), round(latitude, DECIMALS)))


def square(zoom: int) -> float:
    """Degrees on a side."""
    return 360 * _PIXELS / 256 / (1 << zoom)


def single(report: Mapping[Any, Any]) -> Feature:
    """One report, with what is public of it."""
    told = ("tracking_code", "category", "status", "urgent", "received_at")
    return Feature(geometry=point(report["latitude"], report["longitude"]), properties={name: report[name] for name in told})


def together(parts: Iterable[Mapping[Any, Any]]) -> list[Feature]:
    """One feature for each square, in the middle of its reports. A part is what a square holds of one status: row, column, status, count,
    and the sums latitudes and longitudes."""
    squares: dict[tuple[float, float], list[Mapping[Any, Any]]] = {}
    for part in parts:
        squares.setdefault((part["row"], part["column"]), []).append(part)
    return [_square(squares[place]) for place in sorted(squares)]


def _square(parts: list[Mapping[Any, Any]]) -> Feature:
    count = sum(part["count"] for part in parts)
    middle = point(*(sum(part[name] for part in parts) / count for name in ("latitudes", "longitudes")))
    return Feature(geometry=middle, properties={"count": count, "by_status": {str(part["status"]): part["count"] for part in parts}})
