"""The loop that sends: contacts, claims, crashes, twins."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from structlog.testing import capture_logs

from services.notify.channels import delivery
from services.notify.channels.choice import EACH, deliveries
from services.notify.channels.delivery import AHEAD, CLAIM, Delivery
from services.notify.domain.notices import State
from services.notify.store import sending
from shared.clock import now
from shared.handling import Handling
from shared.messages import ReportReceived
from tests.builders import MONDAY, envelope, received, topics
from tests.notify.conftest import LAN, add_webhook, notices, reachable
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
        self, handling, rooms, report_of, by_mail, mail_server, clock, settings_with, monkeypatch
    ):
        """At least once, said in the open: the Message-ID lets the mail program see that it is the same letter."""
        report_of(LAN)
        monkeypatch.setattr(delivery, "record", _killed)
        with pytest.raises(KeyboardInterrupt):
            by_mail.turn(handling)
        monkeypatch.undo()
        born_again = deliveries(settings_with(smtp_url=f"smtp://127.0.0.1:{mail_server.port}"), clock)["email"]

        at_once = born_again.turn(handling)
        clock.move(seconds=CLAIM.total_seconds())
        born_again.turn(handling)

        assert at_once == 0
        assert len({mail["Message-ID"] for mail in mail_server.mail}) == 1
        assert len(mail_server.mail) == 2
        assert topics(rooms) == ["notice.delivered"]

    def test_that_can_not_record_for_a_while_records_later_and_sends_nothing_twice(
        self, handling, rooms, report_of, by_mail, mail_server, clock, monkeypatch
    ):
        report_of(LAN)
        monkeypatch.setattr(delivery, "record", _no_database)
        with pytest.raises(ConnectionError):
            by_mail.turn(handling)
        monkeypatch.undo()

        clock.move(seconds=CLAIM.total_seconds() - 1)
        by_mail.turn(handling)

        assert len(mail_server.mail) == 1
        assert topics(rooms) == ["notice.delivered"]

    def test_twins_share_the_work(self, handling, report_of, mail_server, settings_with, clock):
        for _ in range(60):
            report_of(LAN)
        settings = settings_with(smtp_url=f"smtp://127.0.0.1:{mail_server.port}")
        twins = [threading.Thread(target=deliveries(settings, clock)["email"].turn, args=(handling,)) for _ in range(2)]

        for twin in twins:
            twin.start()
        for twin in twins:
            twin.join()

        assert len(mail_server.mail) == 60
        assert len({mail["Message-ID"] for mail in mail_server.mail}) == 60

    def test_what_one_is_claiming_its_twin_passes_over(self, rooms, report_of, hook):
        for _ in range(4):
            report_of()
        mine = {"rooms": {str(hook.report_id): 3}, "at": MONDAY, "until": MONDAY + CLAIM, "limit": 10}

        with rooms.begin() as one, rooms.begin() as twin:
            first, second = sending.claim(one, **mine), sending.claim(twin, **mine)

        assert (len(first), len(second)) == (3, 1)
        assert len({parcel.notice.id for parcel in [*first, *second]}) == 4

    def test_takes_no_more_than_its_threads_can_send_soon(self, handling, report_of, settings_with, clock):
        for _ in range(AHEAD + 3):
            report_of(LAN)
        taken: list[int] = []
        into_folder = Counting(deliveries(settings_with(), clock)["mailbox"], taken)

        into_folder.turn(handling)

        assert sum(taken) == AHEAD + 3
        assert max(taken) == AHEAD * into_folder.channel.at_once

    def test_a_notice_that_breaks_the_channel_holds_up_no_other(self, handling, rooms, report_of, into_folder):
        first, second = report_of(LAN), report_of(LAN)
        into_folder.address = _breaks_for(first, into_folder.address)

        into_folder.turn(handling)

        assert notices(rooms, first)[0].last_error == "sending broke: ZeroDivisionError"
        assert notices(rooms, second)[0].state == State.SENT


class TestRun:
    def test_looks_more_than_once_a_second_and_sends_what_was_committed(self, handling, rooms, report_of, settings_with):
        assert delivery.IDLE_SECONDS < 1
        with running(deliveries(settings_with(), now)["mailbox"], handling):
            report_of(LAN)
            until(lambda: topics(rooms) == ["notice.delivered"], what="delivered")

    def test_told_to_stop_puts_back_what_no_thread_has_begun(self, handling, rooms, report_of, portal, settings_with):
        hanging = portal(hang=True)
        add_webhook(handling, hanging.url)
        reports = [report_of() for _ in range(3)]
        loop = deliveries(settings_with(webhook_seconds=1.5), now)["webhook"]
        loop.channel.at_once = 1

        with running(loop, handling):
            until(lambda: hanging.calls, what="the first is on its way, the second claimed")

        found = [notices(rooms, report)[0] for report in reports]
        assert {notice.claimed_until for notice in found} == {None}
        assert sorted(notice.attempts for notice in found) == [0, 0, 1]
        assert hanging.calls == 1

    def test_a_hanging_portal_delays_neither_letters_nor_other_portals(self, handling, rooms, report_of, hook, portal, settings_with):
        """The hanging one would be waited for a quarter of a minute; the others are done long before."""
        hanging = portal(hang=True)
        slow = add_webhook(handling, hanging.url, portal="slow")
        loops = deliveries(settings_with(), now)
        with running(loops["webhook"], handling), running(loops["mailbox"], handling):
            stuck = [report_of(portal="slow") for _ in range(20)]
            until(lambda: hanging.calls >= EACH, what="the slow portal has all its calls")
            report = report_of(LAN, portal="app")
            until(lambda: all(notice.state == State.SENT for notice in notices(rooms, report)), 10, what="letter and news are out")
            calls = hanging.calls
            hanging.let_go()

        assert calls == EACH
        assert {notice.webhook_id for report in stuck for notice in notices(rooms, report)} == {slow.report_id}


class Counting(Delivery):
    """Notes how much it claimed each time."""

    def __init__(self, like: Delivery, taken: list[int]) -> None:
        super().__init__(like.channel, address=like.address, ways=like.ways, clock=like.clock)
        self._taken = taken

    def _claim(self, *of: Any) -> list[Any]:
        claimed = super()._claim(*of)
        self._taken.append(len(claimed))
        return claimed


@contextmanager
def running(loop: Delivery, handling: Handling) -> Iterator[None]:
    """As in a process, until the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=loop.run, args=(handling, lambda: not stop.is_set()))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _killed(*_: Any) -> Any:
    raise KeyboardInterrupt


