"""Endpoints in trouble are left in peace; webhooks that fail for days are switched off, and their owners told."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.notify import store
from services.notify.channels.choice import deliveries
from services.notify.domain.endpoints import LONGEST_REST, REST, TROUBLED, WEARY, Endpoint
from services.notify.domain.notices import HURRY, JITTER, PORTAL_LADDER, Notice, State
from services.notify.domain.webhooks import Webhook
from shared.messages import CaseResolved
from tests.builders import MONDAY, envelope, topics
from tests.notify.conftest import add_webhook, notices
from tests.notify.stories import about


class TestEndpoint:
    def test_that_fails_now_and_then_is_not_shut(self):
        endpoint = Endpoint(name="email")
        for _ in range(5 * TROUBLED):
            endpoint.failed(at=MONDAY, reason="500", away=False)
            endpoint.worked() if endpoint.failures == TROUBLED - 1 else None

        assert endpoint.room(8, at=MONDAY) == 8

    def test_that_fails_again_and_again_is_left_in_peace_for_longer_and_longer(self):
        endpoint, at, rests = Endpoint(name="email"), MONDAY, []
        for _ in range(TROUBLED + 8):
            endpoint.failed(at=at, reason="500", away=False)
            if endpoint.shut_until:
                rests.append(endpoint.shut_until - at)
                at = endpoint.shut_until

        assert rests[:3] == [REST, 2 * REST, 4 * REST]
        assert rests[-1] == LONGEST_REST

    def test_that_is_away_is_left_in_peace_at_once_and_then_tried_with_one(self):
        endpoint = Endpoint(name="email")

        endpoint.failed(at=MONDAY, reason="refused", away=True)

        assert endpoint.room(8, at=MONDAY + REST - timedelta(seconds=1)) == 0
        assert endpoint.room(8, at=MONDAY + REST) == 1
        endpoint.worked()
        assert endpoint.room(8, at=MONDAY) == 8

    def test_is_not_shut_for_longer_by_what_was_on_its_way(self):
        endpoint = Endpoint(name="email")
        for _ in range(8):
            endpoint.failed(at=MONDAY, reason="refused", away=True)

        assert endpoint.shut_until == MONDAY + REST


class TestMissed:
    def a_notice(self, **fields) -> Notice:
        usual = {
            "subject": "",
            "body": "{}",
            "created_at": MONDAY,
            "due_at": MONDAY,
            "language": "vi",
            "channel": "x",
            "about": "case.closed",
        }
        return Notice(id=uuid4(), report_id=uuid4(), **usual | fields)

    def test_news_for_a_portal_comes_again_for_three_days(self):
        notice, at = self.a_notice(webhook_id=uuid4()), MONDAY

        while notice.state == State.PENDING:
            notice.missed(channel="webhook", at=at, reason="500", final=False)
            at = notice.due_at

        assert sum(PORTAL_LADDER, timedelta()) * (1 - JITTER) <= at - MONDAY <= sum(PORTAL_LADDER, timedelta())

    def test_what_failed_together_does_not_come_again_together(self):
        missed = [self.a_notice() for _ in range(50)]
        for notice in missed:
            notice.missed(channel="email", at=MONDAY, reason="452", final=False)

        assert len({notice.due_at for notice in missed}) > 40

    def test_goes_by_another_channel_sooner_than_it_fails(self):
        notice, at, tries = self.a_notice(), MONDAY, 0

        while notice.channel != "sms":
            notice.missed(channel="email", at=at, reason="452", final=False, instead="sms")
            at, tries = notice.due_at, tries + 1

        assert (tries, notice.tried, notice.attempts, notice.state) == (HURRY + 1, ["email"], 0, State.PENDING)

    def test_waits_as_long_as_it_is_asked_to_within_reason(self):
        soon, never = self.a_notice(), self.a_notice()

        soon.missed(channel="webhook", at=MONDAY, reason="429", final=False, after=timedelta(hours=2))
        never.missed(channel="webhook", at=MONDAY, reason="429", final=False, after=timedelta(days=4000))

        assert (soon.due_at, never.due_at) == (MONDAY + timedelta(hours=2), MONDAY + timedelta(days=1))


class TestWebhookInTrouble:
    @pytest.fixture
    def by_webhook(self, settings_with, clock):
        return deliveries(settings_with(), clock)["webhook"]

    def test_that_asks_to_wait_is_not_asked_before(self, handling, rooms, report_of, hook, by_webhook, receiver, clock):
        receiver.status, receiver.headers = 503, {"retry-after": "7200"}
        report = report_of()

        by_webhook.turn(handling)

        assert notices(rooms, report)[0].due_at == MONDAY + timedelta(hours=2)

    @pytest.mark.parametrize("header", ["soon", "-5", "9" * 40, "²", "Wed, 21 Oct 2026 07:28:00 GMT"])
    def test_an_odd_wish_to_wait_is_passed_over(self, handling, rooms, report_of, hook, by_webhook, receiver, header):
        receiver.status, receiver.headers = 503, {"retry-after": header.encode().decode("latin-1")}
        report = report_of()

        by_webhook.turn(handling)

        assert notices(rooms, report)[0].due_at <= MONDAY + PORTAL_LADDER[0]

    def test_is_switched_off_after_days_and_its_owner_told(self, handling, rooms, report_of, receiver, clock, settings_with, mail_server):
        """And not before, and once."""
        receiver.status = 500
        asked = add_webhook(handling, receiver.url, contact={"email": "duty@app.example"})
        loops = deliveries(settings_with(smtp_url=f"smtp://127.0.0.1:{mail_server.port}"), clock)
        report = report_of()
        loops["webhook"].turn(handling)
        later = report_of()
        clock.move(days=2.9)
        loops["webhook"].turn(handling)
        active_before = _webhook(rooms).active
        clock.move(days=0.2)
        loops["webhook"].turn(handling)
        loops["email"].turn(handling)
        clock.move(days=30)
        loops["email"].turn(handling)

        assert active_before
        assert not _webhook(rooms).active
        assert {notice.state for one in (report, later) for notice in notices(rooms, one)} == {State.FAILED}
        [mail] = mail_server.mail
        assert (mail["To"], mail["Subject"]) == ("duty@app.example", "Webhook của cổng app đã ngừng được gọi")
        assert "127.0.0.1 không nhận được tin nào trong ba ngày liền" in mail.get_body(("plain",)).get_content()
        assert topics(rooms) == []
        assert asked.url not in mail.as_string()

    def test_without_an_owner_the_operations_centre_is_told(
        self, handling, rooms, report_of, hook, receiver, clock, settings_with, mail_server
    ):
        receiver.status = 410
        loops = deliveries(settings_with(smtp_url=f"smtp://127.0.0.1:{mail_server.port}"), clock)
        report_of()

        loops["webhook"].turn(handling)
        loops["email"].turn(handling)

        [mail] = mail_server.mail
        assert mail["To"] == "ioc@quangtri.example"
        assert "410" in mail.get_body(("plain",)).get_content()

    def test_one_that_takes_something_begins_anew(self, handling, rooms, report_of, hook, by_webhook, receiver, clock):
        receiver.status = 500
        report_of()
        by_webhook.turn(handling)
        receiver.status = 204
        clock.move(days=WEARY.days, hours=1)
        by_webhook.turn(handling)

        with rooms() as session:
            [place] = session.scalars(text("SELECT failures FROM endpoints")).all()
        assert place == 0
        assert _webhook(rooms).active

    def test_that_is_removed_leaves_no_address_no_secret_and_no_contact(self, handling, rooms, report_of, receiver, clock, settings_with):
        from services.notify.domain.webhooks import RemoveWebhook

        receiver.status = 410
        asked = add_webhook(handling, receiver.url, contact={"email": "duty@app.example"})
        report_of()
        deliveries(settings_with(), clock)["webhook"].turn(handling)

        handling.together([envelope(RemoveWebhook(report_id=asked.report_id, at=MONDAY + timedelta(days=1)))])

        with rooms() as session:
            everything = str([session.execute(text(f"SELECT * FROM {table}")).all() for table in ("webhooks", "contacts", "notices")])
        assert not [trace for trace in (receiver.url, asked.sealed, asked.sealed_contact, "127.0.0.1") if trace in everything]
        assert notices(rooms, report_of()) == []


def _webhook(rooms) -> Webhook:
    with rooms() as session:
        return store.all_webhooks(session)[0]


class TestFallBack:
    def test_a_mailbox_that_is_gone_is_followed_by_a_short_message(
        self, handling, rooms, report_of, receiver, clock, settings_with, mail_server
    ):
        mail_server.refuse["lan@example.vn"] = "550 5.1.1 no such user"
        report = report_of({"email": "lan@example.vn", "phone": "+84912345678"})
        loops = deliveries(settings_with(smtp_url=f"smtp://127.0.0.1:{mail_server.port}", sms_gateway_url=receiver.url), clock)

        loops["email"].turn(handling)
        loops["sms"].turn(handling)

        [notice] = notices(rooms, report)
        assert (notice.state, notice.channel, notice.tried) == (State.SENT, "sms", ["email"])
        assert topics(rooms) == ["notice.delivered"]
        assert receiver.events[0]["to"] == "+84912345678"

    def test_the_next_letter_is_tried_by_mail_again(self, handling, rooms, report_of, receiver, clock, settings_with, mail_server):
        mail_server.refuse["lan@example.vn"] = "550 5.1.1 no such user"
        report = report_of({"email": "lan@example.vn", "phone": "+84912345678"})
        loops = deliveries(settings_with(smtp_url=f"smtp://127.0.0.1:{mail_server.port}", sms_gateway_url=receiver.url), clock)
        for name in ("email", "sms"):
            loops[name].turn(handling)

        mail_server.refuse.clear()
        handling.together([envelope(about(report, CaseResolved))])
        clock.move(hours=1)
        loops["email"].turn(handling)

        assert len(mail_server.mail) == 1
