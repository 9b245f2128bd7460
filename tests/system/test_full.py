"""The full mode: the same commands and settings against a real RabbitMQ and PostgreSQL."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pika
import pytest

from services.cli.up import SERVICES
from shared.bus.rabbitmq import RabbitBus
from shared.settings import PROJECT
from tests.system.crowd import AREAS, Portal, assignments
from tests.system.running import System, running
from tests.wait import until

REPORTS = 1000


@pytest.fixture
def broker(amqp_url: str, rabbit) -> dict[str, str]:
    return {"AMQP_URL": amqp_url, "MANAGEMENT_URL": rabbit.management_url}


@pytest.fixture
def system(open_folder: Path, database_url: str, broker: dict[str, str]) -> Iterator[System]:
    with running(open_folder / uuid4().hex, DATABASE_URL=database_url, **broker) as system:
        yield system


@pytest.fixture
def key(system: System) -> str:
    return system.hoiam("portal", "add", "app", "Ứng dụng")


def parked(system: System) -> str:
    return system.hoiam("parked", "list")


class TestAgencyOnItsOwn:
    def test_the_example_agency_resolves_a_hundred_reports_of_a_portal(self, system, key, broker):
        url = system.hoiam("agency", "provision", "dh")
        agency = subprocess.Popen(
            [sys.executable, "examples/agency_consumer.py", "--count", "100", "--quiet"], env={**os.environ, "AMQP_URL": url}, cwd=PROJECT
        )
        codes = [system.post_report(key).json()["tracking_code"] for _ in range(100)]

        def all_approved() -> bool:
            for case in system.cases(state="submitted"):
                system.ask("operator", case["report_id"], "approve", {})
            return len(system.cases(state="resolved")) == 100

        until(all_approved, 60, what="a hundred cases resolved", every=0.2)
        assert agency.wait(20) == 0
        until(lambda: {system.status(code)["status"] for code in codes} == {"resolved"}, what="the public sees a hundred answers")
        assert parked(system) == "Nothing is parked."

    def test_requests_that_break_a_rule_are_refused_and_seen(self, system, key):
        mine, other = (system.hoiam("agency", "provision", code) for code in ("dh", "sxd"))
        report = system.post_report(key).json()["report_id"]
        until(lambda: system.cases(state="routed"), what="the case routed")

        _ask(other, report, "accept")  # not its case
        _ask(mine, report, "return", {"reason": "ngắn"})  # a reason that is none
        _publish(mine, "dh.accept", b"no event at all")
        _ask(mine, report, "accept", sender=None)  # nobody says who asks

        until(lambda: len(parked(system).splitlines()) == 4, what="four messages parked")
        seen = parked(system)
        for code in ("not_your_case", "malformed", "unproven_sender"):
            assert code in seen
        assert system.cases(state="routed")[0]["report_id"] == report


class TestCrashes:
    def test_a_thousand_reports_survive_kill_9_of_each_service_in_turn(self, system, key, broker):
        portal = Portal(system, key)
        threads = portal.post(range(REPORTS))
        for number, service in enumerate(SERVICES, start=1):
            until(lambda number=number: len(portal.accepted) >= number * REPORTS // 5, 90, what=f"{number} fifths accepted")
            system.kill(service)
            until(lambda service=service: system.is_ready(service), 30, what=f"{service} back")
        for thread in threads:
            thread.join()

        bus = RabbitBus(broker["AMQP_URL"])
        waiting = lambda: sum(bus.depth(f"agency.{area}") for area in AREAS)  # noqa: E731 - read twice below
        until(lambda: waiting() >= REPORTS, 90, what="a thousand assignments in the queues")
        until(lambda: all(system.metric(service, "hoiam_outbox_rows") == 0 for service in SERVICES), 30, what="outboxes empty")
        until(lambda: all(bus.depth(f"{service}.inbox") == 0 for service in SERVICES), 30, what="inboxes empty")

        found = [reports for area in AREAS for reports in assignments(bus, area).items()]
        assert len(portal.accepted) == REPORTS
        assert {report for report, _ in found} == set(portal.accepted)
        assert [ids for _, ids in found if len(ids) != 1] == []
        assert parked(system) == "Nothing is parked."


def _ask(url: str, report: str, verb: str, data: dict[str, str] | None = None, sender: str | None = "") -> None:
    code = urlsplit(url).username.removeprefix("agency.")
    event = {
        "specversion": "1.0", "id": str(uuid4()), "source": "/test", "type": f"vn.hoiam.{verb}.v1", "subject": report,
        "time": "2026-11-16T08:00:00+07:00", "data": data or {},
    }  # fmt: skip
    _publish(url, f"{code}.{verb}", json.dumps(event).encode(), sender)


def _publish(url: str, key: str, body: bytes, sender: str | None = "") -> None:
    parameters = pika.URLParameters(url)
    user = parameters.credentials.username if sender == "" else sender
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish("hoiam.requests", key, body, pika.BasicProperties(user_id=user), mandatory=True)
