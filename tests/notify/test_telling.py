"""What is told about which fact, and in which words."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from jinja2 import UndefinedError

from services.notify.domain import times
from services.notify.domain.audience import TABLE, Reader
from services.notify.domain.letters import LANGUAGES, TEMPLATES, letter, needed, page
from services.notify.domain.notices import JITTER, LADDER, LINK, Notice, State
from services.notify.domain.telling import Subject
from services.notify.domain.values import values_of
from services.notify.domain.webhooks import Webhook
from shared.messages import CaseAccepted, CaseAnswered, CaseAssigned, CaseProgressed, CaseResolved, Fact, ReportReceived
from shared.province import Province
from tests.builders import MONDAY, VIETNAM, received
from tests.notify.stories import DUE, about, everything

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def told(province: Province, *facts: Fact, language: str = "vi", webhooks: tuple[Webhook, ...] = ()) -> list[Notice]:
    """The notices to the reporter and to portals about the facts of one report, the first of which is that it was received."""
    report = facts[0]
    assert isinstance(report, ReportReceived)
    subject = Subject.of(report.model_copy(update={"language": language, "reachable": True}))
    return [notice for fact in facts for notice in subject.hear(fact, webhooks, province) if not notice.address]


def a_webhook() -> Webhook:
    return Webhook(id=uuid4(), portal="app", url="https://portal.example/hook", sealed="", created_at=MONDAY)


class TestLetters:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_every_fact_that_is_told_has_one_in_each_language(self, quang_tri, language):
        report = received(tracking_code="QT-2026-000123")

        notices = told(quang_tri, report, *everything(report), language=language)

        assert {notice.about for notice in notices} == {key for key, line in TABLE.items() if line.reporter}
        for notice in notices:
            assert "QT-2026-000123" in notice.subject + notice.body
            assert LINK in notice.body
            assert LINK in page(notice.body, language)
            assert "1900868674" in notice.body
            assert "\n\n\n" not in notice.body
            assert not {"{", "}", "None", "case.", "dh,"} & set(notice.body.split())
            assert "\n" not in notice.subject
            assert 20 < len(notice.subject) < 120

    def test_no_template_is_for_nothing(self):
        for language in LANGUAGES:
            assert {path.stem for path in (TEMPLATES / language).glob("*.txt")} == needed()

    def test_says_what_was_done_in_full(self, quang_tri):
        report = received(tracking_code="QT-2026-000123")

        *_, notice = told(quang_tri, report, about(report, CaseResolved))

        assert notice.subject == "Kết quả xử lý phản ánh QT-2026-000123"
        assert notice.body == (
            "Kính gửi ông/bà,\n\n"
            "UBND thành phố Đông Hà đã trả lời phản ánh của ông/bà về “Đèn đường hỏng”.\n\n"
            "Kết quả: Đã khắc phục.\n\n"
            "Đã thay ba bóng đèn\n\n"
            "Nếu chưa thỏa đáng, xin ông/bà cho biết tại liên kết dưới đây; "
            "phản ánh chỉ kết thúc sau khi ông/bà có thời gian xem lại.\n\n"
            "Mã tra cứu: QT-2026-000123\n"
            "Xem quá trình xử lý: [[link]]\n\n"
            "Trung tâm Giám sát, điều hành thông minh tỉnh\n"
            "Cần hỗ trợ, xin gọi 1900868674. Thư này được gửi tự động; muốn viết thêm, xin dùng liên kết trong thư.\n"
            "Không nhận thư nữa: [[leave]]\n"
        )

    def test_says_the_deadline_in_local_words(self, quang_tri):
        report = received()

        vietnamese = told(quang_tri, report, about(report, CaseAssigned))[-1]
        english = told(quang_tri, report, about(report, CaseAssigned), language="en")[-1]

        assert "Đơn vị phải trả lời ông/bà trước 17 giờ thứ Sáu, ngày 27/11/2026." in vietnamese.body
        assert "You must have its answer by 17:00 on Friday, 27 November 2026." in english.body

    def test_says_so_when_the_agency_changed(self, quang_tri):
        report = received()

        *_, notice = told(quang_tri, report, about(report, CaseAssigned, hop=2))

        assert "nay được chuyển sang UBND thành phố Đông Hà" in notice.body

    def test_says_a_promised_day_only_when_there_is_one(self, quang_tri):
        report = received()

        promised = told(quang_tri, report, about(report, CaseProgressed))[-1]
        open_ended = told(quang_tri, report, about(report, CaseProgressed, expected_on=None))[-1]

        assert "Dự kiến xong: thứ Tư, ngày 25/11/2026." in promised.body
        assert "Dự kiến" not in open_ended.body

    def test_what_people_wrote_is_text_in_html_too(self, quang_tri):
        report = received()

        *_, notice = told(quang_tri, report, about(report, CaseAnswered, answer="<script>alert(1)</script>\n{{ link }}"))

        assert "&lt;script&gt;alert(1)&lt;/script&gt;<br>{{ link }}" in page(notice.body, "vi")
        assert "<script>" not in page(notice.body, "vi")

    def test_a_value_that_is_missing_is_an_error_not_a_gap(self, quang_tri):
        report = received()
        values = values_of(about(report, CaseResolved), Subject.of(report), quang_tri, "vi")

        with pytest.raises(UndefinedError, match="outcome"):
            letter("case.resolved", "vi", {name: value for name, value in values.items() if name != "outcome"})

    def test_an_agency_or_category_nobody_knows_is_called_by_its_code(self, quang_tri):
        report = received(category="XX99")

        *_, notice = told(quang_tri, report, about(report, CaseAssigned, agency="new-agency"))

        assert "“XX99” đã được chuyển đến new-agency" in notice.body


class TestSubject:
    def test_tells_each_fact_once(self, quang_tri):
        report = received()
        fact = about(report, CaseResolved)

        assert [notice.about for notice in told(quang_tri, report, fact, fact, report)] == ["report.received", "case.resolved"]

    def test_the_same_fact_is_the_same_notice_wherever_it_is_made(self, quang_tri):
        report = received()
        facts = everything(report)

        first, second = told(quang_tri, report, *facts), told(quang_tri, report, *facts)

        assert [notice.id for notice in first] == [notice.id for notice in second]
        assert len({notice.id for notice in first}) == len(first)

    def test_of_old_news_only_what_matters_by_itself_is_told(self, quang_tri):
        report = received()
        late = [about(report, CaseAccepted, 3), about(report, CaseAssigned, 2), about(report, CaseAnswered, 4)]

        notices = told(quang_tri, report, about(report, CaseResolved, 9), *late)

        assert [notice.about for notice in notices] == ["report.received", "case.resolved", "case.answered"]

    def test_silence_is_not_told_as_work(self, quang_tri):
        report = received()

        notices = told(quang_tri, report, about(report, CaseAccepted, silent=True))

        assert [notice.about for notice in notices] == ["report.received"]

    def test_who_left_no_contact_gets_no_letter(self, quang_tri):
        report = received(reachable=False)

        assert Subject.of(report).hear(report, [], quang_tri) == []

    def test_an_unknown_language_is_vietnamese(self):
        assert Subject.of(received(language="fr")).language == "vi"


class TestEvents:
    def test_are_thin(self, quang_tri):
        report = received(tracking_code="QT-1")
        subject = Subject.of(report)

        [event] = subject.hear(report, [a_webhook()], quang_tri)

        assert event.body == (
            f'{{"type": "report.received", "timestamp": "{report.at.isoformat()}", "data": {{"report_id": "{report.report_id}", '
            f'"tracking_code": "QT-1", "status": "received", "at": "{report.at.isoformat()}"}}}}'
        )

    def test_are_about_everything_the_public_may_know(self, quang_tri):
        report = received()

        notices = told(quang_tri, report, *everything(report), webhooks=(a_webhook(),))
        events = [notice.about for notice in notices if notice.channel == "webhook"]

        assert sorted(events) == sorted(key for key, line in TABLE.items() if line.portal is not None and "/" not in key)

    def test_old_news_does_not_turn_the_status_back(self, quang_tri):
        report = received(reachable=False)
        subject = Subject.of(report)

        for fact in (report, about(report, CaseResolved, 9), about(report, CaseAssigned, 2), about(report, CaseAnswered, 10)):
            subject.hear(fact, [], quang_tri)

        assert subject.status == "resolved"


class TestNotice:
    def a_notice(self, **fields: Any) -> Notice:
        usual = {"subject": "Chào", "body": "Xem [[link]]", "created_at": MONDAY, "due_at": MONDAY, "language": "vi"}
        return Notice(id=uuid4(), report_id=uuid4(), about="case.resolved", channel="reporter", **usual | fields)

    def test_climbs_the_ladder_and_then_fails(self):
        notice, at, waits = self.a_notice(), MONDAY, []

        while not (said := notice.missed(channel="email", at=at, reason="452", final=False)):
            waits.append(notice.due_at - at)
            at = notice.due_at

        assert all(step * (1 - JITTER) <= wait <= step for wait, step in zip(waits, LADDER, strict=True))
        assert notice.state == State.FAILED
        assert [(fact.topic, fact.reason) for fact in said] == [("notice.failed", "452")]

    def test_fails_at_once_when_nothing_will_help(self):
        notice = self.a_notice()

        [failed] = notice.missed(channel="email", at=MONDAY, reason="550 5.1.1", final=True)

        assert (failed.channel, failed.about, failed.reason) == ("email", "case.resolved", "550 5.1.1")

    def test_what_was_sent_stays_sent(self):
        notice = self.a_notice()

        assert len(notice.delivered(channel="email", at=MONDAY)) == 1
        assert notice.delivered(channel="email", at=MONDAY) == []
        assert notice.missed(channel="email", at=MONDAY, reason="x", final=True) == []
        assert notice.state == State.SENT

    def test_news_to_a_portal_is_not_said_as_news_to_the_reporter(self):
        sent, failed = self.a_notice(reader=Reader.PORTAL), self.a_notice(reader=Reader.PORTAL)

        assert sent.delivered(channel="webhook", at=MONDAY) == []
        assert failed.missed(channel="webhook", at=MONDAY, reason="410", final=True) == []
        assert (sent.state, failed.state) == (State.SENT, State.FAILED)

    def test_the_link_is_put_in_at_the_last_moment(self):
        assert self.a_notice().text("https://x/#y") == "Xem https://x/#y"


class TestTimes:
    @pytest.mark.parametrize(
        ("at", "vietnamese", "english"),
        [
            (DUE, "17 giờ thứ Sáu, ngày 27/11/2026", "17:00 on Friday, 27 November 2026"),
            (datetime(2026, 11, 29, 0, 5, tzinfo=VIETNAM), "0 giờ 05 Chủ nhật, ngày 29/11/2026", "00:05 on Sunday, 29 November 2026"),
            (datetime.fromisoformat("2026-12-31T17:30:00+00:00"), "0 giờ 30 thứ Sáu, ngày 01/01/2027", "00:30 on Friday, 1 January 2027"),
        ],
    )
    def test_are_local_and_in_words(self, at, vietnamese, english):
        assert (times.moment(at, ZONE, "vi"), times.moment(at, ZONE, "en")) == (vietnamese, english)

    def test_every_day_of_the_week_has_its_name(self):
        week = [times.day(date(2026, 11, 16) + timedelta(days=number), "vi").split(",")[0] for number in range(7)]

        assert week == ["thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật"]
