"""Repeated and disordered messages through the real bus, on both adapters, into a running sla."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from uuid import uuid4

import pytest

from services.cli.system import load_all, migrate_all, whole_topology
from services.sla import store
from services.sla.__main__ import service
from services.sla.domain.lifecycle import State
from services.sla.settings import SlaSettings
from shared import mailbox
from shared.bus.postgres import PostgresBus
from shared.bus.rabbitmq import RabbitBus
from shared.bus.topology import CRASHED
from shared.clock import now
from shared.envelope import letter
from shared.mailbox import Held
from shared.messages import ReportCommented
from shared.province import read_province
from shared.service import Process
from shared.settings import PROJECT
from tests.builders import delivered, envelope, received, routed
from tests.wait import until


@pytest.fixture(params=["rabbitmq", "postgres"])
def sla(request, database_url) -> Iterator[Process]:
    """A running sla, and the bus it reads."""
    province = read_province(PROJECT / "deploy/provinces/quang-tri")
    migrate_all(database_url, lambda _: None)
    load_all(database_url, province, now(), lambda _: None)
    amqp_url = request.getfixturevalue("amqp_url") if request.param == "rabbitmq" else ""
    bus = RabbitBus(amqp_url) if amqp_url else PostgresBus(database_url)
    bus.apply(whole_topology(province))
    settings = SlaSettings(database_url=database_url, amqp_url=amqp_url, tick_seconds=0.1)
    process = Process(service(settings), settings)
    process.start()
    yield process
    process.stop()


class TestOrder:
    def test_every_order_and_every_repetition_of_a_cases_facts_ends_in_the_same_state(self, sla):
        stories = []
        for order in permutations(range(3)):
            report = received(at=now())
            comment = ReportCommented(report_id=report.report_id, at=report.at + timedelta(minutes=5), comment_id=uuid4(), text="Còn hỏng")
            letters = [letter(envelope(message)) for message in (report, routed(report), comment)]
            stories.append((report, [letters[index] for index in (*order, *order)]))

        with closing(sla.bus.publisher("test")) as publisher:
            for _, letters in stories:
                for sent in letters:
                    assert publisher.publish([sent]) == [""]

        def states() -> set[tuple[object, ...]]:
            with sla.handling.sessions() as session:
                cases = [store.known_case(session, report.report_id) for report, _ in stories]
                return {_summary(case) for case in cases}

        until(lambda: states() == {(State.ROUTED, "dh", 1, 3, ("answer", "resolve", "take_up"))}, 20, what="all six orders end alike")

    def test_an_assignment_is_said_once_however_often_its_cause_is_delivered(self, sla):
        report = received(at=now())
        letters = [letter(envelope(report)), letter(envelope(routed(report)))]

        with closing(sla.bus.publisher("test")) as publisher:
            for _ in range(5):
                publisher.publish(letters)

        until(lambda: sla.bus.depth("agency.dh") == 1, what="one assignment")
        until(lambda: sla.bus.depth("sla.inbox") == 0, what="everything read")
        assert sla.bus.depth("agency.dh") == 1


class TestCrashed:
    def test_what_ended_the_process_too_often_is_parked_unhandled_where_a_person_sees_it(self, sla):
        report = received(at=now())
        killer = replace(letter(envelope(report)), exchange=CRASHED, routing_key="sla")  # as the bus readdresses it

        with closing(sla.bus.publisher("test")) as publisher:
            assert publisher.publish([killer]) == [""]

        def parked() -> list[Held]:
            with sla.handling.sessions() as session:
                return mailbox.parked(session)

        [held] = until(parked, what="one parked message")
        assert (held.code, held.exchange, held.routing_key) == ("crashed", "hoiam.events", "report.received")
        with sla.handling.sessions() as session:
            assert store.known_case(session, report.report_id) is None

    def test_a_person_may_have_it_tried_again(self, sla):
        report = received(at=now())
        sla.handling.park([replace(delivered(report), exchange=CRASHED, routing_key="sla")], now())

        with sla.handling.sessions.begin() as session:
            [held] = mailbox.parked(session)
            assert mailbox.retry(session, held.message_id, now())

        def opened() -> bool:
            with sla.handling.sessions() as session:
                return store.known_case(session, report.report_id) is not None

        until(opened, what="the case opened")


def _summary(case) -> tuple[object, ...]:
    if case is None:
        return ()
    running = tuple(sorted(clock.name for clock in case.clocks if clock.running))
    return (case.state, case.agency, case.hop, case.version, running)
