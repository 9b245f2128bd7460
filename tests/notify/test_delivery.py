"""Notices on their way out: a real mail server, a real portal, a real folder."""

import json
import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook as Verifier
from structlog.testing import capture_logs

from services.cli.process import free_port
from services.notify import store
from services.notify.channels import delivery
from services.notify.channels.choice import deliveries
from services.notify.channels.delivery import AT_ONCE, CLAIM, Delivery
from services.notify.domain.notices import LADDER, Notice, State
from shared.access import link_secret
from shared.clock import now
from shared.database import Sessions
from shared.handling import Handling
from shared.messages import CaseResolved, NoticeDelivered, NoticeFailed, ReportReceived
from tests.builders import MONDAY, envelope, received, said, topics
from tests.notify.conftest import LINK_KEY, SECRET, reachable
from tests.notify.stories import about, everything
from tests.wait import until

LAN = {"name": "Nguyễn Thị Lan", "email": "lan@example.vn", "phone": "+84912345678"}


def notices(rooms: Sessions, report: ReportReceived) -> list[Notice]:
    with rooms() as session:
        return store.notices_about(session, report.report_id)


@pytest.fixture
def by_mail(settings_with: Any, mail_server: Any, clock: Any) -> Delivery:
    return deliveries(settings_with(smtp_url=f"smtp://127.0.0.1:{mail_server.port}"), clock)["delivery"]


@pytest.fixture
def by_webhook(settings_with: Any) -> Delivery:
    """By the real clock: the one who verifies looks at it, too."""
    return deliveries(settings_with(), now)["webhooks"]


@pytest.fixture
def into_folder(settings_with: Any, clock: Any) -> Delivery:
    return deliveries(settings_with(), clock)["delivery"]


