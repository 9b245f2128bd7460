"""What the figures of a scorecard are called, in Vietnamese and English."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    vi: str
    en: str

    def __str__(self) -> str:
        return f"{self.vi} ({self.en})"


FIGURES: Mapping[str, Words] = {
    "received": Words("Tiếp nhận", "received"),
    "taken_up": Words("Thụ lý", "taken up"),
    "on_time": Words("Xong đúng hạn", "finished on time"),
    "on_time_extended": Words("Xong đúng hạn sau gia hạn", "finished on time after an extension"),
    "late": Words("Xong quá hạn", "finished late"),
    "open_in_time": Words("Đang xử lý, còn hạn", "open in time"),
    "open_overdue": Words("Đang xử lý, quá hạn", "open overdue"),
    "refused": Words("Từ chối", "refused"),
    "refused_late": Words("Từ chối khi đã quá hạn", "refused after the deadline"),
    "cancelled": Words("Hủy", "cancelled"),
    "cancelled_late": Words("Hủy khi đã quá hạn", "cancelled after the deadline"),
    "merged": Words("Gộp vào phản ánh khác", "merged into another"),
    "returned": Words("Số lần trả lại", "returns"),
    "reopened": Words("Số lần mở lại", "re-openings"),
    "recategorised": Words("Số lần đổi lĩnh vực", "changes of category"),
    "under_emergency": Words("Theo lệnh khẩn cấp", "under an emergency order"),
    "comments": Words("Ý kiến của người dân", "messages of reporters"),
    "answered_in_a_day": Words("Trả lời trong 1 ngày", "answered within a day"),
    "answered_late": Words("Trả lời quá 1 ngày", "answered late or not yet, past the day"),
    "rating_1": Words("Không hài lòng", "not satisfied"),
    "rating_2": Words("Chấp nhận được", "acceptable"),
    "rating_3": Words("Hài lòng", "satisfied"),
    "rating_4": Words("Rất hài lòng", "very satisfied"),
    "late_thousandths": Words("Phần trễ hạn phải chịu (phần nghìn vụ)", "lateness to answer for (thousandths of a case)"),
    "held_minutes": Words("Thời gian làm việc đã giữ (phút)", "working time held (minutes)"),
}
SHARES: Mapping[str, Words] = {
    "taken_up_of_received": Words("Thụ lý / tiếp nhận", "taken up of received"),
    "on_time_of_finished": Words("Đúng hạn / đã xong", "on time of finished"),
    "on_time_of_fallen_due": Words("Đúng hạn / đã đến hạn", "on time of fallen due, open overdue included"),
    "on_time_without_extension_of_fallen_due": Words("Đúng hạn không gia hạn / đã đến hạn", "on time without extension of fallen due"),
    "answered_in_a_day_of_messages": Words(
        "Trả lời trong 1 ngày / ý kiến đã đến hạn", "answered within a day of messages answered or overdue"
    ),
    "satisfied_of_rated": Words("Hài lòng / có đánh giá", "satisfied of rated"),
}
BY: Mapping[str, Words] = {
    "agency": Words("Đơn vị", "agency"),
    "category": Words("Lĩnh vực", "category"),
    "area": Words("Địa bàn", "area"),
    "month": Words("Tháng tiếp nhận", "month of receipt"),
}
MEDIAN = Words("Trung vị giờ làm việc", "median working hours of finished cases")
P90 = Words("90 % dưới (giờ làm việc)", "90th percentile of working hours of finished cases")
ADJUSTED = Words("Hạng đã hiệu chỉnh theo độ khó", "rank, adjusted for difficulty")
RAW = Words("Hạng chưa hiệu chỉnh", "raw rank")
SMALL = Words("Ít vụ, chưa đủ để so sánh", "few cases: says little")
