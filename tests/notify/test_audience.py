"""Who hears what: the table, and the letters made of it."""

from typing import Any

import pytest

from services.notify.domain import letters
from services.notify.domain.audience import OFFICES, TABLE, Pace, Reader
from services.notify.domain.followers import Follower
from services.notify.domain.letters import BrokenTemplate, check_templates, version_of
from services.notify.domain.notices import Notice, State
from services.notify.domain.telling import Subject
from shared import messages as say
from shared.messages import FACTS, Fact
from tests.builders import MONDAY, received
from tests.notify.stories import DUE, about, behind_the_scenes, everything

ELSEWHERE = {  # facts of intake, routing and sla that tell nobody anything, and why
    "reporter.reachable": "how to reach, no news", "reporter.erased": "the same", "follower.reachable": "a letter of its own",
    "follower.confirmed": "who hears, no news", "follower.left": "the same", "report.withdrawn": "told as case.cancelled",
    "report.objected": "told as case.reopened", "report.rated": "told as case.closed", "report.routed": "told as case.assigned",
    "case.opened": "told as report.received", "clock.met": "said by nobody yet", "audit.root": "about no report",
    "notice.delivered": "who got a letter knows it", "follower.declined": "our own word to intake",
}  # fmt: skip


def heard(province: Any, *facts: Fact, **fields: Any) -> list[Notice]:
    """What offices are told about one report."""
    report = facts[0]
    subject = Subject.of(report.model_copy(update=fields))
    return [notice for fact in facts for notice in subject.hear(fact, [], province) if notice.reader in OFFICES]


class TestTable:
    def test_has_a_line_for_every_fact_or_a_reason_why_not(self):
        facts = {kind.topic for kinds in FACTS.values() for kind in kinds}

        assert {key.partition("/")[0] for key in TABLE} | set(ELSEWHERE) == facts
        assert not {key.partition("/")[0] for key in TABLE} & set(ELSEWHERE)

    def test_tells_each_office_what_it_says(self, quang_tri):
        report = received(reachable=False)

        silent = about(report, say.CaseAccepted, 50, silent=True)
        notices = heard(quang_tri, report, *everything(report), *behind_the_scenes(report), silent)

        told = {reader: {notice.about for notice in notices if notice.reader == reader} for reader in OFFICES}
        assert told == {reader: {key.partition("/")[0] for key, line in TABLE.items() if getattr(line, reader)} for reader in OFFICES}

    @pytest.mark.parametrize(
        ("step", "told"),
        [
            (1, {Reader.HEAD: "dh@quangtri.example"}),
            (2, {Reader.HEAD: "dh@quangtri.example", Reader.CENTRE: "ioc@quangtri.example"}),
            (3, {Reader.HEAD: "dh@quangtri.example", Reader.OFFICE: "chanhvanphong@quangtri.example"}),
            (9, {Reader.HEAD: "dh@quangtri.example", Reader.OFFICE: "chanhvanphong@quangtri.example"}),
        ],
    )
    def test_climbs_the_ladder_with_each_step(self, quang_tri, step, told):
        report = received()

        notices = heard(quang_tri, report, about(report, say.ClockEscalated, step=step))

        assert {notice.reader: notice.address for notice in notices} == told

    def test_a_duty_officer_and_a_head_with_addresses_of_their_own_are_written_to_there(self, quang_tri):
        city = quang_tri.agencies["dh"].model_copy(update={"duty_email": "truc-ban@dh.example", "head_email": "chu-tich@dh.example"})
        of = quang_tri.model_copy(update={"agencies": {**quang_tri.agencies, "dh": city}})
        report = received()

        notices = heard(of, report, about(report, say.CaseReopened))

        assert {notice.reader: notice.address for notice in notices} == {
            Reader.DUTY_OFFICER: "truc-ban@dh.example",
            Reader.HEAD: "chu-tich@dh.example",
        }

    @pytest.mark.parametrize("clock", ["route", "approve"])
    def test_the_clocks_of_the_centre_remind_the_centre(self, quang_tri, clock):
        report = received()

        [notice] = heard(quang_tri, report, about(report, say.ClockBreached, clock=clock))

        assert (notice.recipient, notice.address) == ("duty_officer:ioc", "ioc@quangtri.example")

    def test_a_word_of_the_reporter_goes_to_who_has_the_case(self, quang_tri):
        report = received()
        word = behind_the_scenes(report)[1]

        notices = heard(quang_tri, report, about(report, say.CaseAssigned), word)

        assert [(notice.about, notice.recipient) for notice in notices[1:]] == [("report.commented", "duty_officer:dh")]
        assert "Đèn vẫn tắt" in notices[1].body

    def test_an_agency_nobody_knows_is_passed_over(self, quang_tri):
        report = received()

        assert heard(quang_tri, report, about(report, say.CaseAssigned, agency="nowhere")) == []

    def test_an_urgent_case_waits_for_nothing_at_offices(self, quang_tri):
        report = received()
        urgent, calm = about(report, say.ClockBreached, urgent=True), about(report, say.ClockBreached)

        [first], [second] = heard(quang_tri, report, urgent), heard(quang_tri, report, calm)

        assert (first.pace, first.due_at, first.subject.startswith("KHẨN: Quá hạn")) == (Pace.NOW, urgent.at, True)
        assert (second.pace, second.subject.startswith("Quá hạn")) == (Pace.REMIND, True)
        assert second.due_at > calm.at

    def test_agencies_that_chose_hear_what_they_chose(self, quang_tri):
        report, facts = received(), []
        subject = Subject.of(report)
        for fact in (about(report, say.CaseAssigned, 2), about(report, say.ClockBreached, 3)):
            facts += subject.hear(fact, [], quang_tri, chosen={"agency:dh": frozenset({"clock.breached"})})

        assert [notice.about for notice in facts] == ["clock.breached"]

    def test_everything_waits_to_be_let_go(self, quang_tri):
        report = received(reachable=True)
        follower = Follower(
            follower_id=report.report_id, report_id=report.report_id, sealed="", language="vi", at=MONDAY, confirmed_at=MONDAY
        )
        subject = Subject.of(report)

        notices = [notice for fact in (report, *everything(report)) for notice in subject.hear(fact, [], quang_tri, [follower], person="h")]

        assert {notice.state for notice in notices} == {State.HELD}
        assert {notice.recipient for notice in notices if notice.reader == Reader.REPORTER} == {"h"}
        assert all(notice.template == version_of(letters.template_of(notice.about, notice.reader), "vi") for notice in notices)
        assert all(notice.news in notice.body for notice in notices)


