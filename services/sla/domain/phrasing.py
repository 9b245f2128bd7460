"""The steps of a deadline as sentences, in Vietnamese and English."""

from datetime import datetime, timedelta

from services.sla.domain.calendar import Calendar
from services.sla.domain.deadline import Deadline, Step
from shared.province import Wording

HOUR = timedelta(hours=1)
FIRST = Wording(
    vi="Mức thời hạn {sla_class}: {vi} kể từ {since}, hạn {due}.",
    en="Class {sla_class}: {en} from {since}, due {due}.",
)
SENTENCES = {
    "route": Wording(
        vi="Chuyển xử lý theo mức thời hạn {sla_class}: {vi} kể từ {since}, hạn rút ngắn còn {due}.",
        en="Routed anew under class {sla_class}: {en} from {since}, which shortens the deadline to {due}.",
    ),
    "resume": Wording(
        vi="Chờ người phản ánh bổ sung {vi}: hạn dời đến {due}.",
        en="Waited for the reporter, {en}: the deadline moves to {due}.",
    ),
    "extend": Wording(vi="Gia hạn thêm {vi}: hạn mới {due}.", en="Extended by {en}: the deadline moves to {due}."),
    "object": Wording(
        vi="Người phản ánh không đồng ý với kết quả: tính lại {vi} kể từ {since}, hạn {due}.",
        en="The reporter objected to the result: {en} once more from {since}, due {due}.",
    ),
    "reopen": Wording(
        vi="Trung tâm điều hành mở lại: tính lại {vi} kể từ {since}, hạn {due}.",
        en="Opened again by the operations centre: {en} once more from {since}, due {due}.",
    ),
}
ORDERED = Wording(
    vi="Tình huống khẩn cấp theo lệnh {order}: {percent}% thời hạn thông thường.",
    en="Emergency by order {order}: {percent} % of the usual time.",
)


def in_words(deadline: Deadline, calendar: Calendar) -> list[Wording]:
    """A sentence for each of its steps, and for the order it is under."""
    steps = [_sentence(FIRST if n == 0 else SENTENCES[step.trigger], step, deadline, calendar) for n, step in enumerate(deadline.steps)]
    return [*steps, *_order(deadline)]


def _sentence(pattern: Wording, step: Step, deadline: Deadline, calendar: Calendar) -> Wording:
    vi, en = _amount(step.added, calendar, on_the_wall=deadline.on_the_wall)
    times = {"since": _written(step.since, calendar), "due": _written(step.due_at, calendar)}
    return _filled(pattern, vi=vi, en=en, sla_class=step.sla_class, **times)


def _order(deadline: Deadline) -> list[Wording]:
    order = deadline.emergency
    return [_filled(ORDERED, order=order.order, percent=str(order.percent))] if order else []


def _amount(time: timedelta, calendar: Calendar, *, on_the_wall: bool) -> tuple[str, str]:
    """Whole working days as such, anything else in hours."""
    number = round(time / HOUR, 2)
    if on_the_wall:
        return f"{number:g} giờ (tính cả đêm và ngày nghỉ)".replace(".", ","), f"{number:g} hours (nights and days off included)"
    if time and time % calendar.day == timedelta(0):
        days = time // calendar.day
        return f"{days} ngày làm việc", f"{days} working day{'' if days == 1 else 's'}"
    return f"{number:g} giờ làm việc".replace(".", ","), f"{number:g} working hours"


def _written(moment: datetime, calendar: Calendar) -> str:
    return f"{moment.astimezone(calendar.zone):%H:%M %d/%m/%Y}"


def _filled(pattern: Wording, **words: str) -> Wording:
    return Wording(vi=pattern.vi.format(**words), en=pattern.en.format(**words))
