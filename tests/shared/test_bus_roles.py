"""Every user of the broker × everything in the AsyncAPI document, tried as that user: what is not named below is refused.

The operations come from the document and from the topology, so a new message, exchange or queue is tried by everybody without a word here.
"""

import secrets
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pika
import pytest
import yaml
from pika.exceptions import ChannelClosedByBroker

from services.cli.system import HANDLERS, listens
from shared.bus import AGENCIES, EVENTS, REQUESTS
from shared.bus.management import Management
from shared.bus.rabbitmq import RabbitBus
from shared.bus.topology import topology
from shared.messages import FACTS
from shared.settings import PROJECT

FORBIDDEN = 403
CODES = ("dh", "sgtvt")
TOPOLOGY = topology({service: listens(service) for service in HANDLERS}, CODES)
DOCUMENT = yaml.safe_load((PROJECT / "docs/asyncapi.yaml").read_text(encoding="utf-8"))
Operation = tuple[str, str, str]  # what is done, to what, under which key


def _keys(exchange: str, topic: str) -> list[str]:
    """Under which a message of ``topic`` goes there, in anybody's name."""
    return {EVENTS: [topic], AGENCIES: list(CODES), REQUESTS: [f"{code}.{topic}" for code in CODES]}[exchange]


PUBLISHED = {
    ("publish", channel["address"], key)
    for channel in DOCUMENT["channels"].values()
    for name in channel["messages"]
    for key in _keys(channel["address"], DOCUMENT["components"]["messages"][name]["title"])
}
READ = {(verb, queue, "") for verb in ("get", "purge") for queue in TOPOLOGY.queues}
CHANGED = {
    *((verb, queue, "") for verb in ("declare queue", "delete queue") for queue in TOPOLOGY.queues),
    *((verb, name, "") for verb in ("declare exchange", "delete exchange") for name in TOPOLOGY.exchanges),
    *(("bind", binding.queue, binding.exchange) for binding in TOPOLOGY.bindings),
    *(("publish", "", queue) for queue in TOPOLOGY.queues),  # the nameless exchange leads into every queue
    *(("publish", name, "x") for name in TOPOLOGY.exchanges.keys() - {EVENTS, AGENCIES, REQUESTS}),
}
DO: dict[str, Callable[[Any, str, str], object]] = {
    "publish": lambda c, exchange, key: c.basic_publish(exchange, key, b"{}"),
    "get": lambda c, queue, _: c.basic_get(queue, auto_ack=True),
    "purge": lambda c, queue, _: c.queue_purge(queue),
    "declare queue": lambda c, queue, _: c.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"}),
    "delete queue": lambda c, queue, _: c.queue_delete(queue),
    "declare exchange": lambda c, name, _: c.exchange_declare(name, TOPOLOGY.exchanges[name], durable=True),
    "delete exchange": lambda c, name, _: c.exchange_delete(name),
    "bind": lambda c, queue, exchange: c.queue_bind(queue, exchange, "#"),
}


def _may(written: set[str], *queues: str) -> set[Operation]:
    """All of ``written``, and reading ``queues``; who reads may purge."""
    says = {one for one in PUBLISHED if one[1] in written}
    return says | {(verb, queue, "") for verb in ("get", "purge") for queue in queues}


ALLOWED: dict[str, set[Operation]] = {
    "svc.intake": _may({EVENTS}, "intake.inbox", "intake.crashed"),
    "svc.routing": _may({EVENTS}, "routing.inbox", "routing.crashed"),
    "svc.sla": _may({EVENTS, AGENCIES}, "sla.inbox", "sla.crashed", "agency.crashed"),
    "svc.notify": _may({EVENTS}, "notify.inbox", "notify.crashed"),
    "agency.dh": {one for one in _may({REQUESTS}, "agency.dh") if one[0] != "publish" or one[2].startswith("dh.")},
}


@pytest.fixture(scope="module")
def urls(rabbit, module_amqp_url) -> Iterator[dict[str, str]]:
    """User → AMQP URL, on a broker with everything declared."""
    RabbitBus(module_amqp_url, management_url=rabbit.management_url).apply(TOPOLOGY)
    where = urlsplit(module_amqp_url)
    passwords = {service: secrets.token_urlsafe() for service in HANDLERS}
    with Management(rabbit.management_url, where.path[1:]) as management:
        management.permit_services(passwords)
        users = {f"svc.{name}": password for name, password in passwords.items()} | {"agency.dh": management.provision_agency("dh")}
        yield {user: f"amqp://{user}:{password}@{where.hostname}:{where.port}{where.path}" for user, password in users.items()}
        for user in users:
            management.delete_user(user)
            management.close_connections(user)


def _works(connection: Any, operation: Operation) -> bool:
    verb, name, key = operation
    channel = connection.channel()
    channel.confirm_delivery()
    try:
        DO[verb](channel, name, key)
    except ChannelClosedByBroker as refused:
        if refused.reply_code != FORBIDDEN:
            raise
        return False
    channel.close()
    return True


@pytest.mark.parametrize("user", ALLOWED)
def test_a_user_may_do_what_is_its_own_and_nothing_else(urls, user):
    with pika.BlockingConnection(pika.URLParameters(urls[user])) as connection:
        worked = {operation for operation in PUBLISHED | READ | CHANGED if _works(connection, operation)}

    assert worked == ALLOWED[user]


def test_every_exchange_and_every_message_of_the_code_is_tried():
    exchanges = {name for verb, name, _ in PUBLISHED | CHANGED if verb in {"publish", "declare exchange"}}
    facts = {key for _, exchange, key in PUBLISHED if exchange == EVENTS}

    assert exchanges == {*TOPOLOGY.exchanges, ""}
    assert facts == {kind.topic for kinds in FACTS.values() for kind in kinds}
