"""Outbox to bus: what was committed is sent, in order, by one leader, and forgotten only once it is safe."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, text

from shared import mailbox, relay
from shared.bus import AGENCIES, EVENTS, NACKED, BusDown
from shared.bus.postgres import PostgresBus, create_schema
from shared.bus.topology import Binding, topology
from shared.clock import now
from shared.database import engine, migrate, sessions
from shared.envelope import letter
from shared.messages import Message, RequestDone
from shared.relay import Relay
from tests.builders import MONDAY, envelope, received
from tests.wait import until


@dataclass
class Office:
    """A service's outbox, its relay, and the bus it sends to."""

    url: str
    bus: PostgresBus

    def __post_init__(self) -> None:
        self.engine = engine(self.url, "sla")
        self.rooms = sessions(self.engine)
        self.wake = threading.Event()
        self.stopping = threading.Event()
        self.relays: list[threading.Thread] = []

    def post(self, *messages: Message) -> None:
        with self.rooms.begin() as session:
            mailbox.post(session, [envelope(message) for message in messages])
        self.wake.set()

    def relay(self, bus: object = None, at_once: int = 100) -> None:
        """A relay at work, until :meth:`stop`."""
        relay = Relay("sla", self.engine, bus or self.bus, self.wake, at_once=at_once)  # type: ignore[arg-type]

        def keep() -> None:
            while not self.stopping.is_set():
                relay.run(lambda: not self.stopping.is_set())

        self.relays.append(threading.Thread(target=keep))
        self.relays[-1].start()

    def waiting(self) -> int:
        with self.rooms() as session:
            return int(session.execute(text("SELECT count(*) FROM outbox")).scalar_one())

    def arrived(self, count: int, queue: str = "sla.inbox") -> list[str]:
        """Message ids in the order they came."""
        with closing(self.bus.consumer(queue, "test", prefetch=1000)) as consumer:
            found: list[str] = []
            until(lambda: found.extend(d.message_id for d in consumer.take(count, 1.0)) or len(found) >= count, what=f"{count} messages")
            return found


@dataclass
class StuckChannel:
    """A bus whose first publisher takes nothing, whatever it is asked."""

    bus: PostgresBus
    opened: int = 0
    blocked: bool = False

    def publisher(self, name: str) -> Any:
        self.opened += 1
        publisher = self.bus.publisher(name)
        if self.opened == 1:
            publisher.publish = lambda letters, **_: [NACKED] * len(letters)  # type: ignore[method-assign]
        return publisher


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    migrate(database_url, "sla")
    create_schema(database_url)
    bus = PostgresBus(database_url)
    bus.apply(topology({"sla": [Binding(EVENTS, "#", "sla.inbox")]}, ["dh"]))
    office = Office(database_url, bus)
    yield office
    office.stopping.set()
    office.wake.set()
    for thread in office.relays:
        thread.join()
    office.engine.dispose()


