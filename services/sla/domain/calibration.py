"""How good forecasts of the past were: what was said beside what happened."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from services.sla.domain.calendar import Calendar
from services.sla.domain.forecast import LIKELY, Basis, Risk, horizon, next_morning
from services.sla.domain.hindsight import Hindsight, Row

EDGES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)  # of the bands


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A forecast about one case, made ``at`` for the time to ``until``."""

    at: datetime
    until: datetime
    risk: Risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A chance that was named, and what happened."""

    chance: float
    basis: Basis
    broke: bool

    @property
    def is_likely(self) -> bool:
        return self.chance >= LIKELY


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Of the forecasts with a chance from ``least`` to below ``most`` (1 is in the last): the mean chance, and the share that broke."""

    least: float
    most: float
    number: int
    said: float
    happened: float


def each_morning(rows: Iterable[Row], hindsight: Hindsight, calendar: Calendar) -> Iterator[tuple[datetime, list[Said]]]:
    """Each working morning that the rows (in the order of time) reach, and what would have been said then, knowing nothing later."""
    morning: datetime | None = None
    for row in rows:
        morning = morning or next_morning(calendar, row.at)
        while row.at > morning:
            until = horizon(calendar, morning)
            yield morning, [Said(at=morning, until=until, risk=one) for one in hindsight.risks(morning, until)]
            morning = next_morning(calendar, morning)
        hindsight.read(row)


def tried(said: Iterable[Said], broken: Mapping[UUID, Sequence[datetime]]) -> list[Tried]:
    """Those that named a chance. Broken is what was called as broken within their time: a deadline that was moved away was not."""
    return [
        Tried(chance=one.risk.chance.value, basis=one.risk.chance.basis, broke=_broke(one, broken.get(one.risk.report_id, ())))
        for one in said
        if one.risk.chance.value is not None
    ]


def _broke(said: Said, broken: Sequence[datetime]) -> bool:
    return any(said.at < due_at <= said.until for due_at in broken)


def brier(of: Sequence[Tried]) -> float:
    """The mean squared distance between what was said and what happened; 0 is perfect. G. W. Brier, 1950."""
    return sum((one.chance - one.broke) ** 2 for one in of) / len(of)


def base_rate(of: Sequence[Tried]) -> float:
    """The share that broke. To say it of every case has a Brier score too, share × (1 − share): a forecast must do better."""
    return sum(one.broke for one in of) / len(of)


def bands(of: Sequence[Tried]) -> list[Band]:
    """From the least chance to the greatest; empty ones are left out."""
    groups = ((least, most, [one for one in of if _inside(one.chance, least, most)]) for least, most in pairwise(EDGES))
    return [_band(least, most, inside) for least, most, inside in groups if inside]


def _inside(chance: float, least: float, most: float) -> bool:
    return least <= chance < most or chance == most == EDGES[-1]


def _band(least: float, most: float, inside: Sequence[Tried]) -> Band:
    said = sum(one.chance for one in inside) / len(inside)
    return Band(least=least, most=most, number=len(inside), said=said, happened=base_rate(inside))
