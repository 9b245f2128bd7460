"""Agencies at work on the whole system with a real RabbitMQ: passing around ends, plain HTTP is enough, what is lost comes again."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pika
import pytest

from services.cli.keys import PRIVATE
from shared.bus.rabbitmq import RabbitBus
from shared.clock import now
from shared.settings import PROJECT
from tests.system.running import System, running
from tests.system.test_full import _ask as ask_over_amqp
from tests.system.test_full import assignments
from tests.wait import until

REASON = "Không thuộc địa bàn quản lý của đơn vị"


@pytest.fixture(scope="module")
def system(open_folder: Path, module_database_url: str, module_amqp_url: str, rabbit: Any) -> Iterator[System]:
    """One for all tests of this file."""
    broker = {"AMQP_URL": module_amqp_url, "MANAGEMENT_URL": rabbit.management_url}
    with running(open_folder / uuid4().hex, DATABASE_URL=module_database_url, **broker) as system:
        yield system


@pytest.fixture(scope="module")
def key(system: System) -> str:
    return system.hoiam("portal", "add", "app", "Ứng dụng")


def received(system: System, key: str, count: int = 1) -> list[str]:
    """Ids of new reports in Đông Hà, each given to its agency."""
    posted = [system.post_report(key).json()["report_id"] for _ in range(count)]
    until(lambda: all(case(system, report).get("state") == "routed" for report in posted), 30, what="every case routed")
    return posted


def case(system: System, report: str) -> dict[str, Any]:
    answer = system.http.get(f"{system.layout.url('sla')}/v1/cases/{report}", headers=system.headers("operator"))
    found: dict[str, Any] = answer.json()
    return found


def triage(system: System) -> dict[str, dict[str, Any]]:
    answer = system.http.get(f"{system.layout.url('routing')}/v1/triage", headers=system.headers("operator"))
    return {entry["report_id"]: entry for entry in answer.json()["reports"]}


def clocks(of: dict[str, Any], name: str) -> set[tuple[str, str]]:
    """When each clock of that name began and ends."""
    return {(clock["started_at"], clock["due_at"]) for clock in of["clocks"] if clock["name"] == name}


class TestPassingAround:
    def test_ends_at_the_centre_after_the_second_return_and_resets_no_clock(self, system, key):
        dh, vl = (system.hoiam("agency", "provision", code) for code in ("dh", "vl"))
        [report] = received(system, key)
        first = case(system, report)

        ask_over_amqp(dh, report, "return", {"reason": REASON, "proposed_agency": "vl"})
        until(lambda: case(system, report)["agency"] == "vl", what="the case with the one that was proposed")
        second = case(system, report)
        ask_over_amqp(vl, report, "return", {"reason": REASON, "proposed_agency": "dh"})
        until(lambda: report in triage(system), what="the case in triage")
        third = case(system, report)

        assert (third["state"], third["agency"], third["bounces"], third["hop"]) == ("received", "ioc", 2, 2)
        assert triage(system)[report]["bounces"] == 2
        assert {seen["due_at"] for seen in (first, second, third)} == {first["due_at"]}
        assert (
            clocks(first, "resolve") == clocks(second, "resolve") == clocks(third, "resolve") == {(first["received_at"], first["due_at"])}
        )
        assert [move["data"]["agency"] for move in third["history"] if move["trigger"] == "route"] == ["dh", "vl"]
        assert {stint["holder"] for stint in third["custody"]} == {"ioc", "dh", "vl"}

    def test_is_over_once_the_centre_has_decided(self, system, key):
        dh, vl = (system.hoiam("agency", "provision", code) for code in ("dh", "vl"))
        [report] = received(system, key)
        for number, (url, other) in enumerate([(dh, "vl"), (vl, "dh")], start=1):
            ask_over_amqp(url, report, "return", {"reason": REASON, "proposed_agency": other})
            until(lambda number=number: case(system, report)["bounces"] == number, what=f"return {number}")
            until(lambda number=number: number == 2 or case(system, report)["state"] == "routed", what="routed again")
        due_at = case(system, report)["due_at"]

        system.ask("operator", report, "route", {"agency": "dh", "reason": "Thuộc địa bàn Đông Hà"})
        refused = system.ask("agency:dh", report, "return", {"reason": REASON, "proposed_agency": "vl"})

        assert (refused.status_code, refused.json()["code"]) == (409, "settled")
        assert (case(system, report)["agency"], case(system, report)["due_at"]) == ("dh", due_at)


class TestPlainHttp:
    def test_is_enough_for_an_agency(self, system, key):
        posted = received(system, key, 3)
        token = system.hoiam("token", "--role", "agency:dh", "--name", "server", "--key", str(system.layout.keys / PRIVATE))
        environment = {"PATH": os.environ["PATH"], "TOKEN": token, "SLA_URL": system.layout.url("sla")}

        for _ in range(2):  # the second time there is nothing to do
            done = subprocess.run(
                ["sh", "examples/agency_http.sh"], env=environment, cwd=PROJECT, capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 0, done.stdout + done.stderr

        assert {case(system, report)["state"] for report in posted} == {"submitted"}
        assert {case(system, report)["outcome"] for report in posted} == {"fixed"}


class TestRedelivery:
    def test_brings_what_an_agency_threw_away_under_the_same_ids(self, system, key, module_amqp_url):
        url, bus = system.hoiam("agency", "provision", "dh"), RabbitBus(module_amqp_url)
        posted = received(system, key, 2)
        until(lambda: bus.depth("agency.dh") >= len(posted), what="the assignments in the queue")
        first = assignments(bus, "dh")
        with pika.BlockingConnection(pika.URLParameters(url)) as connection:
            connection.channel().queue_purge("agency.dh")

        system.hoiam("agency", "redeliver", "dh", "--since", f"{now():%Y-%m-%d}")
        until(lambda: bus.depth("agency.dh") >= len(posted), what="the assignments in the queue again")
        again = assignments(bus, "dh")

        assert {report: again[report] for report in posted} == {report: first[report] for report in posted}
        assert all(len(again[report]) == 1 for report in posted)
