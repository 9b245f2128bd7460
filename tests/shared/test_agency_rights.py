"""What an agency's own user may do on a real broker, and everything else it may not, each tried as that user with a plain client."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
import pika
import pytest
from pika.exceptions import AMQPConnectionError, AMQPError, ChannelClosedByBroker

from services.cli import agency
from services.cli.process import CannotStart
from shared.bus import AGENCIES, EVENTS, REQUESTS, BusDown
from shared.bus.management import DELIVERY_LIMIT, Management
from shared.bus.rabbitmq import RabbitBus
from shared.bus.topology import CRASHED, UNROUTED
from shared.messages import AGENCY_REQUESTS
from shared.province import read_province
from shared.settings import PROJECT
from tests.builders import MONDAY
from tests.shared.letters import TOPOLOGY, letter, take
from tests.wait import until

Do = Callable[[Any], object]
REFUSED, FALSE_NAME = 403, 406


@pytest.fixture(scope="module")
def bus(rabbit, module_amqp_url) -> RabbitBus:
    """As the administrator, everything declared."""
    bus = RabbitBus(module_amqp_url, management_url=rabbit.management_url)
    bus.apply(TOPOLOGY)
    return bus


@pytest.fixture(scope="module")
def url(rabbit, bus, module_amqp_url) -> Iterator[str]:
    """What `hoiam agency provision dh` prints."""
    yield agency.provision("dh", module_amqp_url, rabbit.management_url)
    with Management(rabbit.management_url, urlsplit(module_amqp_url).path[1:]) as management:
        management.revoke_agency("dh")


@pytest.fixture
def channel(url) -> Iterator[Any]:
    """Of the agency's user."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        yield channel
        if channel.is_open:
            channel.close()


def send(exchange: str, key: str, **properties: Any) -> Do:
    """Publish, and wait for the broker's word."""
    return lambda channel: channel.basic_publish(exchange, key, b"{}", pika.BasicProperties(**properties), mandatory=True)


FORBIDDEN: dict[str, tuple[int, Do]] = {
    # another's work
    "read another agency's queue": (REFUSED, lambda c: c.basic_get("agency.sgtvt")),
    "consume another agency's queue": (REFUSED, lambda c: c.basic_consume("agency.sgtvt", lambda *_: None)),
    "read a service's inbox": (REFUSED, lambda c: c.basic_get("sla.inbox")),
    "read what crashed": (REFUSED, lambda c: c.basic_get("agency.crashed")),
    "read what nobody listens to": (REFUSED, lambda c: c.basic_get("unrouted")),
    "purge another agency's queue": (REFUSED, lambda c: c.queue_purge("agency.sgtvt")),
    "purge a service's inbox": (REFUSED, lambda c: c.queue_purge("sla.inbox")),
    # speaking as somebody else, or to somebody else
    "ask in another agency's name": (REFUSED, send(REQUESTS, "sgtvt.accept")),
    "ask what only the centre may": (REFUSED, send(REQUESTS, "dh.approve")),
    "ask with a longer key": (REFUSED, send(REQUESTS, "dh.accept.now")),
    "ask without a verb": (REFUSED, send(REQUESTS, "dh")),
    "ask under a name that its own begins with": (REFUSED, send(REQUESTS, "dhx.accept")),
    "tell facts": (REFUSED, send(EVENTS, "case.resolved")),
    "give itself work": (REFUSED, send(AGENCIES, "dh")),
    "give another work": (REFUSED, send(AGENCIES, "sgtvt")),
    "write into a queue by the nameless exchange": (REFUSED, send("", "sla.inbox")),
    "write into its own queue by the nameless exchange": (REFUSED, send("", "agency.dh")),
    "write to the dead letters": (REFUSED, send(CRASHED, "sla")),
    "write to what nobody listens to": (REFUSED, send(UNROUTED, "x")),
    "write to an exchange of the broker's own": (REFUSED, send("amq.topic", "dh.accept")),
    "sign as somebody else": (FALSE_NAME, send(REQUESTS, "dh.accept", user_id="agency.sgtvt")),
    "sign as a service": (FALSE_NAME, send(REQUESTS, "dh.accept", user_id="svc.sla")),
    # changing what there is
    "declare a queue": (REFUSED, lambda c: c.queue_declare("mine")),
    "declare a queue under its own prefix": (REFUSED, lambda c: c.queue_declare("agency.dh.mine")),
    "declare a queue named by the broker": (REFUSED, lambda c: c.queue_declare("", exclusive=True)),
    "declare its own queue again": (REFUSED, lambda c: c.queue_declare("agency.dh", durable=True, arguments={"x-queue-type": "quorum"})),
    "delete its own queue": (REFUSED, lambda c: c.queue_delete("agency.dh")),
    "delete another's queue": (REFUSED, lambda c: c.queue_delete("agency.sgtvt")),
    "bind its own queue to the facts": (REFUSED, lambda c: c.queue_bind("agency.dh", EVENTS, "#")),
    "bind its own queue to the requests": (REFUSED, lambda c: c.queue_bind("agency.dh", REQUESTS, "#")),
    "bind its own queue to another's work": (REFUSED, lambda c: c.queue_bind("agency.dh", AGENCIES, "sgtvt")),
    "unbind its own queue": (REFUSED, lambda c: c.queue_unbind("agency.dh", AGENCIES, "dh")),
    "unbind another's queue": (REFUSED, lambda c: c.queue_unbind("agency.sgtvt", AGENCIES, "sgtvt")),
    "declare an exchange": (REFUSED, lambda c: c.exchange_declare("mine", "fanout")),
    "declare an exchange again": (REFUSED, lambda c: c.exchange_declare(REQUESTS, "topic", durable=True)),
    "delete an exchange": (REFUSED, lambda c: c.exchange_delete(REQUESTS)),
    "bind an exchange to another": (REFUSED, lambda c: c.exchange_bind(REQUESTS, EVENTS, "#")),
    "unbind an exchange": (REFUSED, lambda c: c.exchange_unbind(REQUESTS, EVENTS, "#")),
}