class TestOfficeLetters:
    def test_say_the_deadline_in_words_and_end_with_no_way_to_leave(self, quang_tri):
        report = received(tracking_code="QT-1")

        [notice] = heard(quang_tri, report, about(report, say.CaseAssigned))

        assert notice.subject == "Việc mới: phản ánh QT-1"
        assert "Hạn trả lời người dân: trước 17 giờ thứ Sáu, ngày 27/11/2026." in notice.body
        assert "Kính gửi quý đơn vị," in notice.body
        assert "[[leave]]" not in notice.body

    @pytest.mark.parametrize("language", letters.LANGUAGES)
    def test_have_words_for_every_fact_that_offices_hear(self, quang_tri, language, monkeypatch):
        monkeypatch.setattr("services.notify.domain.telling.OF_OFFICES", language)
        report = received(tracking_code="QT-1")

        for notice in heard(quang_tri, report, *behind_the_scenes(report), *everything(report)):
            assert "QT-1" in notice.subject
            assert len(notice.news) > 40, notice.about
            assert not {"{", "}", "None", "dh", notice.about} & set(notice.body.split())


class TestTemplates:
    def test_are_sound(self):
        check_templates()

    def broken(self, tmp_path: Any, path: str, text: str) -> str:
        for file in letters.TEMPLATES.rglob("*.*"):
            copy = tmp_path / file.relative_to(letters.TEMPLATES)
            copy.parent.mkdir(exist_ok=True)
            copy.write_text(
                text if str(file.relative_to(letters.TEMPLATES)) == path else file.read_text(encoding="utf-8"), encoding="utf-8"
            )
        with pytest.raises(BrokenTemplate) as broken:
            check_templates(tmp_path)
        return str(broken.value)

    def test_that_write_what_no_fact_has_are_named_with_the_line(self, tmp_path):
        said = self.broken(tmp_path, "vi/case.closed.txt", "{% block text %}\n\nXin chào {{ tracking_code }}, {{ answer }}{% endblock %}")

        assert said == "vi/case.closed.txt, line 3: nothing is called 'answer' here"

    def test_that_cannot_be_read_are_named_with_the_line(self, tmp_path):
        said = self.broken(tmp_path, "en/case.closed.txt", "one\n{% if %}")

        assert said.startswith("en/case.closed.txt, line 2: ")

    def test_that_are_missing_are_named(self, tmp_path):
        with pytest.raises(BrokenTemplate, match=r"vi/case\.accepted\.txt: there is no such template"):
            check_templates(tmp_path)

    def test_change_their_version_with_their_words(self):
        assert version_of("case.closed", "vi") != version_of("case.closed", "en")
        assert len(version_of("case.closed", "vi")) == 12

    def test_of_people_who_write_templates_change_nothing(self, quang_tri):
        """What came from outside is text to the templates, never a template."""
        report = received()
        text = "{{ 7 * 7 }} {% raw %} [[link]] {{ ''.__class__ }}"

        [notice] = heard(quang_tri, report, about(report, say.CaseSentBack, reason=text))

        assert text in notice.body


def test_the_last_day_is_friday():
    """The deadline of these stories, so that their words can be read."""
    assert DUE.isoweekday() == 5
