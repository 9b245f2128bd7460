"""Whether two reports of one category may be about the same thing: how near, how long apart, and how alike in words."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import asin, cos, radians, sin, sqrt
from uuid import UUID

EARTH = 6_371_000  # metres


@dataclass(frozen=True, kw_only=True)
class Matter:
    """What is compared of a report. ``words`` are folded: what everybody reads, and the address. The point may be unknown."""

    report_id: UUID
    received_at: datetime
    words: str
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """``score`` from 0 to 1; the rest is why. ``metres`` is None where one of both has no point."""

    report_id: UUID
    score: float
    metres: int | None
    apart: timedelta
    words: float


def likenesses(matter: Matter, others: Iterable[Matter], *, radius: int, least: float) -> list[Likeness]:
    """Those of at least the score ``least``, best first. ``radius`` in metres: what is further away is something else."""
    found = [likeness(matter, other, radius=radius) for other in others if other.report_id != matter.report_id]
    return sorted((one for one in found if one.score >= least), key=lambda one: (-one.score, one.report_id))


def likeness(one: Matter, other: Matter, *, radius: int) -> Likeness:
    """Half the nearness and half the words; where a point is missing, the words alone, which must then say the place as well."""
    metres, alike = distance(one, other), similarity(one.words, other.words)
    near = None if metres is None else max(0.0, 1 - metres / radius)
    score = alike if near is None else (near + alike) / 2 if near else 0.0
    return Likeness(
        report_id=other.report_id,
        score=round(score, 3),
        metres=None if metres is None else round(metres),
        apart=abs(one.received_at - other.received_at),
        words=round(alike, 3),
    )


def distance(one: Matter, other: Matter) -> float | None:
    """Metres over the ground (haversine)."""
    if one.latitude is None or one.longitude is None or other.latitude is None or other.longitude is None:
        return None
    north, east = radians(other.latitude - one.latitude) / 2, radians(other.longitude - one.longitude) / 2
    chord = sin(north) ** 2 + cos(radians(one.latitude)) * cos(radians(other.latitude)) * sin(east) ** 2
    return 2 * EARTH * asin(sqrt(chord))


def similarity(one: str, other: str) -> float:
    """Of folded texts, 0 to 1: the share of letter triples that are in both (Dice). Blind to order, lenient with spelling."""
    mine, theirs = _triples(one), _triples(other)
    common = (mine & theirs).total()
    return 2 * common / (mine.total() + theirs.total()) if common else 0.0


def _triples(text: str) -> Counter[str]:
    words = "".join(letter if letter.isalnum() else " " for letter in text).split()
    return Counter(padded[place : place + 3] for padded in (f" {word} " for word in words) for place in range(len(padded) - 2))
