"""Topology said in AMQP: durable exchanges, quorum queues, bindings. What is there already and made the same way stays as it is."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from shared.bus.topology import ALTERNATES, Binding, Topology

Declaration = Callable[[Callable[[Any], None]], object]  # gets what to call when the broker has answered


def declarations(channel: Any, topology: Topology) -> Iterator[Declaration]:
    """In an order in which each finds what it needs."""
    for name, kind in topology.exchanges.items():
        yield partial(_exchange, channel, name, kind)
    for name in topology.queues:
        yield partial(_queue, channel, name)
    for binding in topology.bindings:
        yield partial(_bind, channel, binding)


def _exchange(channel: Any, name: str, kind: str, done: Callable[[Any], None]) -> None:
    alternate = {"alternate-exchange": ALTERNATES[name]} if name in ALTERNATES else {}
    channel.exchange_declare(name, kind, durable=True, arguments=alternate, callback=done)


def _queue(channel: Any, name: str, done: Callable[[Any], None]) -> None:
    """The kind is the only argument: arguments can't be changed later, policies can."""
    channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"}, callback=done)


def _bind(channel: Any, binding: Binding, done: Callable[[Any], None]) -> None:
    channel.queue_bind(binding.queue, binding.exchange, binding.pattern, callback=done)
