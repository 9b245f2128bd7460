"""A mail server that is away for long: who can be reached another way is, the others' letters wait and are seen to wait."""

from typing import Any

import pytest
from sqlalchemy import text

from services.cli.process import free_port
from services.notify.channels import detour
from services.notify.channels.choice import deliveries
from services.notify.channels.delivery import Delivery
from services.notify.store.measuring import gauges
from shared.handling import Handling
from tests.notify.conftest import LAN, MailServer, Receiver, mail_server_at, notices

ONLY_MAIL = {"email": "binh@example.vn", "phone": ""}


@pytest.fixture
def loops(settings_with: Any, receiver: Receiver, clock: Any) -> dict[str, Delivery]:
    """Nobody is at the mail server's port; the gateway works."""
    settings = settings_with(smtp_url=f"smtp://127.0.0.1:{free_port()}", sms_gateway_url=receiver.url, patience_hours=4)
    return dict(deliveries(settings, clock))


def turn(loops: dict[str, Delivery], handling: Handling) -> None:
    for name in ("email", "sms"):
        loops[name].turn(handling)


class TestAway:
    def test_for_a_while_makes_letters_wait(self, handling, rooms, report_of, loops, clock, receiver):
        report = report_of(LAN)

        for _ in range(3):
            turn(loops, handling)
            clock.move(hours=1)

        [notice] = notices(rooms, report)
        assert (notice.state, notice.channel, receiver.events) == ("pending", "email", [])

    def test_for_long_sends_them_another_way(self, handling, rooms, report_of, loops, clock, receiver):
        report = report_of(LAN)
        turn(loops, handling)
        clock.move(hours=5)

        turn(loops, handling)

        [notice] = notices(rooms, report)
        assert (notice.state, notice.channel, notice.tried) == ("sent", "sms", ["email"])
        assert [event["to"] for event in receiver.events] == [LAN["phone"]]

    def test_leaves_those_with_no_other_way_waiting_and_to_be_seen(self, handling, rooms, report_of, loops, clock):
        report = report_of(ONLY_MAIL)
        turn(loops, handling)
        clock.move(hours=5)

        turn(loops, handling)

        [notice] = notices(rooms, report)
        assert (notice.state, notice.channel, notice.attempts) == ("pending", "email", 0)
        with rooms() as session:
            seen = {(sample.name, sample.labels.get("channel")): sample.value for gauge in gauges(session) for sample in gauge.samples}
        assert seen["hoiam_oldest_pending_notice_seconds", "email"] > 0
        assert seen["hoiam_endpoints_shut", "email"] == 1

    def test_does_not_stop_at_many_that_have_no_other_way(self, handling, rooms, report_of, loops, clock, monkeypatch):
        monkeypatch.setattr(detour, "PAGE", 2)
        for _ in range(5):
            report_of(ONLY_MAIL)
        last = report_of(LAN)
        turn(loops, handling)
        clock.move(hours=5)

        for _ in range(4):
            turn(loops, handling)
            clock.move(seconds=1)

        [notice] = notices(rooms, last)
        assert notice.channel == "sms"

    def test_that_ends_lets_the_others_out(self, handling, rooms, report_of, settings_with, clock):
        port = free_port()
        loop = deliveries(settings_with(smtp_url=f"smtp://127.0.0.1:{port}"), clock)["email"]
        report = report_of(ONLY_MAIL)
        loop.turn(handling)
        clock.move(hours=5)
        loop.turn(handling)
        clock.move(minutes=11)

        with mail_server_at(port=port) as server:
            loop.turn(handling)

        assert isinstance(server, MailServer)
        assert [notice.state for notice in notices(rooms, report)] == ["sent"]
        with rooms() as session:
            assert session.execute(text("SELECT count(*) FROM endpoints WHERE shut_until IS NOT NULL")).scalar_one() == 0
