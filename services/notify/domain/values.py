"""What a template may write: the fact's own fields, and its codes and moments in words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from services.notify.domain import times
from services.notify.domain.notices import LEAVE, LINK
from shared.messages import Fact, Outcome
from shared.province import Province, Wording

OUTCOMES: Mapping[str, Wording] = {
    Outcome.FIXED: Wording(vi="Đã khắc phục", en="Fixed"),
    Outcome.EXPLAINED: Wording(vi="Đã giải thích", en="Explained"),
    Outcome.PLANNED: Wording(vi="Đã đưa vào kế hoạch", en="Planned"),
    Outcome.NOT_FOUND: Wording(vi="Không phát hiện sự việc như phản ánh", en="Nothing found as reported"),
}
CLOCKS: Mapping[str, Wording] = {
    "route": Wording(vi="điều phối", en="routing"),
    "take_up": Wording(vi="tiếp nhận xử lý", en="taking it up"),
    "resolve": Wording(vi="xử lý và trả lời", en="the answer"),
    "approve": Wording(vi="duyệt kết quả", en="approving the result"),
    "answer": Wording(vi="trả lời tin nhắn của người phản ánh", en="answering the reporter's message"),
    "progress": Wording(vi="thông báo tiến độ", en="word of progress"),
}
MOMENTS = {"due_at": "due", "until": "until_when"}
# What every template may write, whatever it is about; beside it, the fields of its fact and what is made of them.
ALWAYS = frozenset({"about", "tracking_code", "category", "agency", "sender", "hotline", "link", "leave", "received", "happened", "urgent"})
MADE = frozenset({"due", "until_when", "outcome", "expected", "proposed", "clock_name", "percent"})


class Told(Protocol):
    """What is known of the report that a notice is about."""

    tracking_code: str
    category: str
    agency: str
    received_at: datetime
    urgent: bool


def frame(subject: Told | None, province: Province, language: str, *, to_office: bool = False) -> dict[str, Any]:
    """What a letter has around its news. Without a ``subject`` it is about several reports, and has no code and no link."""
    return {
        "tracking_code": subject.tracking_code if subject else "",
        "sender": spoken(language, province.agencies[province.centre].name),
        "hotline": province.hotline,
        "link": LINK,
        "leave": "" if to_office else LEAVE,
    }


def values_of(fact: Fact, subject: Told, province: Province, language: str, *, to_office: bool = False) -> dict[str, Any]:
    """All that there is for ``fact``."""
    zone, category = ZoneInfo(province.time_zone), province.categories.get(subject.category)
    return {
        **fact.model_dump(),
        **frame(subject, province, language, to_office=to_office),
        "about": fact.topic,
        "category": spoken(language, category.name) if category else subject.category,
        "agency": named(getattr(fact, "agency", subject.agency), province, language),
        "received": times.moment(subject.received_at, zone, language),
        "happened": times.moment(fact.at, zone, language),
        "urgent": subject.urgent,
        **_made(fact, province, zone, language),
    }


def named(code: str, province: Province, language: str) -> str:
    """The name of an agency; the code of one that nobody knows."""
    agency = province.agencies.get(code)
    return spoken(language, agency.name) if agency else code


def spoken(language: str, words: Wording) -> str:
    """In the language of who reads it."""
    return words.en if language == "en" else words.vi


def _made(fact: Fact, province: Province, zone: ZoneInfo, language: str) -> dict[str, Any]:
    """Only what the fact has: a template that writes what is not there fails."""
    made: dict[str, Any] = {name: times.moment(at, zone, language) for field, name in MOMENTS.items() if (at := getattr(fact, field, None))}
    if outcome := getattr(fact, "outcome", None):
        made["outcome"] = spoken(language, OUTCOMES[outcome])
    if expected_on := getattr(fact, "expected_on", None):
        made["expected"] = times.day(expected_on, language)
    if proposed := getattr(fact, "proposed_agency", ""):
        made["proposed"] = named(proposed, province, language)
    if clock := getattr(fact, "clock", ""):
        made["clock_name"] = spoken(language, CLOCKS[clock]) if clock in CLOCKS else clock
    if share := getattr(fact, "share", None):
        made["percent"] = round(share * 100)
    return made
