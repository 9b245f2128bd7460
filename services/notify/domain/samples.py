"""Made-up facts about one made-up report, to see how letters read before anybody gets them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from services.notify.domain.audience import OFFICES, TABLE, Reader, line_of
from services.notify.domain.letters import CONFIRM, Letter, letter, template_of
from services.notify.domain.telling import Subject
from services.notify.domain.values import values_of
from shared.errors import NotFound
from shared.messages import MESSAGES, Fact, Location, Outcome, ReportReceived
from shared.province import Province

REPORT, AT, DUE = UUID(int=1), datetime(2026, 11, 23, 1, 5, tzinfo=UTC), datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
USUAL: Mapping[str, Any] = {
    "report_id": REPORT, "at": AT, "version": 3, "agency": "dh", "due_at": DUE, "until": DUE, "submitted_at": DUE, "hop": 1,
    "on_time": True,
    "reason": "Chờ vật tư thay thế", "explanation": "Không có quy tắc nào phù hợp", "text": "Đèn vẫn chưa sáng", "proposed_agency": "cl",
    "question": "Đèn hỏng nằm trước số nhà nào?", "answer": "Đã thay ba bóng đèn trước số 12 Hùng Vương", "outcome": Outcome.FIXED,
    "expected_on": date(2026, 11, 25), "redirect": "Tòa án nhân dân khu vực", "reason_code": "dispute", "leader_id": UUID(int=2),
    "comment_id": UUID(int=3), "notice_id": UUID(int=4), "channel": "email", "about": "case.resolved", "clock": "resolve", "share": 0.8,
    "step": 1, "before": "sgtvt", "follower_id": UUID(int=5), "sealed": "",
}  # fmt: skip


def preview(topic: str, reader: Reader, language: str, province: Province) -> Letter:
    """The letter, its links left open. Raises :class:`NotFound` for what the table does not have."""
    fact = sample(topic)
    asked = (reader, topic) == (Reader.FOLLOWER, CONFIRM)
    if reader in {Reader.PORTAL, Reader.AGENCY} or not (asked or getattr(line_of(fact), reader)):
        raise NotFound(f"{reader} is told nothing of {topic}: docs/notices.md has the table", code="not_told")
    subject = Subject.of(_report())
    subject.agency = USUAL["agency"]
    values = values_of(fact, subject, province, language, to_office=reader in OFFICES)
    return letter(template_of(fact.topic, reader), language, values)


def sample(topic: str) -> Fact:
    """One of each; ``clock.escalated/2`` and ``case.accepted/silent`` as the table names them. Raises :class:`NotFound`."""
    name, _, kind = topic.partition("/")
    if topic not in {*TABLE, CONFIRM}:
        raise NotFound(f"nobody is told of {topic}: docs/notices.md has the table", code="not_told")
    if name == ReportReceived.topic:
        return _report()
    known: type[Any] = MESSAGES[name]
    fields = {field: value for field, value in USUAL.items() if field in known.model_fields}
    special = {"step": int(kind)} if kind.isdigit() else {"silent": True} if kind else {}
    fact: Fact = known(**fields | special)
    return fact


def _report() -> ReportReceived:
    return ReportReceived(
        report_id=REPORT,
        at=AT,
        tracking_code="QT-7K3M-9PXC",
        portal="app",
        category="CS01",
        description="Đèn đường hỏng trước số 12 Hùng Vương",
        location=Location(area="dh", address="12 Hùng Vương"),
        reachable=True,
    )
