"""Restraint: budgets, quiet hours, half days, digests; and that nothing said is lost by any of it."""

from datetime import datetime, time, timedelta
from typing import Any

import pytest

from services.notify import store
from services.notify.domain.audience import Reader
from services.notify.domain.notices import State
from services.notify.domain.restraint import Restraint
from services.notify.store.reaching import end_silence, silence
from services.notify.store.restraint import let_go
from shared import messages as say
from shared.handling import Handling
from shared.messages import CaseProgressed, ReportReceived
from tests.builders import MONDAY, VIETNAM, envelope, received, topics
from tests.notify.conftest import LAN, reachable
from tests.notify.stories import about
from tests.notify.test_followers import asking, confirmed

QUIET = (time(21), time(7))
RULES = Restraint(per_hour=4, per_day=12, quiet=QUIET)
FRIDAY = datetime(2026, 11, 20, 16, 0, tzinfo=VIETNAM)


def local(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=VIETNAM)


@pytest.fixture
def pass_time(held: Handling, clock: Any, by_mail: Any) -> Any:
    """Minute by minute as the service has it: let go, send."""

    def pass_time(minutes: int, rules: Restraint = RULES, step: int = 1) -> None:
        for _ in range(0, minutes, step):
            clock.move(minutes=step)
            held.keep(lambda session: let_go(session, rules, clock()))
            while by_mail.turn(held):
                pass

    return pass_time


def followed_report(held: Handling) -> tuple[ReportReceived, say.FollowerReachable]:
    report = received()
    asked = asking(report)
    for fact in (report, asked, confirmed(asked)):
        held.together([envelope(fact)])
    return report, asked


def read_by(mail_server: Any, address: str) -> list[str]:
    """Subject and words of each letter to ``address``."""
    return [f"{mail['Subject']}\n{mail.get_body(('plain',)).get_content()}" for mail in mail_server.mail if mail["To"] == address]


class TestDigest:
    def test_a_hundred_facts_within_an_hour_are_a_budget_of_messages_and_nothing_is_lost(self, held, clock, pass_time, mail_server):
        report, _ = followed_report(held)
        pass_time(1)
        mail_server.mail.clear()  # the letter that asked for the confirmation
        clock.move(hours=2)

        for number in range(100):
            fact = about(report, CaseProgressed, number + 2, text=f"Tin số {number}.", expected_on=None)
            held.together([envelope(fact.model_copy(update={"at": clock() + timedelta(milliseconds=number)}))])
            if number % 2:
                pass_time(1)
        pass_time(180, step=5)

        letters = read_by(mail_server, "binh@example.vn")
        assert len(letters) == RULES.per_hour
        assert [[letter.count(f"Tin số {number}.") for letter in letters].count(1) for number in range(100)] == [1] * 100
        assert sum(letter.count("Tin số") for letter in letters) == 100
        order = [letters[-1].index(f"Tin số {number}.") for number in range(100) if f"Tin số {number}." in letters[-1]]
        assert order == sorted(order)

    def test_says_every_word_under_a_subject_that_counts(self, held, rooms, clock, pass_time, mail_server):
        report, asked = followed_report(held)
        pass_time(1)
        mail_server.mail.clear()
        resolved, closed = about(report, say.CaseResolved, 5), about(report, say.CaseClosed, 6)
        for fact in (resolved, closed):
            held.together([envelope(fact)])
        clock.move(hours=1)
        pass_time(1)

        [letter] = read_by(mail_server, "binh@example.vn")
        assert letter.startswith(f"2 tin về phản ánh {report.tracking_code}\n")
        assert "1. 8 giờ 05 thứ Hai, ngày 16/11/2026: " in letter
        assert "Đã thay ba bóng đèn" in letter
        assert "đã kết thúc" in letter
        assert letter.count("Kính gửi") == letter.count("Mã tra cứu") == 1
        assert f"#follower={asked.follower_id}" in letter.replace("\n", "")

    def test_is_the_word_of_each_of_its_parts(self, held, rooms, clock, pass_time):
        """intake hears that the reporter knows each of them."""
        report = received(reachable=True)
        for fact in (reachable(report, LAN), report):
            held.together([envelope(fact)])
        pass_time(1)
        for fact in (about(report, say.CaseResolved, 5), about(report, say.CaseClosed, 6)):
            held.together([envelope(fact)])
        clock.move(hours=1)
        pass_time(1)

        assert topics(rooms) == ["notice.delivered"] * 3
        with rooms() as session:
            states = {notice.about: notice.state for notice in store.notices_about(session, report.report_id) if not notice.address}
        assert states == {
            "report.received": State.SENT,
            "case.resolved": State.GATHERED,
            "case.closed": State.GATHERED,
            "digest": State.SENT,
        }

    def test_one_person_with_many_reports_has_one_budget(self, held, clock, pass_time, mail_server):
        reports = [received(reachable=True) for _ in range(6)]
        for report in reports:
            known = reachable(report, LAN).model_copy(update={"person": "the-same-person"})
            for fact in (known, report):
                held.together([envelope(fact)])
        pass_time(1)
        receipts = len(mail_server.mail)
        clock.move(hours=2)
        for report in reports:
            held.together([envelope(about(report, say.CaseResolved).model_copy(update={"at": clock()}))])
        roomy = Restraint(per_hour=RULES.per_hour, per_day=50, quiet=QUIET)
        pass_time(30, roomy)

        at_first = len(mail_server.mail) - receipts
        pass_time(150, roomy, step=5)

        assert receipts == 6, "who sent six reports has six receipts"
        assert at_first == RULES.per_hour - 1
        assert len(mail_server.mail) - receipts == 6