class TestAllowed:
    @pytest.mark.parametrize("verb", [kind.topic for kind in AGENCY_REQUESTS])
    def test_to_ask_whatever_an_agency_may_ask_in_its_own_name(self, channel, bus, verb):
        with closing(bus._session("test")) as admin:  # so that each has somewhere to go
            admin.ask(lambda done: admin.channel.queue_bind("sla.inbox", REQUESTS, f"*.{verb}", callback=done))

        send(REQUESTS, f"dh.{verb}", user_id="agency.dh")(channel)

        with closing(bus.consumer("sla.inbox", "test")) as sla:
            [delivery] = take(sla, 1)
            sla.ack([delivery])
        assert (delivery.routing_key, delivery.sender) == (f"dh.{verb}", "agency.dh")

    def test_to_read_its_own_queue_and_nothing_of_it_comes_twice(self, channel, bus):
        with closing(bus.publisher("test")) as publisher:
            publisher.publish([letter("dh", AGENCIES)])

        method, _, _ = until(lambda: (found := channel.basic_get("agency.dh"))[0] and found)
        channel.basic_ack(method.delivery_tag)

        assert channel.basic_get("agency.dh")[0] is None

    def test_to_throw_away_what_is_its_own(self, channel):
        """Who may read may purge: that is why PostgreSQL is the truth, and `hoiam agency redeliver` is there."""
        channel.queue_purge("agency.dh")

    def test_to_count_what_waits_for_another_where_the_broker_is_old(self, channel):
        """RabbitMQ asks for no right before a passive declaration until 4.2. It tells a number, and nothing of what waits."""
        with suppress(ChannelClosedByBroker):
            counted = channel.queue_declare("agency.sgtvt", passive=True).method
            assert (counted.queue, counted.message_count) == ("agency.sgtvt", 0)

    def test_another_key_in_the_carbon_copy_is_not_its_word(self, channel, bus):
        """RabbitMQ 3.10 looks at the first key only, newer ones at all. The sender it proves is `agency.dh`, and by that sla judges."""
        try:
            send(REQUESTS, "dh.accept", user_id="agency.dh", headers={"CC": ["sgtvt.accept"]})(channel)
        except ChannelClosedByBroker:
            return

        with closing(bus.consumer("sla.inbox", "test")) as sla:
            found = take(sla, 1)
            sla.ack(found)
        assert {delivery.sender for delivery in found} == {"agency.dh"}


