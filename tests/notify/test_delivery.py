"""The loop that sends: contacts, claims, crashes, twins."""

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from services.notify.channels import delivery
from services.notify.channels.choice import deliveries
from services.notify.channels.delivery import AT_ONCE, CLAIM, Delivery
from services.notify.domain.notices import State
from services.notify.store import sending
from shared.clock import now
from shared.handling import Handling
from shared.messages import ReportReceived
from tests.builders import MONDAY, envelope, received, topics
from tests.notify.conftest import LAN, notices, reachable
from tests.wait import until


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

    def test_what_one_is_claiming_its_twin_passes_over(self, rooms, report_of):
        for _ in range(4):
            report_of(LAN)
        mine = {"to_portals": False, "at": MONDAY, "until": MONDAY + CLAIM}

        with rooms.begin() as one, rooms.begin() as twin:
            first, second = sending.claim(one, **mine, limit=3), sending.claim(twin, **mine, limit=3)

        assert (len(first), len(second)) == (3, 1)
        assert len({parcel.notice.id for parcel in [*first, *second]}) == 4

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
