"""Working time: which minutes count. Exact, in the agency's own time zone; cost does not grow with the span.

A working day is as long as a usual day's opening hours (7.5 hours in Quảng Trị); "three working days" is that much open time.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

from holidays import country_holidays

from shared.province.data import Province

Hours = Sequence[tuple[time, time]]


class Calendar:
    """Open intervals from ``first`` to ``last`` (days, inclusive), with the open seconds before each one.

    ``worked`` days are open whatever their weekday (swapped days), ``closed`` days are not open whatever theirs.
    """

    def __init__(
        self, *, hours: Hours, weekdays: Collection[int], closed: Collection[date], worked: Collection[date],
        zone: ZoneInfo, first: date, last: date,
    ) -> None:  # fmt: skip
        self.day = timedelta(seconds=sum(_seconds(opens, closes) for opens, closes in hours))
        days = (day for day in _days(first, last) if _is_open(day, weekdays, closed, worked))
        spans = [(datetime.combine(day, opens, zone), datetime.combine(day, closes, zone)) for day in days for opens, closes in hours]
        self._starts = [opens.timestamp() for opens, _ in spans]
        self._ends = [closes.timestamp() for _, closes in spans]
        lengths = (end - start for start, end in zip(self._starts, self._ends, strict=True))
        self._before = list(accumulate(lengths, initial=0.0))
        self._zone = zone

    def add(self, start: datetime, working: timedelta) -> datetime:
        """The first moment by which ``working`` open time has passed since ``start``.

        Raises :class:`ValueError` outside the years this calendar knows.
        """
        target = self._passed(start) + working.total_seconds()
        index = bisect_left(self._before, target) - 1
        if working <= timedelta(0):
            return start
        if index >= len(self._starts):
            raise ValueError(f"no working time is known that far after {start:%d/%m/%Y}: extend the calendar")
        moment = self._starts[index] + (target - self._before[index])
        return datetime.fromtimestamp(moment, start.tzinfo)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Open time from ``start`` to ``end``; negative when ``end`` is earlier."""
        return timedelta(seconds=self._passed(end) - self._passed(start))

    def is_open(self, moment: datetime) -> bool:
        """Whether ``moment`` is working time."""
        index = bisect_right(self._starts, moment.timestamp()) - 1
        return index >= 0 and moment.timestamp() < self._ends[index]

    def next_half_day(self, moment: datetime) -> datetime:
        """The first beginning of a working span (in the morning, after the break at noon) from ``moment`` on."""
        index = bisect_left(self._starts, moment.timestamp())
        if index == len(self._starts):
            raise ValueError(f"no working time is known after {moment:%d/%m/%Y}: extend the calendar")
        return datetime.fromtimestamp(self._starts[index], moment.tzinfo)

    def _passed(self, moment: datetime) -> float:
        at = moment.timestamp()
        if not self._starts or not self._starts[0] <= at <= self._ends[-1]:
            raise ValueError(f"{moment:%d/%m/%Y} is outside the years of this calendar")
        index = bisect_right(self._starts, at) - 1
        return self._before[index] + min(at, self._ends[index]) - self._starts[index]


def _seconds(opens: time, closes: time) -> int:
    return (closes.hour - opens.hour) * 3600 + (closes.minute - opens.minute) * 60


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _is_open(day: date, weekdays: Collection[int], closed: Collection[date], worked: Collection[date]) -> bool:
    return day in worked or (day.weekday() in weekdays and day not in closed)


def calendar_of(province: Province, agency: str = "", *, years: range = range(2020, 2041)) -> Calendar:
    """The calendar of a province, or of an agency that keeps hours of its own: public holidays from the ``holidays`` library,
    overruled by the days the policy lists.

    The library knows Tết, the Hùng Kings' day, substitute days and the make-up Saturdays the Prime Minister decided in past years.
    """
    policy = province.policy
    usual = (province.agencies[agency].working_hours if agency else None) or policy.working_hours
    public = country_holidays(policy.holidays.country, years=years)
    decided = set(policy.holidays.worked_days)
    return Calendar(
        hours=[(span.begin, span.end) for span in usual.spans],
        weekdays={weekday - 1 for weekday in usual.weekdays},
        closed=(set(public) | set(policy.holidays.closed_days)) - decided,
        worked=(decided | set(getattr(public, "weekend_workdays", ()))) - set(policy.holidays.closed_days),
        zone=ZoneInfo(province.time_zone),
        first=date(years.start, 1, 1),
        last=date(years.stop - 1, 12, 31),
    )
