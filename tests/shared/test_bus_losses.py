"""What both adapters of the bus promise when a reader is lost, tried on a real RabbitMQ and a real PostgreSQL alike."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from shared.bus import AGENCIES, BusDown, postgres
from shared.settings import PROJECT
from tests.shared.letters import ids, letter, letters, take
from tests.wait import until


class TestLoss:
    """Of a reader: what it had taken comes again, and says so."""

    def test_a_reader_that_closes_gives_back_what_it_holds(self, bus, publisher):
        sent = letters(3)
        publisher.publish(sent)

        for attempts in range(3):
            with closing(bus.consumer("sla.inbox", "again")) as again:
                taken = take(again, 3)
                assert sorted(ids(taken)) == sorted(ids(sent))
                assert {delivery.attempts for delivery in taken} == {attempts}

    def test_a_killed_reader_leaves_its_letters_to_others(self, kind, bus, publisher, request):
        sent = letters(5)
        publisher.publish(sent)
        url = request.getfixturevalue("amqp_url" if kind == "rabbitmq" else "database_url")
        doomed = subprocess.Popen([sys.executable, "-c", DOOMED, kind, url], cwd=PROJECT, stdout=subprocess.PIPE)
        assert doomed.stdout
        assert doomed.stdout.readline() == b"5\n"
        assert bus.depth("sla.inbox") == 0

        doomed.kill()
        doomed.communicate()

        with closing(bus.consumer("sla.inbox", "heir")) as heir:
            inherited = take(heir, 5)
        assert sorted(ids(inherited)) == sorted(ids(sent))
        assert {delivery.attempts for delivery in inherited} == {1}

    def test_a_reader_that_waits_already_is_woken_for_it(self, bus, publisher, monkeypatch):
        monkeypatch.setattr(postgres, "LOOK_AGAIN", 60.0)
        with ThreadPoolExecutor(1) as pool:
            for _ in range(10):  # in most of them the heir waits already when its twin gives up
                with closing(bus.consumer("sla.inbox", "twin")) as twin:
                    publisher.publish(letters(1))
                    taken = take(twin, 1)
                    with closing(bus.consumer("sla.inbox", "heir")) as heir:
                        waiting = pool.submit(heir.take, 1, 60.0)

                        twin.close()

                        inherited = waiting.result(timeout=30)
                        assert ids(inherited) == ids(taken)
                        heir.ack(inherited)

    def test_a_reader_whose_connection_is_lost_hears_of_it(self, bus, publisher, reader, cut):
        publisher.publish(letters(2))
        taken = take(reader, 2)

        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(reader.take, 10, 60.0)
            cut()
            with pytest.raises(BusDown):
                waiting.result(timeout=30)
        with pytest.raises(BusDown):
            reader.ack(taken)
        with closing(bus.consumer("sla.inbox", "next")) as following:
            assert {delivery.attempts for delivery in take(following, 2)} == {1}

    def test_what_ended_all_its_readers_is_put_with_the_crashed(self, bus, publisher):
        for destination in (letter("case.closed"), letter("dh", AGENCIES)):
            publisher.publish([destination])
        for queue, crashed in (("sla.inbox", "sla.crashed"), ("agency.dh", "agency.crashed")):
            for attempts in range(21):
                with closing(bus.consumer(queue, "doomed")) as doomed:
                    assert [delivery.attempts for delivery in take(doomed, 1)] == [attempts]

            until(lambda crashed=crashed: bus.depth(crashed) == 1, what=f"one letter in {crashed}")
            assert bus.depth(queue) == 0


DOOMED = """
import sys, time
from shared.bus.postgres import PostgresBus
from shared.bus.rabbitmq import RabbitBus

bus = RabbitBus(sys.argv[2]) if sys.argv[1] == "rabbitmq" else PostgresBus(sys.argv[2])
reader = bus.consumer("sla.inbox", "doomed")
taken = []
while len(taken) < 5:
    taken += reader.take(5, 1.0)
print(len(taken), flush=True)
time.sleep(600)
"""
