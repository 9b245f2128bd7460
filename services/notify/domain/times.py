"""Moments and days in words, as people say them in the language and the time zone they live in."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

WEEKDAYS = {
    "vi": ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def moment(at: datetime, zone: ZoneInfo, language: str) -> str:
    """``17:00 thứ Sáu, 27/11/2026`` or ``17:00 on Friday, 27 November 2026``."""
    local = at.astimezone(zone)
    between = " on " if language == "en" else " "
    return f"{local:%H:%M}{between}{day(local.date(), language)}"


def day(of: date, language: str) -> str:
    """``thứ Sáu, 27/11/2026`` or ``Friday, 27 November 2026``."""
    weekday = WEEKDAYS[language][of.weekday()]
    written = f"{of.day} {MONTHS[of.month - 1]} {of.year}" if language == "en" else f"{of:%d/%m/%Y}"
    return f"{weekday}, {written}"