class TestNight:
    def test_what_happens_at_night_comes_in_the_morning_in_one_letter(self, held, clock, pass_time, mail_server):
        report, _ = followed_report(held)
        pass_time(1)
        mail_server.mail.clear()
        clock.at = local(16, 21, 30)
        for number, kind in enumerate((say.CaseResolved, say.CaseReopened, say.CaseProgressed), start=5):
            held.together([envelope(about(report, kind, number).model_copy(update={"at": clock()}))])

        pass_time(9 * 60, step=30)
        by_night = len(read_by(mail_server, "binh@example.vn"))
        pass_time(60, step=30)

        assert (by_night, len(read_by(mail_server, "binh@example.vn"))) == (0, 1)

    def test_a_receipt_is_for_who_is_awake(self, held, clock, pass_time, mail_server):
        clock.at = local(16, 23)
        report = received(reachable=True, at=clock())
        for fact in (reachable(report, LAN), report):
            held.together([envelope(fact)])
        pass_time(1)

        assert len(mail_server.mail) == 1


class TestReminders:
    def test_a_holder_gets_one_in_half_a_day_about_everything(self, held, clock, pass_time, mail_server):
        reports = [received() for _ in range(5)]
        for minutes, report in enumerate(reports):
            held.together([envelope(report)])
            held.together([envelope(about(report, say.ClockBreached).model_copy(update={"at": MONDAY + timedelta(minutes=40 * minutes)}))])
        pass_time(5 * 60, step=10)
        before_noon = len(mail_server.mail)
        pass_time(2 * 60, step=10)

        [reminder] = read_by(mail_server, "dh@quangtri.example")
        assert before_noon == 0
        assert reminder.startswith("5 việc cần biết\n")
        assert all(report.tracking_code in reminder for report in reports)

    def test_an_urgent_one_goes_out_at_once_and_by_itself(self, held, clock, pass_time, mail_server):
        clock.at = local(16, 23)
        calm, urgent = received(), received(urgent=True)
        for report in (calm, urgent):
            held.together([envelope(report)])
            held.together([envelope(about(report, say.ClockBreached).model_copy(update={"at": clock()}))])
        pass_time(1)

        [letter] = read_by(mail_server, "dh@quangtri.example")
        assert letter.startswith(f"KHẨN: Quá hạn: phản ánh {urgent.tracking_code}\n")


class TestSilence:
    @pytest.mark.parametrize("of", ["report", "person"])
    def test_who_asked_for_it_gets_no_letter_and_the_log_says_so(self, held, rooms, clock, pass_time, mail_server, of):
        report = received(reachable=True)
        known = reachable(report, LAN).model_copy(update={"person": "hash"})
        for fact in (known, report):
            held.together([envelope(fact)])
        pass_time(1)
        name = f"reporter:{report.report_id}" if of == "report" else "hash"
        held.keep(lambda session: silence(session, name, clock()))
        held.keep(lambda session: silence(session, name, clock()))
        held.together([envelope(about(report, say.CaseResolved))])
        clock.move(hours=1)
        pass_time(1)

        assert len(mail_server.mail) == 1
        with rooms() as session:
            [_, second] = store.notices_about(session, report.report_id)
        assert second.state == State.UNWANTED

    def test_of_one_report_is_not_of_another(self, held, clock, pass_time, mail_server):
        first, second = received(reachable=True), received(reachable=True)
        held.keep(lambda session: silence(session, f"reporter:{first.report_id}", clock()))
        for report in (first, second):
            for fact in (reachable(report, LAN).model_copy(update={"person": "hash"}), report):
                held.together([envelope(fact)])
        pass_time(1)

        assert len(mail_server.mail) == 1

    def test_may_end(self, held, clock, pass_time, mail_server):
        report = received(reachable=True)
        held.keep(lambda session: silence(session, f"reporter:{report.report_id}", clock()))
        held.keep(lambda session: end_silence(session, f"reporter:{report.report_id}"))
        for fact in (reachable(report, LAN), report):
            held.together([envelope(fact)])
        pass_time(1)

        assert len(mail_server.mail) == 1


class TestForgetting:
    def test_takes_the_words_of_digests_and_their_parts(self, held, rooms, clock, pass_time):
        report = received(reachable=True)
        for fact in (reachable(report, LAN), report, about(report, say.CaseResolved, 5), about(report, say.CaseClosed, 6)):
            held.together([envelope(fact)])
        clock.move(hours=1)
        pass_time(1)

        held.together([envelope(say.ReporterErased(report_id=report.report_id, at=clock()))])

        with rooms() as session:
            letters = [notice for notice in store.notices_about(session, report.report_id) if notice.reader == Reader.REPORTER]
        assert len(letters) == 4
        assert {(letter.body, letter.news, letter.subject, letter.recipient) for letter in letters} == {("", "", "", "")}