class TestRelay:
    def test_sends_in_the_order_of_posting_and_forgets_what_is_safe(self, office):
        reports = [received() for _ in range(250)]
        with office.rooms.begin() as session:
            sealed = [envelope(report) for report in reports]
            mailbox.post(session, sealed)

        office.relay()

        assert office.arrived(250) == [str(one.id) for one in sealed]
        until(lambda: office.waiting() == 0, what="an empty outbox")

    def test_a_commit_wakes_it_at_once(self, office):
        office.relay()
        until(lambda: office.waiting() == 0)

        office.post(received())

        assert len(office.arrived(1)) == 1

    def test_in_a_busy_time_the_next_letters_wait_a_moment_for_company(self, office, monkeypatch):
        monkeypatch.setattr(relay, "GATHER_SECONDS", 3.0)
        sent, send = list[int](), Relay.send

        def counted(*how: Any) -> int:
            sent.append(send(*how))
            return sent[-1]

        monkeypatch.setattr(Relay, "send", counted)
        office.post(*(received() for _ in range(relay.BUSY)))
        office.relay()
        until(lambda: sum(sent) == relay.BUSY, what="the first are out")

        for _ in range(3):
            office.post(received())
        until(lambda: sum(sent) == relay.BUSY + 3, what="the others are out")

        assert [count for count in sent if count] == [relay.BUSY, 3]

    def test_a_twin_waits_for_its_turn_and_takes_over(self, office):
        first_stop = threading.Event()
        first = Relay("sla", office.engine, office.bus, office.wake, at_once=100)
        leader = threading.Thread(target=first.run, args=(lambda: not first_stop.is_set(),))
        leader.start()
        office.post(received())
        office.arrived(1)
        turns: list[bool] = []
        Relay("sla", office.engine, office.bus, office.wake, at_once=100).run(lambda: bool(turns.append(True)))
        assert turns == []  # it did not lead, not even for a turn

        office.relay()
        first_stop.set()
        leader.join()
        office.post(received())

        assert len(office.arrived(1)) == 1

    def test_a_publisher_that_was_told_no_is_not_asked_again(self, office, monkeypatch):
        """As RabbitMQ 3.10 does on a channel that met a queue between two leaders: it says no for ever, to this channel alone."""
        monkeypatch.setattr("shared.relay.BLOCKED_SECONDS", 0.2)
        stuck = StuckChannel(office.bus)
        office.relay(stuck)

        office.post(received())

        assert len(office.arrived(1)) == 1
        assert stuck.opened == 2

    def test_a_destination_that_takes_nothing_waits_alone(self, office):
        report = received()
        nowhere = RequestDone(report_id=uuid4(), at=MONDAY, agency="nobody")
        office.relay()

        office.post(nowhere, report)

        assert len(office.arrived(1)) == 1
        until(lambda: office.waiting() == 1, what="the other one waiting")
        with office.rooms() as session:
            row = (
                session.execute(text("SELECT routing_key, attempts, reason, blocked_until > now() AS blocked FROM outbox")).mappings().one()
            )
        assert (row["routing_key"], row["attempts"], row["blocked"]) == ("nobody", 1, True)
        assert "NO_ROUTE" in row["reason"]

    def test_what_was_sent_but_not_forgotten_is_sent_again_under_the_same_name(self, office):
        office.post(received())
        with office.rooms() as session:
            [(_, waiting)] = mailbox.waiting(session, limit=10)
        with closing(office.bus.publisher("crashed")) as publisher:
            publisher.publish([waiting])  # and killed before it could forget

        office.relay()

        assert office.arrived(2) == [waiting.message_id] * 2

    def test_a_bus_that_refused_it_at_the_start_does_not_cost_it_the_lead(self, office):
        class AwayAtFirst:
            def __init__(self) -> None:
                self.refusals = 2

            def publisher(self, name: str):
                if self.refusals:
                    self.refusals -= 1
                    raise BusDown("not up yet")
                return office.bus.publisher(name)

        away = AwayAtFirst()
        relay = Relay("sla", office.engine, away, office.wake, at_once=100)
        for _ in range(2):
            with pytest.raises(BusDown):
                relay.run(lambda: True)
        office.post(received())

        office.relay(away)

        assert len(office.arrived(1)) == 1


class TestSentLetters:
    def test_are_said_again_in_their_order_and_under_their_names(self, office):
        sealed = [envelope(received()) for _ in range(30)]
        with office.rooms.begin() as session:
            mailbox.post(session, sealed)
        office.relay()
        names = office.arrived(30)
        until(lambda: office.waiting() == 0, what="an empty outbox")

        with office.rooms.begin() as session:
            mailbox.post(session, [late := envelope(received())])  # waits when the database is restored
            again = mailbox.send_again(session)
        office.wake.set()

        assert again == 30
        assert office.arrived(61) == [*names, *names, str(late.id)]

    def test_are_forgotten_after_two_days_and_those_to_agencies_after_two_weeks(self, office):
        at = now()
        for days in (1, 3, 15):
            self._sent(office, EVENTS, at - timedelta(days=days))
            self._sent(office, AGENCIES, at - timedelta(days=days))

        with office.rooms.begin() as session:
            mailbox.prune(session, at)
            kept = session.execute(text("SELECT exchange, extract(day FROM :at - sent_at) FROM sent"), {"at": at}).all()

        assert sorted(kept) == [(AGENCIES, 1), (AGENCIES, 3), (EVENTS, 1)]

    @staticmethod
    def _sent(office: Office, exchange: str, at: datetime) -> None:
        one = {"id": 1, "exchange": exchange, "body": b"{}", "sent_at": at}
        words = dict.fromkeys(("routing_key", "message_id", "type", "correlation_id", "traceparent"), "")
        with office.rooms.begin() as session:
            session.execute(insert(mailbox.sent_letters).values(**one, **words))


class TestLetters:
    def test_an_outbox_row_is_the_letter_that_was_posted(self, office):
        sealed = envelope(received())
        with office.rooms.begin() as session:
            mailbox.post(session, [sealed])

        with office.rooms() as session:
            [(_, kept)] = mailbox.waiting(session, limit=1)

        assert kept == letter(sealed)