def _no_database(*_: Any) -> Any:
    raise ConnectionError


def _breaks_for(report: ReportReceived, address: Callable[..., Any]) -> Callable[..., Any]:
    def addressed(parcel: Any) -> Any:
        if parcel.notice.report_id == report.report_id:
            return 1 / 0
        return address(parcel)

    return addressed


class TestCounted:
    """How long it took from the fact to its notice, and what became of each attempt, once each."""

    @staticmethod
    def counted() -> list[float]:
        names = {"hoiam_notice_delivery_seconds_count": {}, "hoiam_notice_delivery_seconds_sum": {}}
        names |= {"hoiam_notice_attempts_total": {"result": "delivered"}}
        values = [REGISTRY.get_sample_value(name, {"channel": "email", **labels}) or 0 for name, labels in names.items()]
        return [*values, REGISTRY.get_sample_value("hoiam_notice_attempts_total", {"channel": "email", "result": "failed"}) or 0]

    def test_a_letter_that_had_to_be_sent_twice(self, handling, report_of, by_mail, mail_server, clock):
        before = self.counted()
        mail_server.refuse["lan@example.vn"] = "450 4.2.1 try again later"
        report_of(LAN)
        by_mail.turn(handling)
        mail_server.refuse.clear()
        clock.move(minutes=10)
        by_mail.turn(handling)

        delivered, seconds, sent, failed = (now - then for now, then in zip(self.counted(), before, strict=True))

        assert (delivered, sent, failed) == (1, 1, 1)
        assert seconds == pytest.approx(600)
