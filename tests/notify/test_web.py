"""Webhooks and short messages, to a real receiver; and which addresses webhooks may go to."""

import json

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook as Verifier

from services.cli.process import free_port
from services.notify.channels.choice import deliveries
from services.notify.channels.network import is_public
from services.notify.domain.notices import State
from shared.access import link_secret
from shared.clock import now
from tests.builders import envelope, said, topics
from tests.notify.conftest import LINK_KEY, SECRET, notices
from tests.notify.stories import everything


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
        strict = deliveries(settings_with(webhook_allow_loopback=False), now)["webhook"]
        with rooms.begin() as session:
            session.execute(text("UPDATE webhooks SET url = replace(url, 'http:', 'https:')"))
        report = report_of()

        strict.turn(handling)

        [notice] = notices(rooms, report)
        assert (notice.state, notice.last_error) == (State.FAILED, "a webhook may not lead into private networks")
        assert receiver.got == []

    def test_a_portal_that_is_away_is_left_in_peace_for_a_while(self, handling, rooms, report_of, hook, settings_with, receiver, clock):
        by_webhook = deliveries(settings_with(), clock)["webhook"]
        _move_to(rooms, f"http://127.0.0.1:{free_port()}/hook")
        reports = [report_of() for _ in range(3)]

        by_webhook.turn(handling)
        _move_to(rooms, receiver.url)
        too_early = by_webhook.turn(handling)
        clock.move(seconds=10)
        by_webhook.turn(handling)

        found = [notices(rooms, report)[0] for report in reports]
        assert too_early == 0
        assert {(notice.state, notice.attempts) for notice in found} == {(State.SENT, 0)}
        assert len(receiver.got) == 3


def _move_to(rooms, url):
    with rooms.begin() as session:
        session.execute(text("UPDATE webhooks SET url = :url"), {"url": url})


class TestSms:
    def test_reaches_who_left_only_a_number(self, handling, rooms, report_of, settings_with, receiver, clock):
        report = report_of({"phone": "+84912345678"}, tracking_code="QT-1")

        deliveries(settings_with(sms_gateway_url=receiver.url), clock)["sms"].turn(handling)

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

        deliveries(settings_with(sms_gateway_url=receiver.url), clock)["sms"].turn(handling)

        assert notices(rooms, report)[0].state == state

    def test_without_a_gateway_nothing_reaches_them(self, handling, rooms, report_of, into_folder):
        report_of({"phone": "+84912345678"})

        into_folder.turn(handling)

        assert said(rooms)[0].reason == "no channel reaches this contact"


class TestIsPublic:
    @pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
    def test_the_open_internet_is(self, address):
        assert is_public(address)

    @pytest.mark.parametrize(
        "address",
        [
            "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
            "255.255.255.255", "::1", "::",
            "fe80::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "ff02::1",
        ],
    )  # fmt: skip
    def test_everything_else_is_not(self, address):
        assert not is_public(address)
