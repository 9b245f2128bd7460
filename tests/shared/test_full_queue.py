"""One agency reads nothing and its queue is full, on a real broker: the others get their work, and nothing of its own is lost."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared import relay
from shared.bus.management import Management
from shared.bus.rabbitmq import RabbitBus
from shared.bus.topology import topology
from shared.database import migrate
from shared.messages import RequestDone
from shared.relay import Relay
from tests.builders import MONDAY, received
from tests.shared.test_relay import Office
from tests.wait import until

LIMIT, MANY = 10, 60
SILENT, BUSY = "dh", "vl"


def word(agency: str) -> RequestDone:
    return RequestDone(report_id=received().report_id, at=MONDAY, agency=agency)


@pytest.fixture
def office(database_url, amqp_url, rabbit, monkeypatch) -> Iterator[Office]:
    """sla's outbox and a RabbitMQ with room for ten messages to `dh`; what was refused is tried again soon."""
    monkeypatch.setattr(relay, "BLOCKED_SECONDS", 0.3)
    migrate(database_url, "sla")
    bus = RabbitBus(amqp_url, management_url=rabbit.management_url)
    bus.apply(topology({}, [SILENT, BUSY]))
    with Management(rabbit.management_url, amqp_url.rpartition("/")[2]) as management:
        small = {"max-length": LIMIT, "overflow": "reject-publish"}
        management.set_policy("small", rf"^agency\.{SILENT}$", small, priority=9)
    office = Office(database_url, bus)
    yield office
    office.stopping.set()
    office.wake.set()
    for thread in office.relays:
        thread.join()
    office.engine.dispose()


def fill(office: Office, send: Callable[[], object]) -> int:
    """Say more and more to the silent agency until its queue takes no more (it notices a moment late); how much was said."""
    said = 0

    def is_full() -> bool:
        nonlocal said
        office.post(word(SILENT))
        said += 1
        send()
        return refused(office) > 0

    until(is_full, 20, what="the queue full", every=0.01)
    return said


def refused(office: Office) -> int:
    with office.rooms() as session:
        return int(session.execute(text("SELECT count(*) FROM outbox WHERE attempts > 0")).scalar_one())


class TestFullQueue:
    def test_holds_up_nobody_else_and_loses_nothing(self, office):
        office.relay(at_once=20)
        said = fill(office, lambda: None)
        office.post(*(word(agency) for _ in range(MANY) for agency in (SILENT, BUSY)))
        assert len(set(office.arrived(MANY, f"agency.{BUSY}"))) == MANY
        assert office.waiting()

        with closing(office.bus.consumer(f"agency.{SILENT}", "test", prefetch=5)) as reader:  # at last it reads
            heard: set[str] = set()

            def read() -> bool:
                deliveries = reader.take(5, 0.2)
                reader.ack(deliveries)
                heard.update(delivery.message_id for delivery in deliveries)
                return office.waiting() == 0 and len(heard) == said + MANY

            until(read, 30, what="everything that was ever said to it")

    def test_what_is_said_meanwhile_waits_behind_what_was_said_before(self, office, monkeypatch):
        monkeypatch.setattr(relay, "BLOCKED_SECONDS", 600.0)
        sender = Relay("sla", office.engine, office.bus, office.wake, at_once=MANY)
        with closing(office.bus.publisher("sla")) as publisher, Session(office.engine) as session:
            fill(office, lambda: sender.send(session, publisher))
            office.arrived(office.bus.depth(f"agency.{SILENT}"), f"agency.{SILENT}")  # there is room again, and the rest still waits

            office.post(word(SILENT))

            assert sender.send(session, publisher) == 0