class TestEmail:
    def test_arrives_as_it_was_written(self, handling, rooms, report_of, by_mail, mail_server):
        report = report_of(LAN, tracking_code="QT-2026-000123")

        by_mail.turn(handling)

        [mail] = mail_server.mail
        assert mail["Subject"] == "Đã nhận phản ánh QT-2026-000123"
        assert mail["From"] == "Hồi Âm <no-reply@hoiam.example>"
        assert mail["To"] == "lan@example.vn"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["Content-Language"] == "vi"
        link = f"https://hoiam.example/tra-cuu/QT-2026-000123#{link_secret(LINK_KEY, report.report_id)}"
        assert f"Xem quá trình xử lý: {link}" in mail.get_body(("plain",)).get_content()
        assert f'<a href="{link}">' in mail.get_body(("html",)).get_content()

    def test_that_arrived_is_recorded_and_said(self, handling, rooms, report_of, by_mail):
        report = report_of(LAN)

        by_mail.turn(handling)

        [notice] = notices(rooms, report)
        assert (notice.state, notice.channel, notice.sent_at) == (State.SENT, "email", MONDAY)
        [delivered] = said(rooms)
        assert isinstance(delivered, NoticeDelivered)
        assert (delivered.channel, delivered.about, delivered.notice_id) == ("email", "report.received", notice.id)

    def test_that_was_recorded_is_never_sent_again(self, handling, report_of, by_mail, mail_server, clock):
        report_of(LAN)

        by_mail.turn(handling)
        clock.move(days=2)

        assert by_mail.turn(handling) == 0
        assert len(mail_server.mail) == 1

    def test_about_one_report_hangs_together(self, handling, report_of, by_mail, mail_server, clock):
        report = report_of(LAN)
        handling.together([envelope(about(report, CaseResolved))])
        clock.move(hours=1)

        by_mail.turn(handling)

        first, second = mail_server.mail
        assert first["References"] == second["References"] == f"<report.{report.report_id}@hoiam.example>"
        assert first["Message-ID"] != second["Message-ID"]

    def test_a_batch_goes_through_one_connection(self, handling, report_of, by_mail, mail_server):
        for _ in range(5):
            report_of(LAN)

        by_mail.turn(handling)

        assert (len(mail_server.mail), mail_server.connections) == (5, 1)

    def test_refused_for_now_is_tried_again(self, handling, rooms, report_of, by_mail, mail_server, clock):
        report = report_of(LAN)
        mail_server.refuse["lan@example.vn"] = "452 4.2.2 Mailbox of lan@example.vn full"

        by_mail.turn(handling)
        [waiting] = notices(rooms, report)
        mail_server.refuse.clear()
        too_early = by_mail.turn(handling)
        clock.move(seconds=10)
        by_mail.turn(handling)

        assert (waiting.state, waiting.attempts, waiting.due_at) == (State.PENDING, 1, MONDAY + LADDER[0])
        assert waiting.last_error == "the mail server refuses it: 452 4.2.2"
        assert too_early == 0
        assert len(mail_server.mail) == 1
        assert topics(rooms) == ["notice.delivered"]

    def test_refused_for_good_fails_at_once(self, handling, rooms, report_of, by_mail, mail_server):
        report = report_of(LAN)
        mail_server.refuse["lan@example.vn"] = "550 5.1.1 lan@example.vn: no such user"

        by_mail.turn(handling)

        [failed] = said(rooms)
        assert isinstance(failed, NoticeFailed)
        assert (failed.channel, failed.reason) == ("email", "the mail server refuses it: 550 5.1.1")
        assert notices(rooms, report)[0].state == State.FAILED

    def test_one_refusal_does_not_hold_up_the_others(self, handling, report_of, by_mail, mail_server):
        mail_server.refuse["no@example.vn"] = "550 5.1.1 no such user"
        for name in ("no", "yes", "no", "yes"):
            report_of({"email": f"{name}@example.vn"})

        by_mail.turn(handling)

        assert [mail["To"] for mail in mail_server.mail] == ["yes@example.vn", "yes@example.vn"]

    def test_with_a_password_in_the_url_logs_in(self, handling, report_of, settings_with, mail_server, clock):
        report_of(LAN)
        url = f"smtp://pa:s3cret%3A%2F%40@127.0.0.1:{mail_server.port}"

        deliveries(settings_with(smtp_url=url), clock)["delivery"].turn(handling)

        assert len(mail_server.mail) == 1

    def test_a_wrong_password_is_no_fault_of_the_notice(self, handling, rooms, report_of, settings_with, mail_server, clock):
        report = report_of(LAN)
        url = f"smtp://pa:wrong@127.0.0.1:{mail_server.port}"

        deliveries(settings_with(smtp_url=url), clock)["delivery"].turn(handling)

        [notice] = notices(rooms, report)
        assert (notice.state, notice.last_error) == (State.PENDING, "the mail server does not answer: SMTPAuthenticationError")

    def test_with_the_mail_server_away_only_the_first_is_tried(self, handling, rooms, report_of, settings_with, clock):
        reports = [report_of(LAN) for _ in range(3)]
        nobody = deliveries(settings_with(smtp_url=f"smtp://127.0.0.1:{free_port()}"), clock)["delivery"]

        nobody.turn(handling)

        found = [notices(rooms, report)[0] for report in reports]
        assert sorted(notice.attempts for notice in found) == [0, 0, 1]
        assert all(notice.due_at == MONDAY + timedelta(seconds=10) for notice in found)

    @pytest.mark.parametrize("address", ["a@b.vn\nBcc: all@example.vn", "a@b.vn, c@d.vn", "lan@exämple.vn", "lan", "@", ""])
    def test_an_address_that_is_more_or_less_than_one_gets_nothing(self, handling, rooms, report_of, by_mail, mail_server, address):
        report = report_of({"email": address})

        by_mail.turn(handling)

        assert mail_server.mail == []
        assert notices(rooms, report)[0].state == State.FAILED

    def test_no_line_of_a_subject_becomes_a_header(self, handling, report_of, by_mail, mail_server):
        report_of(LAN, tracking_code="QT-1\r\nBcc: all@example.vn")

        by_mail.turn(handling)

        [mail] = mail_server.mail
        assert mail["Bcc"] is None
        assert mail["Subject"] == "Đã nhận phản ánh QT-1 Bcc: all@example.vn"


