"""What people read about a decision, in Vietnamese. (In both languages: ``reasons``.)"""

from collections.abc import Sequence
from datetime import date

from services.routing.domain.areas import Place
from shared.province import Agency, Category, Rule


def decided(
    category: Category, place: Place | None, rule: Rule, agencies: Sequence[Agency], *, urgent: bool, instead_of: Agency | None
) -> str:
    """Why the first of ``agencies`` answers and the others support it. ``instead_of`` had these duties before."""
    lead, *supporting = agencies
    where = f" tại {place.area.name.vi}" if place else ""
    sentences = [f"Lĩnh vực “{category.name.vi}” ({category.code}){where} do {lead.name.vi} chủ trì xử lý theo quy tắc {rule.code}."]
    if instead_of and instead_of.effective_to:
        sentences.append(f"{lead.name.vi} đảm nhiệm việc này thay {instead_of.name.vi} từ ngày {_day(instead_of.effective_to)}.")
    if supporting:
        sentences.append(f"Phối hợp: {', '.join(agency.name.vi for agency in supporting)}.")
    if urgent:
        sentences.append("Xử lý khẩn.")
    if place:
        sentences.append(place.note)
    return " ".join(sentences)


def proposed(returner: str, agency: Agency, reason: str) -> str:
    """The returner named the next one."""
    return f"{returner} trả lại, đề xuất chuyển {agency.name.vi}. Lý do: {_sentence(reason)}"


def no_proposal(returner: str, reason: str) -> str:
    """The returner named nobody new."""
    return f"{returner} trả lại mà không đề xuất được đơn vị khác; trung tâm điều hành quyết định. Lý do: {_sentence(reason)}"


def bounced(returner: str, reason: str) -> str:
    """Not passed around any further."""
    return f"{returner} trả lại, và đây không phải lần đầu bị trả lại; trung tâm điều hành quyết định. Lý do: {_sentence(reason)}"


def unknown_category(code: str) -> str:
    """The portal has a list of categories that is not ours."""
    return f"Mã lĩnh vực “{code}” không có trong danh mục."


def no_rule(category: Category, place: Place | None) -> str:
    """Left to people, on purpose or not."""
    where = place.note if place else "Chưa xác định được địa bàn."
    return f"Không có quy tắc nào phù hợp cho lĩnh vực “{category.name.vi}” ({category.code}). {where}"


def no_area(category: Category, rule: Rule) -> str:
    """The rule leaves it to the area's agency, and the area can't be told."""
    who = f"Lĩnh vực “{category.name.vi}” ({category.code}) do cơ quan của địa bàn xử lý (quy tắc {rule.code})"
    return f"{who}, nhưng chưa xác định được địa bàn từ mã địa bàn, tọa độ hoặc địa chỉ trong phản ánh."


def ended(category: Category, rule: Rule, agency: Agency) -> str:
    """The rule's agency is no more, and nobody follows it for such reports."""
    who = f"Lĩnh vực “{category.name.vi}” ({category.code}) do {agency.name.vi} xử lý (quy tắc {rule.code})"
    return f"{who}, nhưng đơn vị này đã kết thúc hoạt động và chưa có đơn vị kế thừa."


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
