"""Working time: which minutes count. Exact, in the agency's own time zone; cost does not grow with the span.

A working day is as long as a usual day's opening hours (7.5 hours in Quảng Trị); "three working days" is that much open time.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from services.sla.domain.closures import Reason, closures, weekday_off
from shared.province.data import Province

Hours = Sequence[tuple[time, time]]
EPOCH, TICK = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class Calendar:
    """Open intervals from ``first`` to ``last`` (days, inclusive), with the open time before each one.

    ``worked`` days are open whatever their weekday (swapped days), ``closed`` days are not open whatever theirs. Times are whole
    microseconds since 1970: with fractions of seconds, a deadline at the end of a Friday could slip to the Monday after.
    """

    def __init__(
        self, *, hours: Hours, weekdays: Collection[int], closed: Mapping[date, Reason], worked: Mapping[date, Reason],
        zone: ZoneInfo, first: date, last: date,
    ) -> None:  # fmt: skip
        self.hours, self.zone, self.worked = hours, zone, worked
        self._weekdays, self._closed = weekdays, closed
        self.day = sum((datetime.combine(first, closes) - datetime.combine(first, opens) for opens, closes in hours), timedelta(0))
        days = (day for day in _days(first, last) if self.closed(day) is None)
        spans = [(datetime.combine(day, opens, zone), datetime.combine(day, closes, zone)) for day in days for opens, closes in hours]
        self._starts: Sequence[int] = [_ticks(opens) for opens, _ in spans]
        self._ends: Sequence[int] = [_ticks(closes) for _, closes in spans]
        lengths = (end - start for start, end in zip(self._starts, self._ends, strict=True))
        self._before: Sequence[int] = list(accumulate(lengths, initial=0))

    def add(self, start: datetime, working: timedelta) -> datetime:
        """The first moment by which ``working`` open time has passed since ``start``.

        Raises :class:`ValueError` outside the years this calendar knows.
        """
        target = self._passed(start) + working // TICK
        if working <= timedelta(0):
            return start
        index = bisect_left(self._before, target) - 1
        if index >= len(self._starts):
            raise ValueError(f"no working time is known that far after {start:%d/%m/%Y}: extend the calendar")
        return _moment(self._starts[index] + target - self._before[index], start)

    def subtract(self, end: datetime, working: timedelta) -> datetime:
        """The last moment from which ``working`` open time passes until ``end``: who begins later can't be done by then.

        Raises :class:`ValueError` outside the years this calendar knows.
        """
        target = self._passed(end) - working // TICK
        if working <= timedelta(0):
            return end
        if target < 0:
            raise ValueError(f"no working time is known that far before {end:%d/%m/%Y}: extend the calendar")
        index = bisect_right(self._before, target) - 1
        return _moment(self._starts[index] + target - self._before[index], end)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Open time from ``start`` to ``end``; negative when ``end`` is earlier."""
        return timedelta(microseconds=self._passed(end) - self._passed(start))

    def is_open(self, moment: datetime) -> bool:
        """Whether ``moment`` is working time."""
        index = bisect_right(self._starts, _ticks(moment)) - 1
        return index >= 0 and _ticks(moment) < self._ends[index]

    def next_half_day(self, moment: datetime) -> datetime:
        """The first beginning of a working span (in the morning, after the break at noon) from ``moment`` on."""
        index = bisect_left(self._starts, _ticks(moment))
        if index == len(self._starts):
            raise ValueError(f"no working time is known after {moment:%d/%m/%Y}: extend the calendar")
        return _moment(self._starts[index], moment)

    def closed(self, day: date) -> Reason | None:
        """Why nobody works on ``day``; None when somebody does."""
        if day in self.worked:
            return None
        return self._closed.get(day) or (None if day.weekday() in self._weekdays else weekday_off(day))

    def _passed(self, moment: datetime) -> int:
        at = _ticks(moment)
        if not self._starts or not self._starts[0] <= at <= self._ends[-1]:
            raise ValueError(f"{moment:%d/%m/%Y} is outside the years of this calendar")
        index = bisect_right(self._starts, at) - 1
        return self._before[index] + min(at, self._ends[index]) - self._starts[index]


def _ticks(moment: datetime) -> int:
    return (moment - EPOCH) // TICK


def _moment(ticks: int, like: datetime) -> datetime:
    return (EPOCH + ticks * TICK).astimezone(like.tzinfo)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def calendar_of(province: Province, agency: str = "", *, years: range = range(2020, 2041)) -> Calendar:
    """The calendar of a province, or of an agency that keeps hours of its own; public holidays are the same for both."""
    policy = province.policy
    usual = (province.agencies[agency].working_hours if agency else None) or policy.working_hours
    closed, worked = closures(policy.holidays, years)
    return Calendar(
        hours=[(span.begin, span.end) for span in usual.spans],
        weekdays={weekday - 1 for weekday in usual.weekdays},
        closed=closed,
        worked=worked,
        zone=ZoneInfo(province.time_zone),
        first=date(years.start, 1, 1),
        last=date(years.stop - 1, 12, 31),
    )