class TestMailboxFolder:
    def test_is_readable_by_people_and_by_mail_programs(self, handling, report_of, into_folder, tmp_path):
        report_of(LAN, tracking_code="QT-1")

        into_folder.turn(handling)

        [letter] = (tmp_path / "mailbox").glob("*.eml")
        assert "Subject: Đã nhận phản ánh QT-1" in letter.read_text(encoding="utf-8")
        assert "Kính gửi ông/bà," in letter.read_text(encoding="utf-8")
        assert message_from_bytes(letter.read_bytes(), policy=default)["To"] == "lan@example.vn"
        assert (tmp_path / "mailbox/index.txt").read_text(encoding="utf-8") == (
            f"2026-11-16 01:00:00Z  report.received   Đã nhận phản ánh QT-1  {letter.name}\n"
        )

    def test_the_same_letter_twice_is_one_file_and_one_line(self, handling, rooms, report_of, into_folder, tmp_path):
        report = report_of(LAN)

        into_folder.turn(handling)
        before = {path.name: path.read_bytes() for path in (tmp_path / "mailbox").iterdir()}
        with rooms.begin() as session:
            session.execute(text("UPDATE notices SET state = 'pending'"))
        into_folder.turn(handling)

        assert {path.name: path.read_bytes() for path in (tmp_path / "mailbox").iterdir()} == before
        assert notices(rooms, report)[0].channel == "mailbox"


class TestWebhooks:
    def test_are_signed_so_that_the_portal_can_tell(self, handling, report_of, hook, by_webhook, receiver):
        report = report_of(tracking_code="QT-1")

        by_webhook.turn(handling)

        [(headers, body)] = receiver.got
        event = Verifier(SECRET).verify(body, headers)
        assert (event["type"], event["data"]["report_id"], event["data"]["status"]) == (
            "report.received",
            str(report.report_id),
            "received",
        )
        assert headers["host"] == receiver.url.split("/")[2]
        assert headers["content-type"] == "application/json; charset=utf-8"

    def test_tell_the_whole_story_in_order(self, handling, report_of, hook, by_webhook, receiver):
        report = report_of()
        for fact in everything(report):
            handling.together([envelope(fact)])

        by_webhook.turn(handling)

        assert [event["type"] for event in receiver.events] == ["report.received", *(fact.topic for fact in everything(report))]
        assert receiver.events[-1]["data"]["status"] == "closed"

    def test_are_not_about_other_portals_reports(self, handling, report_of, hook, by_webhook, receiver):
        report_of(portal="another")

        assert by_webhook.turn(handling) == 0

    @pytest.mark.parametrize("status", [500, 503, 404, 301, 302])
    def test_anything_but_success_is_tried_again(self, handling, rooms, report_of, hook, by_webhook, receiver, status):
        receiver.status, receiver.headers = status, {"location": receiver.url}
        report = report_of()

        by_webhook.turn(handling)

        [notice] = notices(rooms, report)
        assert (notice.state, notice.attempts, notice.last_error) == (State.PENDING, 1, f"the portal answers {status}")
        assert len(receiver.got) == 1

    def test_are_not_called_again_once_they_say_gone(self, handling, rooms, report_of, hook, by_webhook, receiver):
        receiver.status = 410
        report = report_of()

        by_webhook.turn(handling)

        assert notices(rooms, report)[0].state == State.FAILED
        assert notices(rooms, report_of()) == []
        assert topics(rooms) == []

    def test_do_not_lead_into_private_networks(self, handling, rooms, report_of, hook, settings_with, receiver):
        strict = deliveries(settings_with(webhook_allow_loopback=False), now)["webhooks"]
        with rooms.begin() as session:
            session.execute(text("UPDATE webhooks SET url = replace(url, 'http:', 'https:')"))
        report = report_of()

        strict.turn(handling)

        [notice] = notices(rooms, report)
        assert (notice.state, notice.last_error) == (State.FAILED, "a webhook may not lead into private networks")
        assert receiver.got == []

    def test_a_portal_that_is_away_is_asked_once_a_turn(self, handling, rooms, report_of, hook, by_webhook):
        with rooms.begin() as session:
            session.execute(text("UPDATE webhooks SET url = :url"), {"url": f"http://127.0.0.1:{free_port()}/hook"})
        reports = [report_of() for _ in range(3)]

        by_webhook.turn(handling)

        found = [notices(rooms, report)[0] for report in reports]
        assert sorted(notice.attempts for notice in found) == [0, 0, 1]
        assert {notice.last_error for notice in found} == {"", "the portal does not answer: ConnectError"}


