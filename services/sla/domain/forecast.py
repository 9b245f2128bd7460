"""Which open cases will break the reporter's deadline by the end of the next working day, judged by how long similar cases took.

The chance of a case is a plain share. Of the similar cases that took longer than it has used already: how many took longer than its
deadline allows? Similar is the narrowest of four groups in which at least ``ENOUGH`` took that long; where even the widest has fewer, no
chance is named. Time is counted as for the deadline: in working time or on the wall, without what the reporter took.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.sla.domain.calendar import Calendar
from services.sla.domain.clocks import Timekeeper
from services.sla.domain.deadline import measure_of
from services.sla.domain.lifecycle import State

ENOUGH = 10  # cases that took longer than this one has used already: a share of fewer says nothing
LIKELY = 0.5  # from this chance on a case is expected to break its deadline
AT_RISK = (State.RECEIVED, State.ROUTED, State.IN_PROGRESS)  # the resolve clock runs; a pause and a result handed in stop it


class Basis(StrEnum):
    """Which cases were taken as similar, from the narrowest group to the widest; all but the last are of the same class."""

    AGENCY = "agency_and_category"
    CATEGORY = "category"
    CLASS = "class"
    ALL = "all"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What makes cases similar. ``on_the_wall``: nights and days off count."""

    agency: str
    category: str
    sla_class: str
    on_the_wall: bool

    def groups(self) -> Iterator[tuple[Basis, Hashable]]:
        """From the narrowest to the widest."""
        yield Basis.AGENCY, (self.sla_class, self.category, self.agency)
        yield Basis.CATEGORY, (self.sla_class, self.category)
        yield Basis.CLASS, self.sla_class
        yield Basis.ALL, self.on_the_wall


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """``similar`` is the number of cases of which ``value`` is a share; ``value`` is None of too few."""

    value: float | None
    basis: Basis
    similar: int


class Experience:
    """How long finished cases took, in order, for every group they belong to."""

    def __init__(self) -> None:
        self._took: dict[Hashable, list[timedelta]] = defaultdict(list)

    def add(self, kind: Kind, took: timedelta) -> None:
        """One more finished case."""
        for _, group in kind.groups():
            insort(self._took[group], took)

    def remove(self, kind: Kind, took: timedelta) -> None:
        """One that was added and is not finished after all."""
        for _, group in kind.groups():
            del self._took[group][bisect_right(self._took[group], took) - 1]

    def chance(self, kind: Kind, *, used: timedelta, allowed: timedelta) -> Chance:
        """That a case which has ``used`` so much takes longer than is ``allowed``."""
        similar = 0
        for basis, group in kind.groups():
            took = self._took.get(group, [])
            similar = longer(took, used)
            if similar >= ENOUGH:
                return Chance(value=longer(took, max(used, allowed)) / similar, basis=basis, similar=similar)
        return Chance(value=None, basis=Basis.TOO_FEW, similar=similar)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An open case whose resolve clock runs. ``paused``: what the reporter took, which the deadline was moved by."""

    report_id: UUID
    kind: Kind
    begins: datetime
    due_at: datetime
    paused: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """``left`` until the deadline, in the time that counts for the case."""

    report_id: UUID
    kind: Kind
    due_at: datetime
    left: timedelta
    chance: Chance

    @property
    def is_likely(self) -> bool:
        return self.chance.value is not None and self.chance.value >= LIKELY


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Of one agency. ``due`` cases have their deadline still before them, by the end of the next working day: of these ``expected`` will
    break it (the sum of their chances), ``likely`` is the number of those with a chance of at least ``LIKELY``, and of ``unknown`` nothing
    can be said. ``overdue`` have broken it already."""

    agency: str
    due: int
    expected: float
    likely: int
    unknown: int
    overdue: int


def horizon(calendar: Calendar, at: datetime) -> datetime:
    """The end of the next working day after the day of ``at``: what breaks today and tomorrow is in it, on a Friday also until Monday."""
    return datetime.combine(next_working_day(calendar, at), calendar.hours[-1][1], calendar.zone)


def next_morning(calendar: Calendar, at: datetime) -> datetime:
    """When people begin to work on the next working day after the day of ``at``."""
    return datetime.combine(next_working_day(calendar, at), calendar.hours[0][0], calendar.zone)


def next_working_day(calendar: Calendar, at: datetime) -> date:
    """After the local day of ``at``."""
    day = at.astimezone(calendar.zone).date() + timedelta(days=1)
    while calendar.closed(day) is not None:
        day += timedelta(days=1)
    return day


def time_taken(kind: Kind, keeper: Timekeeper, begins: datetime, ends: datetime, paused: timedelta) -> timedelta:
    """Of the time granted to the agencies. What the reporter took is kept in working time only: on the wall it is part of both sides."""
    counted = measure_of(keeper, kind.sla_class)(begins, ends)
    return counted if kind.on_the_wall else counted - paused


def risk(case: Running, experience: Experience, keeper: Timekeeper, at: datetime) -> Risk:
    """Of a case that is not overdue ``at``."""
    used = time_taken(case.kind, keeper, case.begins, at, case.paused)
    allowed = time_taken(case.kind, keeper, case.begins, case.due_at, case.paused)
    chance = experience.chance(case.kind, used=used, allowed=allowed)
    return Risk(report_id=case.report_id, kind=case.kind, due_at=case.due_at, left=allowed - used, chance=chance)


def by_risk(risks: Iterable[Risk]) -> list[Risk]:
    """The likeliest first, then the earliest due; of what nothing can be said comes last."""
    return sorted(risks, key=lambda one: (-1 if one.chance.value is None else one.chance.value, -one.due_at.timestamp()), reverse=True)


def outlooks(risks: Iterable[Risk], overdue: Mapping[str, int]) -> list[Outlook]:
    """Of every agency that has any of them, by its code."""
    of: dict[str, list[Risk]] = {agency: [] for agency in overdue}
    for one in risks:
        of.setdefault(one.kind.agency, []).append(one)
    return [_outlook(agency, due, overdue.get(agency, 0)) for agency, due in sorted(of.items())]


def _outlook(agency: str, due: Sequence[Risk], overdue: int) -> Outlook:
    known = [one.chance.value for one in due if one.chance.value is not None]
    likely = sum(one.is_likely for one in due)
    return Outlook(agency=agency, due=len(due), expected=sum(known), likely=likely, unknown=len(due) - len(known), overdue=overdue)


def longer(took: Sequence[timedelta], than: timedelta) -> int:
    """How many of these, in order, are."""
    return len(took) - bisect_right(took, than)
