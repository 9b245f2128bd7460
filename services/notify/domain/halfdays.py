"""Half working days: reminders wait for the next one, so a holder gets one message of them in each at the most."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from shared.province import Agency, Province, WorkingHours

FURTHEST = 60  # days that are looked ahead for one on which people work


def next_half_day(at: datetime, office: Agency, province: Province) -> datetime:
    """When ``office`` next begins to work after ``at``: in the morning, or after its break. All reminders until then go out together."""
    hours, local = office.working_hours or province.policy.working_hours, at.astimezone(ZoneInfo(province.time_zone))
    for ahead in range(FURTHEST):
        day = local.date() + timedelta(days=ahead)
        begins = [datetime.combine(day, span.begin, local.tzinfo) for span in hours.spans if _is_worked(day, hours.weekdays, province)]
        if later := [moment for moment in begins if moment > local]:
            return later[0]
    return at


def next_within(hours: WorkingHours | None, at: datetime, province: Province) -> datetime:
    """``at`` itself when it lies within ``hours`` (None: always), else when they next begin. Duty knows no holidays."""
    if hours is None:
        return at
    local = at.astimezone(ZoneInfo(province.time_zone))
    for ahead in range(FURTHEST):
        day = local.date() + timedelta(days=ahead)
        spans = [(datetime.combine(day, span.begin, local.tzinfo), datetime.combine(day, span.end, local.tzinfo)) for span in hours.spans]
        if left := [begin for begin, end in spans if end > local and day.isoweekday() in hours.weekdays]:
            return max(left[0], at)
    return at


def _is_worked(day: date, weekdays: Sequence[int], province: Province) -> bool:
    of = province.policy.holidays
    if day in of.worked_days or day in of.closed_days:
        return day in of.worked_days
    return day.isoweekday() in weekdays and day not in _public(of.country, day.year)


@cache
def _public(country: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, years=year))