class TestSms:
    def test_reaches_who_left_only_a_number(self, handling, rooms, report_of, settings_with, receiver, clock):
        report = report_of({"phone": "+84912345678"}, tracking_code="QT-1")

        deliveries(settings_with(sms_gateway_url=receiver.url), clock)["delivery"].turn(handling)

        [(_, body)] = receiver.got
        link = f"https://hoiam.example/tra-cuu/QT-1#{link_secret(LINK_KEY, report.report_id)}"
        assert json.loads(body) == {
            "id": str(notices(rooms, report)[0].id), "to": "+84912345678", "text": f"Đã nhận phản ánh QT-1. {link}"
        }  # fmt: skip
        assert said(rooms)[0].channel == "sms"

    @pytest.mark.parametrize(("status", "state"), [(503, State.PENDING), (429, State.PENDING), (401, State.PENDING), (422, State.FAILED)])
    def test_a_gateway_may_refuse_for_now_or_for_good(self, handling, rooms, report_of, settings_with, receiver, clock, status, state):
        receiver.status = status
        report = report_of({"phone": "+84912345678"})

        deliveries(settings_with(sms_gateway_url=receiver.url), clock)["delivery"].turn(handling)

        assert notices(rooms, report)[0].state == state

    def test_without_a_gateway_nothing_reaches_them(self, handling, rooms, report_of, into_folder):
        report_of({"phone": "+84912345678"})

        into_folder.turn(handling)

        assert said(rooms)[0].reason == "no channel reaches this contact"


class TestContact:
    def test_that_comes_late_is_waited_for(self, handling, rooms, into_folder, clock):
        report = received(reachable=True)
        handling.together([envelope(report)])

        into_folder.turn(handling)
        handling.together([envelope(reachable(report, LAN))])
        clock.move(seconds=10)
        into_folder.turn(handling)

        assert topics(rooms) == ["notice.delivered"]

    def test_whose_key_is_gone_is_tried_again(self, handling, rooms, report_of, into_folder):
        report = report_of(LAN)
        with rooms.begin() as session:
            session.execute(text("UPDATE contacts SET sealed = 'other:AAAA'"))

        into_folder.turn(handling)

        assert notices(rooms, report)[0].last_error == "the contact can't be opened with these SEALING_KEYS"

    def test_never_shows_in_messages_errors_or_logs(self, handling, rooms, report_of, by_mail, mail_server, caplog):
        caplog.set_level(logging.DEBUG)
        mail_server.refuse["lan@example.vn"] = "550 5.1.1 <lan@example.vn> no such user"
        with capture_logs() as lines:
            report_of(LAN)
            by_mail.turn(handling)
            report_of({**LAN, "email": "other-lan@example.vn"})
            by_mail.turn(handling)

        with rooms() as session:
            stored = str(session.execute(text("SELECT convert_from(body, 'UTF8') FROM outbox")).all())
            stored += str(session.execute(text("SELECT t::text FROM notices t")).all())
        everywhere = stored + str(lines) + "".join(record.getMessage() for record in caplog.records if record.name != "mail.log")
        assert topics(rooms) == ["notice.failed", "notice.delivered"]
        assert not [canary for canary in ("lan@", "912345678", "Thị Lan") if canary in everywhere]


