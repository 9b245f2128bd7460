"""What operators do to a system at work: save it and bring it back, and put a new release under it."""

import os
import signal
import threading
from pathlib import Path
from shutil import copytree
from uuid import uuid4

import pytest

from services.cli.up import SERVICES
from shared.bus.rabbitmq import RabbitBus
from tests.conftest import drop_database, fresh_database, fresh_vhost
from tests.system.crowd import AREAS, Portal, Readers, assignments, steadily
from tests.system.running import System, hoiam, running
from tests.wait import until

SOME = 80

pytestmark = pytest.mark.timeout(300)  # processes start and stop a dozen times


@pytest.fixture
def place(database_url, amqp_url, rabbit) -> dict[str, str]:
    """A database and a broker with nothing in them."""
    return {"DATABASE_URL": database_url, "AMQP_URL": amqp_url, "MANAGEMENT_URL": rabbit.management_url}


@pytest.fixture
def elsewhere(postgres_url, rabbit):
    """Another place like that."""
    url = fresh_database(postgres_url)
    with fresh_vhost(rabbit) as amqp_url:
        yield {"DATABASE_URL": url, "AMQP_URL": amqp_url, "MANAGEMENT_URL": rabbit.management_url}
    drop_database(url)


def arrived(bus: RabbitBus) -> list[tuple[str, set[str]]]:
    """Every report whose assignment is in its agency's queue, with the ids of those."""
    return [found for area in AREAS for found in assignments(bus, area).items()]


def at_rest(system: System, bus: RabbitBus) -> bool:
    """Whether nothing is on its way any more."""
    quiet = all(system.metric(service, "hoiam_outbox_rows") == 0 for service in SERVICES)
    return quiet and all(bus.depth(f"{service}.inbox") == 0 for service in SERVICES)


class TestBackup:
    def test_taken_under_load_and_brought_to_an_empty_system_misses_nothing_accepted_before_it(self, open_folder, place, elsewhere):
        here, there = open_folder / uuid4().hex, open_folder / uuid4().hex
        with running(here, **place) as system:
            portal = Portal(system, system.hoiam("portal", "add", "app", "Ứng dụng"))
            threads = portal.post(steadily(done := threading.Event()))
            until(lambda: len(portal.accepted) >= SOME, 60, what="some accepted")
            stopped = system.kill("routing", signal.SIGSTOP)  # from now on what intake sent lies in a queue, and in no table of work
            until(lambda: len(portal.accepted) >= 2 * SOME, 60, what="some more accepted")
            until(lambda: system.metric("intake", "hoiam_outbox_rows") == 0, what="they are sent, and heard by nobody", every=0.001)
            before = dict(portal.accepted)
            system.hoiam("backup", str(there / "saved"))
            os.kill(stopped, signal.SIGCONT)
            done.set()
            for thread in threads:
                thread.join()

        copytree(here / "keys", there / "keys")
        shown = hoiam({**system.environment, **elsewhere, "HOIAM_FOLDER": str(there)}, "restore", str(there / "saved"))
        with running(there, **elsewhere) as restored:
            bus = RabbitBus(elsewhere["AMQP_URL"])
            until(lambda: at_rest(restored, bus), 60, what="everything said again and heard")

            found = dict(arrived(bus))
            assert before.keys() - found.keys() == set()
            assert [ids for ids in found.values() if len(ids) != 1] == []
            assert {restored.status(code)["status"] for code in before.values()} == {"routed"}
            assert "0 broken" in restored.hoiam("audit", "verify")
            assert restored.metric("sla", "hoiam_open_cases_without_clock") == 0
            assert restored.hoiam("parked", "list") == "Nothing is parked."
        assert "0 broken" in shown


class TestRollingRestart:
    def test_of_every_service_under_load_loses_nothing_and_breaks_no_request(self, open_folder: Path, place):
        with running(open_folder / uuid4().hex, **place) as system:
            portal, readers = Portal(system, system.hoiam("portal", "add", "app", "Ứng dụng")), Readers(system)
            threads = portal.post(steadily(done := threading.Event()), workers=4)
            with readers.looking():
                for service in SERVICES:
                    enough = len(portal.accepted) + SOME // 4
                    until(lambda enough=enough: len(portal.accepted) >= enough, 60, what="some accepted")
                    old = system.kill(service, signal.SIGTERM)
                    until(lambda service=service, old=old: system.pid_of(service) not in {old, None}, 30, what=f"a new {service}")
                    until(lambda service=service: system.is_ready(service), 30, what=f"{service} ready")
                done.set()
                for thread in threads:
                    thread.join()

            bus = RabbitBus(place["AMQP_URL"])
            until(lambda: at_rest(system, bus), 60, what="everything sent and heard")
            found = arrived(bus)
            assert {report for report, _ in found} == set(portal.accepted)
            assert [ids for _, ids in found if len(ids) != 1] == []
            assert readers.broken == []
            assert all(readers.answers[service] for service in SERVICES)
            assert sum("ended (code 0)" in line for line in system.lines) == len(SERVICES)
            assert system.hoiam("parked", "list") == "Nothing is parked."
