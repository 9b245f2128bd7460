"""What only RabbitMQ has: alarms, restarts, full queues, users and their rights."""

import json
import os
import signal
from contextlib import closing
from urllib.parse import quote, urlsplit

import httpx2
import pytest

from shared.bus import AGENCIES, EVENTS, REQUESTS, BusDown
from shared.bus.confirms import Batch
from shared.bus.management import DELIVERY_LIMIT, Management
from shared.bus.rabbitmq import RabbitBus
from tests.shared.letters import TOPOLOGY, letter, letters, take
from tests.wait import until


@pytest.fixture
def bus(rabbit_bus) -> RabbitBus:
    """As the administrator."""
    return rabbit_bus


@pytest.fixture
def vhost(amqp_url) -> str:
    """The test's own."""
    return urlsplit(amqp_url).path[1:]


@pytest.fixture
def management(rabbit, vhost):
    """Of the test's vhost."""
    with Management(rabbit.management_url, vhost) as opened:
        yield opened


@pytest.fixture
def api(rabbit):
    """The management API itself."""
    with httpx2.Client(base_url=f"{rabbit.management_url}/api", trust_env=False) as client:
        yield client


def as_user(amqp_url: str, user: str, password: str) -> RabbitBus:
    """The same vhost by another name."""
    parts = urlsplit(amqp_url)
    return RabbitBus(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{parts.hostname}:{parts.port}").geturl())


class TestTrouble:
    def test_an_alarm_is_an_outage_until_it_is_over(self, rabbit, bus):
        rabbit.ctl("set_vm_memory_high_watermark", "0.0000001")
        try:
            for _ in range(3):
                with closing(bus.publisher("test")) as publisher, pytest.raises(BusDown, match="takes no messages now"):
                    publisher.publish(letters(50), timeout=30)
                assert bus.blocked
        finally:
            rabbit.ctl("set_vm_memory_high_watermark", "absolute", "512MB")

        with closing(bus.publisher("test")) as publisher:
            assert publisher.publish(letters(1)) == [""]
        assert not bus.blocked

    def test_a_broker_that_does_not_answer_is_an_outage_after_our_own_deadline(self, rabbit, bus):
        with closing(bus.publisher("test")) as publisher:
            publisher.publish(letters(1))
            os.kill(rabbit.pid, signal.SIGSTOP)
            try:
                with pytest.raises(BusDown, match="did not answer within"):
                    publisher.publish(letters(1), timeout=0.3)
                publisher.close()
            finally:
                os.kill(rabbit.pid, signal.SIGCONT)

    def test_what_was_confirmed_outlives_the_broker(self, rabbit, api):
        api.put("/vhosts/lasting").raise_for_status()  # and stays: soon after a restart RabbitMQ 3.10 is bad at deleting queues
        bus = RabbitBus(rabbit.amqp_url.rsplit("/", 1)[0] + "/lasting")
        bus.apply(TOPOLOGY)
        with closing(bus.publisher("test")) as publisher, closing(bus.consumer("notify.inbox", "test")) as reader:
            publisher.publish(letters(20))
            rabbit.kill()
            try:
                with pytest.raises(BusDown):
                    publisher.publish(letters(1))
                with pytest.raises(BusDown):
                    until(lambda: reader.take(1, 1.0))
                with pytest.raises(BusDown, match="no connection to RabbitMQ"):
                    bus.publisher("test")
            finally:
                rabbit.start()

        with closing(bus.consumer("sla.inbox", "test")) as again:
            assert len(take(again, 20)) == 20

    def test_a_full_queue_refuses_what_it_does_not_keep(self, bus, management):
        management.set_policy("small", r"^sla\.inbox$", {"max-length": 5, "overflow": "reject-publish"}, priority=9)

        with closing(bus.publisher("test")) as publisher:
            verdicts = until(lambda: (said := publisher.publish(letters(10))) and "nacked" in said and said)

        assert set(verdicts) <= {"", "nacked"}
        assert 0 < bus.depth("sla.inbox") < 40

    def test_a_queue_that_goes_away_is_an_outage(self, bus, api, vhost):
        with closing(bus.consumer("notify.inbox", "test")) as reader:
            api.delete(f"/queues/{vhost}/notify.inbox").raise_for_status()

            with pytest.raises(BusDown, match=r"notify\.inbox is gone"):
                until(lambda: reader.take(1, 1.0))

    def test_a_wrong_password_is_an_outage_that_does_not_tell_it(self, amqp_url):
        with pytest.raises(BusDown) as caught:
            as_user(amqp_url, "admin", "not-the-password").publisher("test")

        assert "not-the-password" not in str(caught.value)


class TestBatch:
    def test_one_answer_may_stand_for_many(self):
        told: list[list[str | None]] = []
        batch = Batch([letter(str(number)) for number in range(5)], 11, told.append)

        batch.settle(12, multiple=False, reason="nacked")
        batch.send_back(EVENTS, "2", batch.letters[2].message_id, "returned")
        batch.settle(14, multiple=True, reason="")
        assert not told
        batch.settle(15, multiple=False, reason="")

        assert told == [["", "nacked", "returned", "", ""]]


class TestWire:
    def test_a_letter_carries_what_readers_and_operators_need(self, bus, api, vhost):
        sent = letter("case.closed", correlation_id="c", traceparent="00-1-2-01")
        with closing(bus.publisher("hoiam-test")) as publisher:
            publisher.publish([sent])

        asked = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
        [message] = api.post(f"/queues/{vhost}/sla.inbox/get", json=asked).json()

        assert message["properties"].pop("timestamp") > 1_700_000_000
        assert message["properties"] == {
            "content_type": "application/cloudevents+json; charset=utf-8",
            "delivery_mode": 2,
            "headers": {"traceparent": "00-1-2-01", "x-delivery-count": 0},
            "message_id": sent.message_id,
            "type": sent.type,
            "correlation_id": "c",
            "app_id": "hoiam-test",
            "user_id": "admin",
        }

    def test_every_queue_has_its_policy_and_nothing_but_its_kind_is_fixed(self, bus, rabbit, vhost, api):
        made = api.get(f"/definitions/{vhost}").json()
        definitions = {policy["name"]: policy["definition"] for policy in made["policies"]}
        queues = json.loads(rabbit.ctl("list_queues", "-p", vhost, "name", "policy", "--formatter", "json"))
        policies = {queue["name"]: definitions[queue["policy"]] for queue in queues}

        assert [queue["arguments"] for queue in made["queues"]] == [{"x-queue-type": "quorum"}] * len(TOPOLOGY.queues)
        for queue, crashed in (("sla.inbox", "sla"), ("notify.inbox", "notify"), ("agency.dh", "agency")):
            assert policies[queue]["delivery-limit"] == DELIVERY_LIMIT
            assert policies[queue]["dead-letter-routing-key"] == crashed
            assert (policies[queue]["overflow"], policies[queue]["dead-letter-strategy"]) == ("reject-publish", "at-least-once")
        for queue in ("sla.crashed", "agency.crashed", "unrouted"):
            assert list(policies[queue]) == ["delivery-limit"]


class TestAgency:
    @pytest.fixture
    def agency(self, bus, amqp_url, management) -> RabbitBus:
        """The user of `dh`."""
        yield as_user(amqp_url, "agency.dh", management.provision_agency("dh"))
        management.revoke_agency("dh")

    def test_asks_in_its_own_name_and_reads_its_own_queue(self, bus, agency):
        with closing(bus.publisher("test")) as publisher, closing(agency.publisher("dh")) as asking:
            publisher.publish([letter("dh", AGENCIES)])
            assert asking.publish([letter("dh.accept", REQUESTS)]) == [""]

        with closing(agency.consumer("agency.dh", "dh")) as reader, closing(bus.consumer("sla.inbox", "test")) as sla:
            assert [delivery.routing_key for delivery in take(reader, 1)] == ["dh"]
            assert [delivery.sender for delivery in take(sla, 1)] == ["agency.dh"]

    def test_a_new_password_ends_the_old_one_and_what_it_had_opened(self, agency, amqp_url, management, api):
        with closing(agency.consumer("agency.dh", "dh")) as reader:
            until(lambda: "agency.dh" in [connection.get("user") for connection in api.get("/connections").json()])

            fresh = as_user(amqp_url, "agency.dh", management.provision_agency("dh"))

            with pytest.raises(BusDown):
                until(lambda: reader.take(1, 1.0))
        with pytest.raises(BusDown, match="403"):
            agency.publisher("dh")
        fresh.consumer("agency.dh", "dh").close()

    @pytest.mark.parametrize("code", ["", "DH", "dh.*", "dh-", "crashed", "a b"])
    def test_a_code_that_could_mean_more_is_no_code(self, management, code):
        with pytest.raises(ValueError, match="agency's code"):
            management.provision_agency(code)


class TestServices:
    def test_each_may_read_its_own_inbox_only(self, bus, amqp_url, management):
        management.permit_services({"notify": "lời-nhắn"})
        try:
            notify = as_user(amqp_url, "svc.notify", "lời-nhắn")
            notify.consumer("notify.inbox", "notify").close()
            with pytest.raises(BusDown, match="403"):
                notify.consumer("sla.inbox", "notify")
            with closing(notify.publisher("notify")) as publisher:
                assert publisher.publish([letter("case.closed")]) == [""]
                with pytest.raises(BusDown, match="403"):
                    publisher.publish([letter("dh", AGENCIES)])
        finally:
            management.delete_user("svc.notify")


class TestManagement:
    def test_says_what_to_do_when_it_cannot_be_reached(self):
        with Management("http://admin:secret-word@127.0.0.1:1") as nowhere, pytest.raises(BusDown, match="MANAGEMENT_URL") as caught:
            nowhere.delete_user("nobody")

        assert "secret-word" not in str(caught.value)

    def test_says_what_to_do_when_it_is_refused(self, rabbit):
        wrong = urlsplit(rabbit.management_url)
        with Management(f"http://admin:wrong@{wrong.hostname}:{wrong.port}") as refused, pytest.raises(BusDown, match="password"):
            refused.put_user("x", "y")
