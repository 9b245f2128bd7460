"""Days that are closed, or worked, whatever their weekday, and why: in Vietnamese and English."""

from calendar import day_name
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from holidays import country_holidays

from shared.province import Holidays

WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")


class Kind(StrEnum):
    """Why time does not count; ``MADE_UP`` is why a day counts that usually does not."""

    OFF_HOURS = "off_hours"
    BREAK = "break"
    WEEKEND = "weekend"
    REST_DAY = "rest_day"
    HOLIDAY = "holiday"
    SUBSTITUTE = "substitute"
    SWAPPED = "swapped"
    PROVINCE = "province"
    MADE_UP = "made_up"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason in both languages."""

    kind: Kind
    vi: str
    en: str


OFF_HOURS = Reason(Kind.OFF_HOURS, "Ngoài giờ làm việc", "Outside working hours")
LUNCH = Reason(Kind.BREAK, "Nghỉ trưa", "Lunch break")
BETWEEN_SHIFTS = Reason(Kind.BREAK, "Nghỉ giữa hai ca", "Break between shifts")
WEEKEND = Reason(Kind.WEEKEND, "Nghỉ cuối tuần", "Weekend")
REST_DAY = Reason(Kind.REST_DAY, "Không phải ngày làm việc của đơn vị", "Not a working day of the agency")
BY_PROVINCE = Reason(Kind.PROVINCE, "Ngày nghỉ theo lịch của tỉnh", "Day off by the province's own calendar")
WORKED_BY_PROVINCE = Reason(Kind.MADE_UP, "Ngày làm việc theo lịch của tỉnh", "Working day by the province's own calendar")


def closures(holidays: Holidays, years: range) -> tuple[dict[date, Reason], dict[date, Reason]]:
    """The closed days and the worked ones: those of the country, overruled by those the policy lists."""
    public = _Almanac(holidays.country, years)
    closed, worked = set(holidays.closed_days), set(holidays.worked_days)
    off = {**dict.fromkeys(holidays.closed_days, BY_PROVINCE), **public.closed()}
    on = {**dict.fromkeys(holidays.worked_days, WORKED_BY_PROVINCE), **public.worked()}
    return _without(off, worked), _without(on, closed)


def weekday_off(day: date) -> Reason:
    """Why ``day`` is closed that is not among the weekdays somebody works."""
    return WEEKEND if day.weekday() >= 5 else REST_DAY


def _without(days: Mapping[date, Reason], others: set[date]) -> dict[date, Reason]:
    return {day: reason for day, reason in days.items() if day not in others}


class _Almanac:
    """What the ``holidays`` library knows of a country: its days by name, which are substitutes (the holiday itself fell on a weekend),
    and which were swapped for a worked day of a weekend, as the Prime Minister decided in past years.

    The library tells a swapped day by its Vietnamese name alone, which has the date of the worked one.
    """

    def __init__(self, country: str, years: range) -> None:
        self._vi = country_holidays(country, years=years, language="vi")
        self._en = country_holidays(country, years=years, language="en_US")
        self._proper = set(country_holidays(country, years=years, observed=False))
        self._weekends = {day for day in getattr(self._vi, "weekend_workdays", ()) if day.year in years}
        self._swaps = {off: on for off, name in self._vi.items() for on in self._weekends if f"{on:%d/%m/%Y}" in name}

    def closed(self) -> dict[date, Reason]:
        return {day: self._closed(day) for day in self._vi}

    def worked(self) -> dict[date, Reason]:
        days = {on: off for off, on in self._swaps.items()}
        return {on: _made_up(on, days.get(on)) for on in self._weekends}

    def _closed(self, day: date) -> Reason:
        if day in self._swaps:
            on = self._swaps[day]
            return Reason(Kind.SWAPPED, f"Nghỉ hoán đổi, làm bù {_vi(on)}", f"Day off, made up for on {_en(on)}")
        kind = Kind.HOLIDAY if day in self._proper else Kind.SUBSTITUTE
        return Reason(kind, self._vi[day], self._en[day])


def _made_up(on: date, off: date | None) -> Reason:
    if off is None:
        return Reason(Kind.MADE_UP, f"Làm bù {_vi(on)}", f"Working day on {_en(on)}")
    return Reason(Kind.MADE_UP, f"Làm bù {_vi(on)} cho ngày nghỉ {_vi(off)}", f"Worked on {_en(on)} for the day off on {_en(off)}")


def _vi(day: date) -> str:
    return f"{WEEKDAYS[day.weekday()]} {day:%d/%m/%Y}"


def _en(day: date) -> str:
    return f"{day_name[day.weekday()]} {day.day} {day:%B %Y}"
