"""Work of an agency that is called instead of reading a queue."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from standardwebhooks import Webhook as Verifier
from typer.testing import CliRunner

from services.cli import commands
from services.cli.process import CannotStart
from services.cli.system import whole_topology
from services.notify import store
from services.notify.__main__ import service
from services.notify.domain.webhooks import RemoveWebhook, webhook_of
from shared import province
from shared.bus import AGENCIES, EVENTS, REQUESTS
from shared.bus.rabbitmq import RabbitBus
from shared.bus.topology import topology
from shared.clock import now
from shared.envelope import decode, letter
from shared.messages import Assignment, Comment, Location, Reminder, Transfer, Withdrawal
from shared.messages.work import RequestRefused
from shared.service import Process
from tests.builders import MONDAY, delivered, envelope, received
from tests.notify.conftest import KEYS, Receiver
from tests.notify.test_api import PUBLIC, as_role
from tests.wait import until

DUE = MONDAY + timedelta(days=5)


def work(report_id: Any, agency: str = "dh") -> list[Any]:
    """One of each that an agency may read in its queue, as it happens."""
    head = {"report_id": report_id, "at": MONDAY, "agency": agency, "version": 2}
    said = {"tracking_code": "QT-1", "category": "CS01", "category_name": "Đèn đường hỏng", "description": "Đèn đường hỏng"}
    place = Location(area="dh", address="12 Hùng Vương")
    return [
        Assignment(**head, **said, location=place, sla_class="S3", take_up_by=DUE, due_at=DUE),
        Comment(**head, comment_id=report_id, text="Đèn vẫn tắt", due_at=DUE),
        Reminder(**head, clock="resolve", due_at=DUE, overdue=True),
        Transfer(**head, to_agency="cl", reason="Đường này do Cam Lộ quản lý"),
        Withdrawal(**head, reason="Người gửi rút phản ánh"),
        RequestRefused(report_id=report_id, at=MONDAY, agency=agency, code="stale", reason="the case moved"),
    ]


@pytest.fixture
def called(rooms, quang_tri, receiver: Receiver) -> str:
    """Đông Hà is called at the receiver; the registry says so."""
    city = quang_tri.agencies["dh"].model_copy(update={"webhook": receiver.url})
    with rooms.begin() as session:
        province.store(session, quang_tri.model_copy(update={"agencies": {**quang_tri.agencies, "dh": city}}), MONDAY + timedelta(hours=1))
    return "dh"


@pytest.fixture
def hoiam(notify_url, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", notify_url)
    monkeypatch.setenv("SEALING_KEYS", KEYS)
    return lambda *arguments: CliRunner().invoke(commands.app, list(arguments), catch_exceptions=False).output.splitlines()


def states(rooms) -> list[str]:
    with rooms() as session:
        return [str(state) for state in session.scalars(select(store.notices.c.state).order_by(store.notices.c.created_at))]


class TestCalled:
    def test_gets_what_others_read_in_their_queue_signed_and_word_for_word(self, handling, by_webhook, called, receiver, hoiam):
        _, secret = hoiam("agency", "webhook", "dh")
        sent = [envelope(message, source="sla") for message in work(received().report_id)]
        handling.together(sent)

        by_webhook.turn(handling)

        for headers, body in receiver.got:
            Verifier(secret).verify(body, headers)
            assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
        assert [decode(body) for _, body in receiver.got] == sent
        assert [headers["webhook-id"] for headers, _ in receiver.got] == [f"msg_{event.id.hex}" for event in sent]

    def test_is_named_by_its_host_in_what_was_said(self, handling, by_webhook, rooms, called, receiver, hoiam, notify_url, settings_with):
        hoiam("agency", "webhook", "dh")
        report = received()
        handling.together([envelope(report), envelope(work(report.report_id)[0])])
        by_webhook.turn(handling)
        settings = settings_with(database_url=notify_url, jwt_public_key=PUBLIC)

        process = Process(service(settings), settings)
        with TestClient(process.app, headers=as_role("operator")) as http:
            shown = http.get(f"/v1/notices?report_id={report.report_id}").json()["notices"]
        process.engine.dispose()

        assert [(notice["reader"], notice["to"], notice["state"]) for notice in shown] == [
            ("agency", receiver.url.split("/")[2], "sent"),
        ]

    def test_waits_for_its_first_secret_and_loses_nothing(self, handling, by_webhook, rooms, called, receiver, hoiam):
        handling.together([envelope(work(received().report_id)[0])])
        assert by_webhook.turn(handling) == 0

        hoiam("agency", "webhook", "dh")
        by_webhook.turn(handling)

        assert [event["type"] for event in receiver.events] == ["vn.hoiam.assignment.v1"]
        assert states(rooms) == ["sent"]

    def test_is_told_once_however_often_it_is_sent(self, handling, rooms, called):
        [assignment, *_] = work(received().report_id)
        for _ in range(2):
            with rooms.begin() as session:  # the inbox forgets names after a while
                session.execute(text("DELETE FROM inbox"))
            handling.together([envelope(assignment)])

        assert states(rooms) == ["pending"]

    def test_may_have_another_secret_and_both_sign_for_a_day(self, handling, by_webhook, called, receiver, hoiam):
        secrets = [hoiam("agency", "webhook", "dh")[1] for _ in range(2)]
        handling.together([envelope(work(received().report_id)[0])])

        by_webhook.turn(handling)

        [(headers, body)] = receiver.got
        assert len(set(secrets)) == 2
        for secret in secrets:
            Verifier(secret).verify(body, headers)

    def test_is_called_where_the_registry_says_at_that_moment(self, handling, by_webhook, rooms, quang_tri, called, portal, hoiam):
        hoiam("agency", "webhook", "dh")
        handling.together([envelope(work(received().report_id)[0])])
        moved = portal()
        city = quang_tri.agencies["dh"].model_copy(update={"webhook": moved.url})
        with rooms.begin() as session:
            province.store(session, quang_tri.model_copy(update={"agencies": {**quang_tri.agencies, "dh": city}}), now())

        by_webhook.turn(handling)

        assert len(moved.got) == 1

    def test_that_is_gone_is_switched_off_and_its_duty_officer_hears_of_it(self, handling, by_webhook, rooms, called, receiver, hoiam):
        hoiam("agency", "webhook", "dh")
        receiver.status = 410
        handling.together([envelope(message) for message in work(received().report_id)[:2]])

        by_webhook.turn(handling)

        with rooms() as session:
            told = session.scalars(select(store.Notice).where(store.notices.c.about == "webhook.switched_off")).one()
        assert told.address == "dh@quangtri.example"
        assert told.subject == "Webhook của UBND thành phố Đông Hà đã ngừng được gọi"
        assert "danh sách việc qua HTTP" in told.body

    def test_never_hears_who_reported(self, handling, by_webhook, report_of, called, receiver, hoiam):
        hoiam("agency", "webhook", "dh")
        report = report_of({"name": "Nguyễn Thị Lan", "email": "lan@example.vn", "phone": "+84912345678"})
        handling.together([envelope(message) for message in work(report.report_id)])

        by_webhook.turn(handling)

        assert len(receiver.got) == 6
        assert not [word for word in ("Lan", "lan@", "912345678") if word in json.dumps(receiver.events, ensure_ascii=False)]


class TestSecret:
    def test_is_for_agencies_with_an_address_in_the_registry(self, hoiam):
        with pytest.raises(CannotStart, match=r"write its address into agencies\.yaml"):
            hoiam("agency", "webhook", "dh")

    def test_names_the_webhook_that_can_be_watched(self, called, hoiam):
        assert hoiam("agency", "webhook", "dh")[0] == f"webhook {webhook_of('dh')}"

    def test_is_made_anew_for_a_webhook_that_was_removed(self, handling, by_webhook, called, receiver, hoiam):
        hoiam("agency", "webhook", "dh")
        handling.together([envelope(RemoveWebhook(report_id=webhook_of("dh"), at=MONDAY))])
        _, secret = hoiam("agency", "webhook", "dh")
        handling.together([envelope(work(received().report_id)[0])])

        by_webhook.turn(handling)

        [(headers, body)] = receiver.got
        Verifier(secret).verify(body, headers)


class TestTheInbox:
    @pytest.mark.parametrize(("exchange", "states_after"), [(AGENCIES, ["pending"]), (EVENTS, []), (REQUESTS, [])])
    def test_hears_work_where_work_is_said_and_nowhere_else(self, handling, rooms, called, exchange, states_after):
        delivery = delivered(work(received().report_id)[0])

        handling.deliveries([replace(delivery, exchange=exchange, routing_key="dh")], MONDAY)

        assert states(rooms) == states_after


class TestTheRuntime:
    def test_calls_the_agency_and_leaves_its_queue_empty(self, notify_url, settings_with, called, receiver, hoiam, rooms, amqp_url, rabbit):
        """A real broker, and notify as it is in service. The agency had read its queue before."""
        with rooms() as session:
            of = province.current(session)
        bus = RabbitBus(amqp_url, management_url=rabbit.management_url)
        bus.apply(topology({}, ["dh", "vl"]))
        bus.apply(whole_topology(of), prune=True)
        _, secret = hoiam("agency", "webhook", "dh")
        settings = settings_with(database_url=notify_url, amqp_url=amqp_url, jwt_public_key="none")
        notify = Process(service(settings), settings)
        said = [envelope(message, source="sla") for message in (*work(received().report_id), *work(received().report_id, "vl"))]

        notify.start()
        try:
            with closing(bus.publisher("sla")) as publisher:
                publisher.publish([letter(event) for event in said])
            until(lambda: len(receiver.got) == 6, 20, what="the agency was called")
        finally:
            notify.stop()

        assert (bus.depth("agency.dh"), bus.depth("agency.vl"), bus.depth("notify.inbox")) == (0, 6, 0)
        for headers, body in receiver.got:
            Verifier(secret).verify(body, headers)
        assert {decode(body).id for _, body in receiver.got} == {event.id for event in said if event.message.agency == "dh"}
