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
    """``16 giờ 30 thứ Sáu, ngày 27/11/2026`` (``17 giờ`` on the hour) or ``16:30 on Friday, 27 November 2026``."""
    local = at.astimezone(zone)
    if language == "en":
        return f"{local:%H:%M} on {day(local.date(), language)}"
    minutes = f" {local:%M}" if local.minute else ""
    return f"{local.hour} giờ{minutes} {day(local.date(), language)}"


def day(of: date, language: str) -> str:
    """``thứ Sáu, ngày 27/11/2026`` or ``Friday, 27 November 2026``."""
    weekday = WEEKDAYS[language][of.weekday()]
    written = f"{of.day} {MONTHS[of.month - 1]} {of.year}" if language == "en" else f"ngày {of:%d/%m/%Y}"
    return f"{weekday}, {written}"
