"""What both adapters of the bus promise, tried on a real RabbitMQ and a real PostgreSQL alike."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from shared.bus import AGENCIES, EVENTS, REQUESTS, BusDown, postgres
from shared.bus.topology import CRASHED, UNROUTED
from tests.shared.letters import TOPOLOGY, ids, letter, letters, take
from tests.wait import until

NO_ROUTE = "returned: 312 NO_ROUTE"


class TestRouting:
    @pytest.mark.parametrize(
        ("exchange", "key", "queues"),
        [
            (EVENTS, "case.closed", {"sla.inbox"}),
            (EVENTS, "case.opened", {"sla.inbox", "notify.inbox"}),
            (EVENTS, "opened", {"sla.inbox"}),
            (EVENTS, "case", {"unrouted"}),
            (EVENTS, "case.closed.again", {"unrouted"}),
            (EVENTS, "", {"unrouted"}),
            (REQUESTS, "mtdt-dh.accept", {"sla.inbox"}),
            (AGENCIES, "dh", {"agency.dh"}),
            (UNROUTED, "whatever", {"unrouted"}),
            (CRASHED, "agency", {"agency.crashed"}),
        ],
    )
    def test_a_letter_reaches_once_each_queue_that_wants_it(self, bus, publisher, exchange, key, queues):
        assert publisher.publish([letter(key, exchange)]) == [""]

        assert {queue: bus.depth(queue) for queue in TOPOLOGY.queues if bus.depth(queue)} == dict.fromkeys(queues, 1)

    def test_what_no_queue_wants_is_told_apart_from_its_neighbours(self, bus, publisher):
        sent = [
            letter(),
            letter("nobody", AGENCIES),
            letter("dh", AGENCIES),
            letter("dh.#", AGENCIES),
            letter("dh.dance", REQUESTS),
            letter("", AGENCIES),
        ]

        assert publisher.publish(sent) == ["", NO_ROUTE, "", NO_ROUTE, NO_ROUTE, NO_ROUTE]
        assert bus.depth("agency.dh") == 1

    def test_an_exchange_that_is_not_there_is_an_outage(self, publisher):
        with pytest.raises(BusDown, match=r"hoiam\.nothing"):
            publisher.publish([letter(exchange="hoiam.nothing")])


class TestPublishing:
    def test_confirmed_means_in_the_queue(self, bus, publisher):
        for count in (1, 500):
            before = bus.depth("sla.inbox")

            assert publisher.publish(letters(count)) == [""] * count
            assert bus.depth("sla.inbox") == before + count

    def test_order_is_kept(self, publisher, reader):
        sent = letters(700)

        for start in range(0, 700, 70):
            publisher.publish(sent[start : start + 70])

        assert ids(take(reader, 200)) == ids(sent[:200])

    def test_a_letter_arrives_as_it_was_sent(self, publisher, reader):
        body = "Đèn đường hỏng trước số 12 Hùng Vương ' \\ \0 ".encode() + bytes(range(256))
        sent = letter("case.đóng", body=body, correlation_id="c", traceparent="00-1-2-01")

        publisher.publish([sent])

        [arrived] = take(reader, 1)
        assert (arrived.body, arrived.exchange, arrived.routing_key) == (body, EVENTS, "case.đóng")
        assert (arrived.message_id, arrived.attempts) == (sent.message_id, 0)

    def test_nothing_to_send_is_fine(self, publisher):
        assert publisher.publish([]) == []

    def test_a_lost_connection_is_an_outage_for_good_and_a_new_one_works(self, bus, publisher, cut):
        publisher.publish([letter()])

        cut()

        for _ in range(2):
            with pytest.raises(BusDown):
                publisher.publish([letter()])
        with closing(bus.publisher("test")) as fresh:
            assert fresh.publish([letter()]) == [""]

    def test_a_closed_publisher_sends_no_more(self, publisher):
        publisher.close()
        publisher.close()

        with pytest.raises(BusDown):
            publisher.publish([letter()])


class TestTaking:
    def test_nothing_waiting_is_nothing_taken(self, reader):
        assert reader.take(10, 0) == []
        assert reader.take(10, 0.05) == []

    def test_takes_what_waits_up_to_the_limit(self, publisher, reader):
        sent = letters(5)
        publisher.publish(sent)

        taken = take(reader, 3)

        assert ids(taken) == ids(sent[:3])
        assert ids(take(reader, 2)) == ids(sent[3:])

    def test_a_waiting_reader_is_woken_not_only_looking_now_and_then(self, publisher, reader, monkeypatch):
        monkeypatch.setattr(postgres, "LOOK_AGAIN", 60.0)
        with ThreadPoolExecutor(1) as pool:
            for _ in range(20):  # in most of them the reader waits already when the letter comes
                waiting = pool.submit(reader.take, 10, 60.0)
                sent = letter()

                publisher.publish([sent])

                assert ids(waiting.result(timeout=30)) == [sent.message_id]

    def test_a_call_that_comes_with_the_answer_to_a_look_is_heard(self, postgres_bus, monkeypatch):
        """The look saw nothing yet, and the socket is already read empty: only the call in hand says that there is something."""
        monkeypatch.setattr(postgres, "LOOK_AGAIN", 60.0)
        with closing(postgres_bus.publisher("test")) as publisher, closing(postgres_bus.consumer("sla.inbox", "test")) as reader:
            ask, late = reader._session.rows, letters(1)

            def ask_and_be_called(*question):
                answer = ask(*question)
                if late and question[0].startswith("EXECUTE take"):
                    publisher.publish([late.pop()])
                    ask("SELECT 1")
                return answer

            monkeypatch.setattr(reader._session, "rows", ask_and_be_called)
            with ThreadPoolExecutor(1) as pool:
                assert len(pool.submit(reader.take, 1, 30.0).result(timeout=10)) == 1

    def test_holds_no_more_than_its_prefetch(self, bus, publisher):
        publisher.publish(letters(10))
        with closing(bus.consumer("sla.inbox", "small", prefetch=4)) as small:
            held = take(small, 4)

            assert small.take(10, 0.2) == []
            assert bus.depth("sla.inbox") == 6

            small.ack(held)
            assert len(take(small, 4)) == 4

    def test_competing_readers_share_without_repeating(self, bus, publisher):
        sent = letters(300)
        publisher.publish(sent)
        taken: list[str] = []

        def read(consumer) -> list[str]:
            mine: list[str] = []
            while found := consumer.take(7, 0.5):
                mine += ids(found)
                consumer.ack(found)
            return mine

        with closing(bus.consumer("sla.inbox", "one", prefetch=20)) as one, closing(bus.consumer("sla.inbox", "two", prefetch=20)) as two:
            with ThreadPoolExecutor(2) as pool:
                halves = list(pool.map(read, [one, two]))
            taken = [*halves[0], *halves[1]]

        assert sorted(taken) == sorted(ids(sent))
        assert all(halves)
        assert bus.depth("sla.inbox") == 0

    def test_a_queue_that_is_not_there_is_an_outage(self, bus):
        with pytest.raises(BusDown, match=r"nobody\.inbox"):
            bus.consumer("nobody.inbox", "test")

    def test_depth_leaves_out_what_is_taken_and_knows_no_other_queue(self, bus, publisher, reader):
        publisher.publish(letters(3))

        take(reader, 3)

        assert bus.depth("sla.inbox") == 0
        with pytest.raises(LookupError, match=r"nobody\.inbox"):
            bus.depth("nobody.inbox")


class TestAcknowledging:
    def test_covers_all_up_to_the_last_and_nothing_after_it(self, bus, publisher, reader):
        sent = letters(10)
        publisher.publish(sent)
        first, _second = take(reader, 6), take(reader, 4)

        reader.ack(first[3:4])
        reader.close()

        with closing(bus.consumer("sla.inbox", "next")) as following:
            assert sorted(ids(take(following, 6))) == sorted(ids(sent[4:]))
            assert following.take(10, 0.1) == []

    def test_what_was_acknowledged_before_the_end_stays_so(self, bus, publisher, reader):
        publisher.publish(letters(50))

        reader.ack(take(reader, 50))
        reader.close()

        until(lambda: bus.depth("sla.inbox") == 0)
        with closing(bus.consumer("sla.inbox", "next")) as following:
            assert following.take(10, 0.2) == []

    def test_nothing_to_acknowledge_is_fine(self, reader):
        reader.ack([])
