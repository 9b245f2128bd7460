"""Why a rule was taken or not, and what was decided, in both languages, for whoever asks for an explanation."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.routing.domain.areas import Place
from services.routing.domain.matching import EFFECTIVE, HOURS, KEYWORDS, PORTALS, URGENT, Circumstances
from shared.province import Agency, Category, Province, Rule


@dataclass(frozen=True)
class Words:
    """The same in Vietnamese and English. (``shared.province.Wording`` is for what stands in files: one line, checked.)"""

    vi: str
    en: str


def why(rule: Rule, place: Place | None, of: Circumstances, *, here: bool, wrong: str, chosen: Rule | None) -> Words:
    """Why ``rule`` was taken or not."""
    if not here:
        return _elsewhere(place)
    if wrong:
        return _lacking(rule, of, wrong)
    if chosen:
        return Words(f"Phù hợp, nhưng quy tắc {chosen.code} được xét trước.", f"Matches, but rule {chosen.code} comes first.")
    return Words("Phù hợp và được chọn.", "Matches and was chosen.")


def decided(category: Category | None, place: Place | None, rule: str, lead: Agency, supporting: Sequence[Agency], *, urgent: bool) -> str:
    """In English what ``wording.decided`` says in Vietnamese; the latter is kept with the decision and so is not made anew."""
    about = f"Category “{category.name.en}” ({category.code})" if category else "This"
    where = f" in {place.area.name.en}" if place else ""
    more = f" Supporting: {', '.join(agency.name.en for agency in supporting)}." if supporting else ""
    return f"{about}{where} is answered by {lead.name.en}, by rule {rule}.{more}{' It is urgent.' if urgent else ''}"


def undecided(of: Province, category: Category | None, code: str, place: Place | None) -> str:
    """The same where nobody could be named."""
    if category is None:
        return f"The category {code!r} is not in the catalogue: the operations centre decides."
    where = f" in {place.area.name.en}" if place else ", and the area can't be told from the report"
    centre = of.agencies[of.centre].name.en
    return f"No rule names an agency for category “{category.name.en}” ({category.code}){where}: {centre} decides."


def _elsewhere(place: Place | None) -> Words:
    if place:
        return Words(f"Không áp dụng cho {place.area.name.vi}.", f"Does not apply to {place.area.name.en}.")
    return Words(
        "Chỉ áp dụng cho một số địa bàn; phản ánh chưa rõ địa bàn.", "Applies to certain areas only; the area of the report is not known."
    )


def _lacking(rule: Rule, of: Circumstances, condition: str) -> Words:
    if condition in rule.attributes:
        return _answer(condition, rule.attributes[condition], of.question.attributes.get(condition, ""))
    if condition == EFFECTIVE:
        return _span(rule)
    if condition == HOURS and rule.hours:
        begin, end = f"{rule.hours.begin:%H:%M}", f"{rule.hours.end:%H:%M}"
        came = f"{of.time:%H:%M}"
        return Words(f"Chỉ áp dụng từ {begin} đến {end}; phản ánh gửi lúc {came}.", f"Applies from {begin} to {end}; it came at {came}.")
    if condition == URGENT:
        wanted = ("phản ánh khẩn", "urgent reports") if rule.reported_urgent else ("phản ánh không khẩn", "reports that are not urgent")
        return Words(f"Chỉ áp dụng cho {wanted[0]}.", f"Applies to {wanted[1]} only.")
    return _one_of(rule, of, condition)


def _answer(name: str, keys: Sequence[str], given: str) -> Words:
    vi, en = (f"phản ánh ghi “{given}”", f"the report says “{given}”") if given else ("phản ánh không ghi", "the report says nothing")
    return Words(f"Cần {name} là {' hoặc '.join(keys)}; {vi}.", f"Needs {name} to be {' or '.join(keys)}; {en}.")


def _one_of(rule: Rule, of: Circumstances, condition: str) -> Words:
    if condition == KEYWORDS:
        asked = ", ".join(f"“{word}”" for word in rule.keywords)
        return Words(f"Cần một trong các từ {asked} trong nội dung.", f"Needs one of the words {asked} in the text.")
    assert condition == PORTALS
    vi, en = f"Chỉ áp dụng cho kênh {', '.join(rule.portals)}", f"Applies to portals {', '.join(rule.portals)} only"
    return Words(f"{vi}; phản ánh đến từ “{of.question.portal}”.", f"{en}; it came from “{of.question.portal}”.")


def _span(rule: Rule) -> Words:
    begins = (f" từ ngày {rule.effective_from:%d/%m/%Y}", f" from {rule.effective_from}") if rule.effective_from else ("", "")
    ends = (f" trước ngày {rule.effective_to:%d/%m/%Y}", f" before {rule.effective_to}") if rule.effective_to else ("", "")
    return Words(f"Chỉ có hiệu lực{begins[0]}{ends[0]}.", f"In force only{begins[1]}{ends[1]}.")