class TestTurn:
    def test_killed_between_sending_and_recording_sends_again_when_the_claim_runs_out(
        self, handling, rooms, report_of, by_mail, mail_server, clock, monkeypatch
    ):
        """At least once, said in the open: the Message-ID lets the mail program see that it is the same letter."""
        report_of(LAN)
        monkeypatch.setattr(delivery, "record", _killed)
        with pytest.raises(KeyboardInterrupt):
            by_mail.turn(handling)
        monkeypatch.undo()

        at_once = by_mail.turn(handling)
        clock.move(seconds=CLAIM.total_seconds())
        by_mail.turn(handling)

        assert at_once == 0
        assert len({mail["Message-ID"] for mail in mail_server.mail}) == 1
        assert len(mail_server.mail) == 2
        assert topics(rooms) == ["notice.delivered"]

    def test_twins_share_the_work(self, handling, report_of, mail_server, settings_with, clock):
        for _ in range(60):
            report_of(LAN)
        settings = settings_with(smtp_url=f"smtp://127.0.0.1:{mail_server.port}")
        twins = [threading.Thread(target=_until_done, args=(deliveries(settings, clock)["delivery"], handling)) for _ in range(2)]

        for twin in twins:
            twin.start()
        for twin in twins:
            twin.join()

        assert len(mail_server.mail) == 60
        assert len({mail["Message-ID"] for mail in mail_server.mail}) == 60

    def test_takes_no_more_than_it_can_send_in_time(self, handling, report_of, into_folder):
        for _ in range(AT_ONCE + 5):
            report_of(LAN)

        assert [into_folder.turn(handling) for _ in range(3)] == [AT_ONCE, 5, 0]

    def test_told_to_stop_puts_back_what_it_did_not_try(self, handling, rooms, report_of, into_folder, clock):
        report_of(LAN)

        into_folder.turn(handling, beat=lambda: False)
        clock.move(seconds=10)
        into_folder.turn(handling)

        assert topics(rooms) == ["notice.delivered"]

    def test_a_notice_that_breaks_the_channel_holds_up_no_other(self, handling, rooms, report_of, clock, settings_with):
        broken = deliveries(settings_with(), clock)["delivery"]
        first, second = report_of(LAN), report_of(LAN)
        failing = Delivery(to_portals=False, choose=_breaks_for(first, broken.choose), channels=broken.channels, clock=clock)

        failing.turn(handling)

        assert notices(rooms, first)[0].last_error == "sending broke: ZeroDivisionError"
        assert notices(rooms, second)[0].state == State.SENT

    def test_a_slow_portal_holds_up_no_letter(self, handling, report_of, hook, settings_with, clock):
        report_of(LAN)
        loops = deliveries(settings_with(), clock)

        assert [loops["delivery"].turn(handling), loops["webhooks"].turn(handling)] == [1, 1]


class TestRun:
    def test_sends_within_a_second_of_the_commit(self, handling, rooms, report_of, settings_with):
        stop = threading.Event()
        loop = threading.Thread(target=deliveries(settings_with(), now)["delivery"].run, args=(handling, lambda: not stop.is_set()))
        loop.start()
        try:
            report_of(LAN)
            until(lambda: topics(rooms) == ["notice.delivered"], 1, what="delivered within a second")
        finally:
            stop.set()
            loop.join()


def _killed(*_: Any) -> Any:
    raise KeyboardInterrupt


def _until_done(loop: Delivery, handling: Handling) -> None:
    while loop.turn(handling):
        pass


def _breaks_for(report: ReportReceived, choose: Callable[..., Any]) -> Callable[..., Any]:
    def chosen(parcel: Any) -> Any:
        if parcel.notice.report_id == report.report_id:
            return 1 / 0
        return choose(parcel)

    return chosen
