"""Which time between two moments does not count, and why: for people who wonder about a deadline."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from services.sla.domain.calendar import Calendar
from services.sla.domain.closures import BETWEEN_SHIFTS, LUNCH, OFF_HOURS, Kind, Reason

NOON, MIDNIGHT = time(12), time(0)
DAILY = (Kind.OFF_HOURS, Kind.BREAK)  # too many to be listed one by one
IN_ALL = {
    Kind.BREAK: Reason(Kind.BREAK, "Nghỉ giữa các ca", "Breaks between shifts"),
    Kind.HOLIDAY: Reason(Kind.HOLIDAY, "Các ngày lễ, Tết", "Public holidays"),
    Kind.SUBSTITUTE: Reason(Kind.SUBSTITUTE, "Các ngày nghỉ bù", "Days off in place of holidays on weekends"),
    Kind.SWAPPED: Reason(Kind.SWAPPED, "Các ngày nghỉ hoán đổi", "Days off that are made up for on weekends"),
}


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """Time that does not count. ``length`` is all of it, in ``times`` stretches from the first that ``begins`` to the last that ``ends``;
    a single stretch is all there is between the two."""

    reason: Reason
    begins: datetime
    ends: datetime
    times: int
    length: timedelta


def explain(calendar: Calendar, start: datetime, end: datetime, *, limit: int = 20) -> list[Skipped]:
    """All that is skipped from ``start`` to ``end``, by when it begins; nights together, and so the breaks of each day.

    When that is more than ``limit``, the most frequent kind is told together too, and the next, as far as that helps. Nothing is left
    out: with the open time between, the lengths sum to the whole span. Times are in the zone of the calendar.
    Raises :class:`ValueError` outside the years of the calendar.
    """
    calendar.between(start, end)  # or it raises
    found = list(stretches(calendar, start, end))
    for kind in DAILY:
        found = _together(found, kind)
    while len(found) > limit and (often := Counter(one.reason.kind for one in found).most_common(1)[0])[1] > 1:
        found = _together(found, often[0])
    return found


def made_up(calendar: Calendar, start: datetime, end: datetime) -> list[tuple[date, Reason]]:
    """The days from ``start`` to ``end`` that are worked though they usually are not."""
    first, last = _day(start, calendar), _day(end, calendar)
    return sorted((day, reason) for day, reason in calendar.worked.items() if first <= day <= last)


def stretches(calendar: Calendar, start: datetime, end: datetime) -> Iterator[Skipped]:
    """One by one, in order: a night, a noon, a weekend, a holiday."""
    current: Skipped | None = None
    for begins, ends, reason in _closed(calendar, start, end):
        if current and (current.ends, current.reason) == (begins, reason):
            current = replace(current, ends=ends, length=current.length + _length(begins, ends))
            continue
        if current:
            yield current
        current = Skipped(reason=reason, begins=begins, ends=ends, times=1, length=_length(begins, ends))
    if current:
        yield current


def _closed(calendar: Calendar, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, Reason]]:
    """Day by day, cut at both ends."""
    first, last = start.astimezone(calendar.zone), end.astimezone(calendar.zone)
    for number in range((last.date() - first.date()).days + 1):
        for begins, ends, reason in _of_day(calendar, first.date() + timedelta(days=number)):
            if max(begins, first) < min(ends, last):
                yield max(begins, first), min(ends, last), reason


def _of_day(calendar: Calendar, day: date) -> Iterator[tuple[datetime, datetime, Reason]]:
    def on(hour: time) -> datetime:
        return datetime.combine(day, hour, calendar.zone)

    midnight = datetime.combine(day + timedelta(days=1), MIDNIGHT, calendar.zone)
    reason = calendar.closed(day)
    if reason:
        yield on(MIDNIGHT), midnight, reason
        return
    edges = [edge for span in calendar.hours for edge in span]
    yield on(MIDNIGHT), on(edges[0]), OFF_HOURS
    yield from ((on(closes), on(opens), LUNCH if closes <= NOON <= opens else BETWEEN_SHIFTS) for closes, opens in _pairs(edges[1:-1]))
    yield on(edges[-1]), midnight, OFF_HOURS


def _pairs(edges: list[time]) -> Iterable[tuple[time, time]]:
    return zip(edges[::2], edges[1::2], strict=True)


def _together(found: list[Skipped], kind: Kind) -> list[Skipped]:
    """Those of ``kind`` as one, where the first of them was."""
    same = [one for one in found if one.reason.kind == kind]
    if len(same) < 2:
        return found
    reasons = {one.reason for one in same}
    sum_of_them = Skipped(
        reason=same[0].reason if len(reasons) == 1 else IN_ALL[kind],
        begins=same[0].begins,
        ends=same[-1].ends,
        times=sum(one.times for one in same),
        length=sum((one.length for one in same), timedelta(0)),
    )
    return [sum_of_them if one is same[0] else one for one in found if one is same[0] or one.reason.kind != kind]


def _length(begins: datetime, ends: datetime) -> timedelta:
    return ends.astimezone(UTC) - begins.astimezone(UTC)  # two times of one zone are subtracted as the wall shows them


def _day(moment: datetime, calendar: Calendar) -> date:
    return moment.astimezone(calendar.zone).date()
