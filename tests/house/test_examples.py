"""The examples do what they show, against a real broker."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pika
import pytest

from services.intake.api.bodies import ReportBody
from shared.bus.management import Management
from shared.envelope import Envelope, decode, letter
from shared.messages import Assignment, Location, Message, RequestDone
from shared.settings import PROJECT
from tests.builders import MONDAY, envelope
from tests.wait import until

AGENCY = PROJECT / "examples/agency_consumer.py"


@pytest.fixture
def channel(rabbit, amqp_url):
    """A channel of the administrator on an empty vhost, with what the example needs of the topology."""
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        channel = connection.channel()
        for exchange, kind in {"hoiam.agencies": "direct", "hoiam.requests": "topic"}.items():
            channel.exchange_declare(exchange, kind)
        for queue, exchange, key in (("agency.dh", "hoiam.agencies", "dh"), ("sla.inbox", "hoiam.requests", "#")):
            channel.queue_declare(queue)
            channel.queue_bind(queue, exchange, key)
        yield channel


@pytest.fixture
def agency_url(rabbit, amqp_url, channel):
    """How the agency connects: as a user of its own, with its own rights."""
    address, vhost = amqp_url.rsplit("/", 1)
    with Management(rabbit.management_url, vhost=vhost) as management:
        password = management.provision_agency("dh")
    return f"amqp://agency.dh:{password}@{address.split('@')[1]}/{vhost}"


def assignment() -> Envelope:
    """A lamp to repair."""
    words = {
        "tracking_code": "QT-7K2M9P4X",
        "category": "CS01",
        "category_name": "Chiếu sáng",
        "description": "Đèn hỏng",
        "sla_class": "S3",
    }
    due = {"take_up_by": MONDAY + timedelta(hours=8), "due_at": MONDAY + timedelta(days=3)}
    return envelope(Assignment(report_id=uuid4(), at=MONDAY, agency="dh", version=2, location=Location(area="dh"), **words, **due))


def send(channel, sealed: Envelope) -> None:
    """As sla does it."""
    sent = letter(sealed)
    channel.basic_publish(sent.exchange, sent.routing_key, sent.body)


def asked(channel) -> tuple[Envelope, str, str]:
    """The next request: what it is, its routing key, and who it is from by the broker's word."""
    method, properties, body = until(lambda: (found := channel.basic_get("sla.inbox", auto_ack=True))[0] and found)
    return decode(body, actor="agency:dh"), method.routing_key, properties.user_id


@contextmanager
def agency(url: str, *options: str):
    """The example, running."""
    environment = {**os.environ, "AMQP_URL": url, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, AGENCY, *options]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


class TestAgencyConsumer:
    def test_answers_an_assignment_in_its_own_name_and_stops_when_it_was_taken(self, channel, agency_url):
        work = assignment()
        with agency(agency_url, "--count", "1") as process:
            send(channel, work)
            accept, result = asked(channel), asked(channel)
            for request, _, _ in (accept, result):
                send(channel, Envelope.of(answer(request.message), source="sla", cause=request))
            output, _ = process.communicate(timeout=20)

        assert [(request.message.topic, key, user) for request, key, user in (accept, result)] == [
            ("accept", "dh.accept", "agency.dh"),
            ("submit_result", "dh.submit_result", "agency.dh"),
        ]
        assert accept[0].message.report_id == result[0].message.report_id == work.message.report_id
        assert accept[0].message.version == 2
        assert process.returncode == 0, output
        assert "QT-7K2M9P4X: done" in output

    def test_asks_under_the_same_names_when_an_assignment_comes_again(self, channel, agency_url):
        work = assignment()
        with agency(agency_url, "--quiet"):
            send(channel, work)
            first = [asked(channel)[0].id, asked(channel)[0].id]
            send(channel, work)
            again = [asked(channel)[0].id, asked(channel)[0].id]

        assert first == again
        assert first[0] != first[1]

    def test_ends_when_the_broker_refuses_it(self, channel, agency_url):
        with agency(agency_url.replace("agency.dh", "agency.vl")) as process:
            output, _ = process.communicate(timeout=20)

        assert process.returncode != 0
        assert "ACCESS_REFUSED" in output


def answer(request: Message) -> RequestDone:
    """What the agency hears when its request was granted."""
    return RequestDone(report_id=request.report_id, at=request.at, agency="dh")


class TestPortalScript:
    def test_its_report_is_one_that_the_api_takes(self):
        script = (PROJECT / "examples/portal.sh").read_text(encoding="utf-8")
        body = script.split("<<'REPORT'\n")[1].split("\nREPORT\n")[0]

        assert ReportBody.model_validate(json.loads(body)).category == "CS01"
