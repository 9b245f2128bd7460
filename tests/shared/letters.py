"""A small topology, and letters to send through it."""

from uuid import uuid4

from shared.bus import EVENTS, REQUESTS, Consumer, Delivery, Letter
from shared.bus.topology import Binding, topology
from tests.wait import until

LISTENS = {
    "sla": [Binding(EVENTS, "case.*", "sla.inbox"), Binding(EVENTS, "#.opened", "sla.inbox"), Binding(REQUESTS, "*.accept", "sla.inbox")],
    "notify": [Binding(EVENTS, "case.opened", "notify.inbox")],
}
TOPOLOGY = topology(LISTENS, ["dh", "sgtvt"])


def letter(routing_key: str = "case.opened", exchange: str = EVENTS, **fields) -> Letter:
    """To sla and notify, if not told otherwise."""
    usual = {"message_id": str(uuid4()), "type": "vn.hoiam.test.v1", "body": b"{}"}
    return Letter(exchange=exchange, routing_key=routing_key, **usual | fields)


def letters(count: int) -> list[Letter]:
    """To sla's inbox only, told apart by their ids."""
    return [letter("case.closed") for _ in range(count)]


def ids(items: list[Letter] | list[Delivery]) -> list[str]:
    """What they are called, in order."""
    return [item.message_id for item in items]


def take(consumer: Consumer, count: int) -> list[Delivery]:
    """``count`` deliveries, in as many takes as they need."""
    taken: list[Delivery] = []
    until(lambda: taken.extend(consumer.take(count - len(taken), 0.5)) or len(taken) >= count, what=f"{count} deliveries")
    return taken
