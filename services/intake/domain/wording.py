"""What the public reads about a report, in both languages."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.intake.domain.report import Status
from shared.messages import Outcome
from shared.province import Wording

STATUS: Mapping[Status, Wording] = {
    Status.RECEIVED: Wording(vi="Đã ghi nhận", en="Received"),
    Status.ROUTED: Wording(vi="Đã chuyển đơn vị xử lý", en="Passed to the agency"),
    Status.IN_PROGRESS: Wording(vi="Đang xử lý", en="In progress"),
    Status.WAITING: Wording(vi="Chờ người gửi bổ sung thông tin", en="Waiting for the reporter"),
    Status.SUBMITTED: Wording(vi="Chờ duyệt kết quả", en="Result awaits approval"),
    Status.RESOLVED: Wording(vi="Đã có kết quả", en="Answered"),
    Status.CLOSED: Wording(vi="Đã kết thúc", en="Closed"),
    Status.REFUSED: Wording(vi="Không thuộc phạm vi tiếp nhận", en="Not for this service"),
    Status.CANCELLED: Wording(vi="Đã huỷ", en="Cancelled"),
    Status.MERGED: Wording(vi="Gộp với phản ánh trùng", en="Joined to another report"),
}

OUTCOME: Mapping[Outcome, Wording] = {
    Outcome.FIXED: Wording(vi="Đã khắc phục", en="Fixed"),
    Outcome.EXPLAINED: Wording(vi="Đã giải thích", en="Explained"),
    Outcome.PLANNED: Wording(vi="Đã đưa vào kế hoạch", en="Planned"),
    Outcome.NOT_FOUND: Wording(vi="Không phát hiện sự việc như phản ánh", en="Nothing found as reported"),
}

RATING: Mapping[int, Wording] = {
    4: Wording(vi="Rất hài lòng", en="Very satisfied"),
    3: Wording(vi="Hài lòng", en="Satisfied"),
    2: Wording(vi="Chấp nhận được", en="Acceptable"),
    1: Wording(vi="Không hài lòng", en="Not satisfied"),
}

_TOLD: Mapping[str, Wording] = {
    "report.received": Wording(vi="Hệ thống đã ghi nhận phản ánh.", en="The report was received."),
    "report.commented": Wording(vi="Người gửi viết: {text}", en="The reporter wrote: {text}"),
    "report.withdrawn": Wording(vi="Người gửi rút phản ánh. {reason}", en="The reporter withdrew the report. {reason}"),
    "report.rated": Wording(vi="Người gửi đánh giá: {rated}.", en="The reporter's rating: {rated}."),
    "report.objected": Wording(vi="Người gửi không đồng ý với kết quả: {reason}", en="The reporter objects to the result: {reason}"),
    "report.routed": Wording(vi="Phản ánh được phân phối đến {agency}. {explanation}", en="The report was routed to {agency}."),
    "report.unrouted": Wording(
        vi="Trung tâm điều hành đang xác định đơn vị có thẩm quyền.", en="The operations centre is finding out who is responsible."
    ),
    "case.opened": Wording(vi="Đã lập hồ sơ xử lý phản ánh.", en="A case was opened."),
    "case.assigned": Wording(
        vi="Phản ánh được giao cho {agency}. Hạn trả lời: {due}.", en="The case was given to {agency}, to be answered by {due}."
    ),
    "case.rehomed": Wording(vi="Từ nay {agency} tiếp tục xử lý, thay đơn vị trước.", en="{agency} goes on with the work from now on."),
    "case.accepted": Wording(vi="{agency} đã tiếp nhận xử lý. Hạn trả lời: {due}.", en="{agency} took it up, to be answered by {due}."),
    "case.returned": Wording(
        vi="{agency} trả lại phản ánh vì không thuộc thẩm quyền. Lý do: {reason}",
        en="{agency} gave the case back as not its own. Reason: {reason}",
    ),
    "case.questioned": Wording(vi="{agency} đề nghị người gửi cho biết thêm: {question}", en="{agency} asks the reporter: {question}"),
    "case.resumed": Wording(vi="{agency} tiếp tục xử lý. Hạn trả lời: {due}.", en="{agency} goes on with the work, due {due}."),
    "case.extension_wanted": Wording(vi="{agency} đề nghị gia hạn thời gian xử lý.", en="{agency} asked for more time."),
    "case.extended": Wording(
        vi="Thời hạn xử lý được gia hạn đến {due}. Lý do: {reason}", en="The time was extended to {due}. Reason: {reason}"
    ),
    "case.submitted": Wording(
        vi="{agency} đã báo cáo kết quả, đang chờ duyệt.", en="{agency} handed in its result, which awaits approval."
    ),
    "case.sent_back": Wording(
        vi="Kết quả chưa đạt yêu cầu, {agency} phải xử lý tiếp.", en="The result was not good enough; {agency} has to go on."
    ),
    "case.resolved": Wording(vi="{outcome}. {agency} trả lời: {answer}", en="{outcome}. {agency} answers: {answer}"),
    "case.reopened": Wording(vi="Phản ánh được mở lại. Lý do: {reason}", en="The case was opened again. Reason: {reason}"),
    "case.closed": Wording(vi="Phản ánh đã kết thúc.", en="The case is closed."),
    "case.refused": Wording(
        vi="Phản ánh không thuộc phạm vi tiếp nhận. Lý do: {reason} Hướng dẫn: {redirect}",
        en="The report is not for this service. Reason: {reason} Where to go: {redirect}",
    ),
    "case.cancelled": Wording(vi="Phản ánh đã được huỷ. Lý do: {reason}", en="The report was cancelled. Reason: {reason}"),
    "case.merged": Wording(
        vi="Có phản ánh khác về cùng sự việc; kết quả xử lý sẽ được trả lời chung.",
        en="Another report is about the same matter; its answer will come here too.",
    ),
    "case.unmerged": Wording(vi="Phản ánh được tách ra để xử lý riêng.", en="The report is handled by itself again."),
    "case.answered": Wording(vi="{agency} trả lời người gửi: {answer}", en="{agency} answers the reporter: {answer}"),
    "case.progressed": Wording(vi="{agency} cho biết tiến độ: {text}{expected}", en="{agency} on the progress: {text}{expected}"),
    "clock.breached": Wording(vi="{agency} đã quá hạn trả lời ({due}).", en="{agency} is late: an answer was due at {due}."),
    "clock.escalated": Wording(
        vi="Việc chậm trả lời của {agency} đã được báo lên cấp trên.", en="The lateness of {agency} was reported to its superiors."
    ),
    "notice.failed": Wording(vi="Chưa báo được tin cho người gửi.", en="The reporter could not be reached."),
    "notice.delivered": Wording(vi="Đã báo tin cho người gửi.", en="The reporter was told."),
}


def told(topic: str, data: Mapping[str, Any], *, agency: Wording, zone: ZoneInfo) -> Wording:
    """The sentence about one entry of the timeline. ``zone`` is the province's: people read local time."""
    template = _TOLD[topic]
    outcome = OUTCOME[Outcome(data["outcome"])] if data.get("outcome") else None
    rated = RATING[data["rating"]] if data.get("rating") else None
    vi = {"due": _moment(data, zone, "%H:%M ngày %d/%m/%Y"), "expected": _day(data, " Dự kiến xong ngày %d/%m/%Y.")}
    en = {"due": _moment(data, zone, "%H:%M on %d/%m/%Y"), "expected": _day(data, " Expected by %d/%m/%Y.")}
    return Wording.model_construct(  # written by people, who may leave blanks at the end
        vi=template.vi.format_map(
            {**data, **vi, "agency": agency.vi, "outcome": outcome and outcome.vi, "rated": rated and rated.vi}
        ).strip(),
        en=template.en.format_map(
            {**data, **en, "agency": agency.en, "outcome": outcome and outcome.en, "rated": rated and rated.en}
        ).strip(),
    )


def _moment(data: Mapping[str, Any], zone: ZoneInfo, form: str) -> str:
    return datetime.fromisoformat(data["due_at"]).astimezone(zone).strftime(form) if data.get("due_at") else ""


def _day(data: Mapping[str, Any], form: str) -> str:
    return date.fromisoformat(data["expected_on"]).strftime(form) if data.get("expected_on") else ""
