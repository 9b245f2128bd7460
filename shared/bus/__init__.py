"""The bus port: topic exchanges, durable queues, confirmed publishing, manual acknowledgement.

Two adapters keep these promises alike (``tests/shared/test_bus.py`` runs against both): ``rabbitmq`` for a province,
``postgres`` for the embedded mode. Nothing else in the project knows which one is in use.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

EVENTS = "hoiam.events"  # topic: facts, routing key = topic of the message
AGENCIES = "hoiam.agencies"  # direct: work for agencies, routing key = agency code
NACKED = "nacked"  # the reason of what a queue did not take: it is full, or has no leader
REQUESTS = "hoiam.requests"  # topic: from agencies, routing key = <agency>.<request>


class BusDown(Exception):  # noqa: N818 - an outage
    """The bus can't be reached or did not answer in time; what was not confirmed may or may not have arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message ready to send: one row of an outbox."""

    exchange: str
    routing_key: str
    message_id: str
    type: str
    body: bytes
    correlation_id: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message as it came from a queue.

    ``sender`` is the publisher's user name as the bus proves it (AMQP ``user_id``), empty when it proves nothing;
    ``attempts`` counts the earlier deliveries of this message; ``tag`` is the bus's own handle for acknowledging.
    """

    body: bytes
    exchange: str
    routing_key: str
    message_id: str
    sender: str
    attempts: int
    tag: int


class Publisher(Protocol):
    """Used by one thread only."""

    def publish(self, letters: Sequence[Letter], *, timeout: float = 10.0) -> list[str]:
        """Send all, then wait once for all confirms; per letter "" when it is safe in a queue, else the reason it isn't.

        Raises :class:`BusDown` when the connection is lost or ``timeout`` seconds pass (unconfirmed is not unsent).
        """

    def close(self) -> None:
        """Give back the connection; safe to call twice."""


class Consumer(Protocol):
    """One queue, competing with its twins; used by one thread only."""

    def take(self, limit: int, wait: float) -> list[Delivery]:
        """Whatever is waiting, at most ``limit``, oldest first; blocks up to ``wait`` seconds only while nothing is.

        Raises :class:`BusDown`; everything taken and not acknowledged is then delivered again, to whoever asks.
        """

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Done with these: all that was taken up to and including the last of them."""

    def close(self) -> None:
        """Give back the connection and whatever was not acknowledged; safe to call twice."""


class Bus(Protocol):
    """A way to reach the bus; opening a publisher or consumer connects, and raises :class:`BusDown` when it can't."""

    blocked: bool  # the bus takes no messages just now, being short of memory or disk; as the last publisher found it

    def publisher(self, name: str) -> Publisher:
        """``name`` shows in the bus's own list of connections."""

    def consumer(self, queue: str, name: str, *, prefetch: int = 200) -> Consumer:
        """Reads ``queue``, holding at most ``prefetch`` unacknowledged."""

    def depth(self, queue: str) -> int:
        """Messages waiting in ``queue``, those taken and not acknowledged left out. Raises :class:`LookupError` for no such queue."""
