"""Every fact a reporter or a portal may hear about, about one report."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from shared import messages as say
from shared.messages import Fact, ReportReceived

DUE = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)  # 17:00 in Vietnam
FACTS: dict[type[Fact], dict[str, Any]] = {
    say.CaseAssigned: {"due_at": DUE, "hop": 1},
    say.CaseAccepted: {"due_at": DUE},
    say.CaseQuestioned: {"question": "Hố ga nằm trước số nhà nào?"},
    say.CaseResumed: {"due_at": DUE},
    say.CaseExtended: {"due_at": DUE, "reason": "Chờ vật tư thay thế"},
    say.CaseProgressed: {"text": "Đã đặt mua bóng đèn", "expected_on": date(2026, 11, 25)},
    say.CaseAnswered: {"comment_id": UUID(int=7), "answer": "Tổ sửa chữa đến vào chiều nay", "on_time": True},
    say.CaseResolved: {"outcome": say.Outcome.FIXED, "answer": "Đã thay ba bóng đèn", "submitted_at": DUE, "due_at": DUE, "on_time": True},
    say.CaseReopened: {"reason": "Đèn lại tắt", "due_at": DUE},
    say.CaseMerged: {"leader_id": UUID(int=8)},
    say.CaseUnmerged: {"leader_id": UUID(int=8), "due_at": DUE},
    say.CaseRefused: {"reason_code": "dispute", "reason": "Tranh chấp dân sự", "redirect": "Tòa án nhân dân huyện"},
    say.CaseCancelled: {"reason": "Người gửi rút phản ánh"},
    say.CaseClosed: {},
}
INTERNAL: dict[type[Fact], dict[str, Any]] = {  # what only offices hear of
    say.CaseReturned: {"reason": "Đường này do huyện quản lý", "proposed_agency": "cl", "hop": 1},
    say.ExtensionWanted: {"until": DUE, "reason": "Chờ vật tư thay thế"},
    say.CaseSubmitted: {"outcome": say.Outcome.FIXED, "answer": "Đã thay ba bóng đèn"},
    say.CaseRehomed: {"before": "sgtvt", "reason": "Sáp nhập đơn vị từ 1/3/2025"},
    say.CaseSentBack: {"reason": "Thiếu ảnh sau khi sửa"},
    say.ClockWarned: {"clock": "resolve", "due_at": DUE, "share": 0.8},
    say.ClockBreached: {"clock": "resolve", "due_at": DUE},
    say.ClockEscalated: {"clock": "resolve", "due_at": DUE, "step": 1},
}


def about(report: ReportReceived, kind: type[Fact], version: int = 3, **fields: Any) -> Any:
    """One fact about the case of ``report``, held by Đông Hà."""
    at = report.at + timedelta(minutes=version)
    usual = {**FACTS, **INTERNAL}[kind]
    return kind(**{"report_id": report.report_id, "at": at, "version": version, "agency": "dh", **usual, **fields})


def everything(report: ReportReceived) -> list[Fact]:
    """All of them, one after the other."""
    return [about(report, kind, number) for number, kind in enumerate(FACTS, start=2)]


def behind_the_scenes(report: ReportReceived) -> list[Fact]:
    """What offices alone hear of, one after the other."""
    head = {"report_id": report.report_id, "at": report.at + timedelta(hours=1)}
    return [
        say.ReportUnrouted(**head, explanation="Không có quy tắc nào phù hợp"),
        say.ReportCommented(**head, comment_id=UUID(int=9), text="Đèn vẫn tắt"),
        *(about(report, kind, number) for number, kind in enumerate(INTERNAL, start=30)),
        about(report, say.ClockEscalated, 40, step=2),
        about(report, say.ClockEscalated, 41, step=3),
        say.NoticeFailed(**head, notice_id=UUID(int=10), channel="email", about="case.resolved", reason="550 5.1.1"),
    ]
