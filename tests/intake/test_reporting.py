"""The reporter's last words about an answer, said with the secret of the link."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared import messages as say
from shared.messages import Outcome
from tests.builders import MONDAY, envelope, said, topics
from tests.intake.conftest import Office, a_body

OBJECTION = {"reason": "Đèn vẫn tắt, chưa ai đến sửa. Gọi tôi 0905123456."}


class Story:
    """One report, and what sla says about it."""

    def __init__(self, office: Office) -> None:
        self.office, self.version = office, 1
        self.receipt = office.post(a_body()).json()
        self.report_id = UUID(self.receipt["report_id"])

    def happens(self, kind: type[say.CaseFact], **fields: Any) -> None:
        self.version += 1
        head = {"report_id": self.report_id, "at": MONDAY + timedelta(hours=self.version), "version": self.version, "agency": "dh"}
        self.office.handling.together([envelope(kind(**head, **fields))])

    def is_answered(self) -> None:
        answer = {"outcome": Outcome.FIXED, "answer": "Đã thay bóng đèn", "submitted_at": MONDAY, "due_at": MONDAY, "on_time": True}
        self.happens(say.CaseResolved, **answer)

    def says(self, what: str, body: Any, secret: str = "") -> Any:
        headers = {"X-Report-Secret": secret or self.receipt["secret"]}
        return self.office.http.post(f"/v1/reports/{self.receipt['tracking_code']}/{what}", json=body, headers=headers)

    def code(self, what: str, body: Any, **others: str) -> tuple[int, str]:
        answer = self.says(what, body, **others)
        return answer.status_code, answer.json()["code"]


@pytest.fixture
def story(office):
    return Story(office)


class TestWithdrawal:
    def test_is_said_and_shown(self, story, office):
        assert story.says("withdrawal", {"reason": "Đèn đã sáng lại"}).status_code == 202

        assert topics(office.rooms)[-1] == "report.withdrawn"
        assert office.shown(story.receipt["tracking_code"])["timeline"][-1]["text"]["vi"] == "Người gửi rút phản ánh. Đèn đã sáng lại"

    def test_comes_too_late_after_the_answer(self, story):
        story.is_answered()

        assert story.code("withdrawal", {}) == (409, "not_open")


class TestRating:
    def test_is_said_once_for_each_answer(self, story, office):
        story.is_answered()

        assert story.says("rating", {"rating": 2, "reasons": ["Chậm"]}).status_code == 202
        assert story.code("rating", {"rating": 4}) == (409, "said_before")
        story.happens(say.CaseReopened, reason="Đèn lại tắt")
        story.is_answered()
        assert story.says("rating", {"rating": 4}).status_code == 202

        assert [message.rating for message in said(office.rooms) if message.topic == "report.rated"] == [2, 4]

    def test_waits_for_the_answer(self, story):
        assert story.code("rating", {"rating": 4}) == (409, "not_answered")

    @pytest.mark.parametrize("rating", [0, 5, 3.5, "4", True, None])
    def test_is_one_of_four(self, story, rating):
        story.is_answered()

        assert story.code("rating", {"rating": rating}) == (422, "invalid")


class TestObjection:
    def test_is_said_without_the_number_in_it(self, story, office):
        story.is_answered()

        assert story.says("objection", OBJECTION).status_code == 202

        assert said(office.rooms)[-1].reason == "Đèn vẫn tắt, chưa ai đến sửa. Gọi tôi [số điện thoại]."

    def test_is_not_heard_once_the_case_is_closed(self, story):
        story.is_answered()
        story.happens(say.CaseClosed)

        assert story.code("objection", OBJECTION) == (409, "window_over")


class TestSecret:
    @pytest.mark.parametrize(("what", "body"), [("withdrawal", {}), ("rating", {"rating": 1}), ("objection", OBJECTION)])
    def test_without_the_links_own_nothing_is_heard(self, story, office, what, body):
        story.is_answered()
        before = topics(office.rooms)

        assert story.code(what, body, secret="x" * 27) == (403, "secret_wrong")

        assert topics(office.rooms) == before