class TestForbidden:
    @pytest.mark.parametrize(("code", "do"), FORBIDDEN.values(), ids=FORBIDDEN)
    def test_is_refused_by_the_broker(self, channel, code, do):
        with pytest.raises(ChannelClosedByBroker) as refused:
            do(channel)

        assert refused.value.reply_code == code

    def test_to_open_a_fifth_connection(self, url):
        with ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(pika.BlockingConnection(pika.URLParameters(url)))
            with pytest.raises(AMQPConnectionError):
                pika.BlockingConnection(pika.URLParameters(url))

    def test_to_open_a_seventeenth_channel(self, url):
        connection = pika.BlockingConnection(pika.URLParameters(url))
        for _ in range(16):
            connection.channel()
        with pytest.raises(AMQPError):
            connection.channel()

    def test_to_come_into_another_vhost(self, url, rabbit):
        with pytest.raises(AMQPConnectionError):
            pika.BlockingConnection(pika.URLParameters(url.rsplit("/", 1)[0] + "/hoiam"))

    @pytest.mark.parametrize("path", ["overview", "queues", "users", "definitions", "connections"])
    def test_to_ask_the_management_api(self, url, rabbit, path):
        user = urlsplit(url)
        with httpx2.Client(base_url=rabbit.management_url, auth=(user.username, user.password), trust_env=False) as http:
            assert http.get(f"/api/{path}").status_code == 401

    def test_leaves_everything_as_it_was(self, rabbit, module_amqp_url, bus, url):
        """After all of it: the queues and bindings of the topology, and no others."""
        vhost = quote(urlsplit(module_amqp_url).path[1:], safe="")
        with httpx2.Client(base_url=f"{rabbit.management_url}/api", trust_env=False) as api:
            queues = {queue["name"] for queue in api.get(f"/queues/{vhost}").json()}
            bindings = {(b["source"], b["routing_key"], b["destination"]) for b in api.get(f"/bindings/{vhost}").json() if b["source"]}

        assert queues == set(TOPOLOGY.queues)
        assert {binding for binding in bindings if binding[2].startswith("agency.")} == {
            (AGENCIES, "dh", "agency.dh"), (AGENCIES, "sgtvt", "agency.sgtvt"), (CRASHED, "agency", "agency.crashed"),
        }  # fmt: skip


class TestProvision:
    def test_makes_the_queue_with_its_limits_where_it_is_missing(self, rabbit, module_amqp_url, bus):
        with pytest.raises(LookupError):
            bus.depth("agency.moi")

        agency.provision("moi", module_amqp_url, rabbit.management_url)
        try:
            with closing(bus.publisher("test")) as publisher:
                assert publisher.publish([letter("moi", AGENCIES)]) == [""]
            vhost = urlsplit(module_amqp_url).path[1:]
            listed = json.loads(rabbit.ctl("list_queues", "-p", vhost, "name", "policy", "arguments", "type", "--formatter", "json"))
            [made] = [queue for queue in listed if queue["name"] == "agency.moi"]
            policy = json.loads(rabbit.ctl("list_policies", "-p", vhost, "--formatter", "json"))
            [limits] = [json.loads(one["definition"]) for one in policy if one["name"] == "agencies"]
            assert (made["policy"], made["type"]) == ("agencies", "quorum")
            assert (limits["overflow"], limits["delivery-limit"], limits["max-length-bytes"]) == (
                "reject-publish",
                DELIVERY_LIMIT,
                100_000_000,
            )
            assert (limits["dead-letter-exchange"], limits["dead-letter-routing-key"]) == (CRASHED, "agency")
        finally:
            with Management(rabbit.management_url, vhost) as management, httpx2.Client(base_url=rabbit.management_url) as http:
                management.revoke_agency("moi")
                http.delete(f"/api/queues/{vhost}/agency.moi").raise_for_status()

    def test_of_an_agency_that_ended_names_its_successor(self):
        of = read_province(PROJECT / "deploy/provinces/quang-tri")

        with pytest.raises(CannotStart, match="duties are with sxd"):
            agency.check(of, "sgtvt", MONDAY.date())
        with pytest.raises(CannotStart, match="no agency has the code 'xx'"):
            agency.check(of, "xx", MONDAY.date())
        agency.check(of, "sxd", MONDAY.date())

    def test_revoked_it_has_no_way_in(self, rabbit, module_amqp_url, bus):
        url = agency.provision("sgtvt", module_amqp_url, rabbit.management_url)
        with Management(rabbit.management_url, urlsplit(module_amqp_url).path[1:]) as management:
            management.revoke_agency("sgtvt")

        with pytest.raises(BusDown, match="403"):
            RabbitBus(url).publisher("test")
