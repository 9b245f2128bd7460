"""Taking from a RabbitMQ queue: the I/O thread of a connection fills a queue in memory, the consumer's own thread empties it."""

from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from shared.bus import Delivery

Done = Callable[[Any], None]
Prepare = Callable[[Any, Done], object]  # gets a channel, and what to call when it is ready for use


class Line(Protocol):
    """What a consumer needs of its connection; the methods of ``channel`` are for what ``tell`` runs."""

    @property
    def channel(self) -> Any: ...

    def tell(self, request: Callable[[], object]) -> None: ...
    def check(self) -> None: ...
    def fail(self, why: str) -> None: ...
    def close(self) -> None: ...


class Consumer:
    """``connect`` opens a line that is ready when ``prepare`` says so, and calls back on the I/O thread when it fails."""

    def __init__(self, connect: Callable[[Prepare, Callable[[], None]], Line], queue: str, prefetch: int) -> None:
        self._queue, self._prefetch = queue, prefetch
        self._arrived: SimpleQueue[tuple[Any, Any, bytes] | None] = SimpleQueue()
        self._line = connect(self._begin, lambda: self._arrived.put(None))

    def take(self, limit: int, wait: float) -> list[Delivery]:
        """See :class:`shared.bus.Consumer`."""
        self._line.check()
        taken: list[Delivery] = []
        try:
            while len(taken) < limit:
                arrived = self._arrived.get_nowait() if taken else self._arrived.get(timeout=wait)
                if arrived is None:
                    self._line.check()
                else:
                    taken.append(_delivery(*arrived))
        except Empty:
            pass
        return taken

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """See :class:`shared.bus.Consumer`."""
        if deliveries:
            tag = deliveries[-1].tag
            self._line.tell(lambda: self._line.channel.basic_ack(tag, multiple=True))

    def close(self) -> None:
        """See :class:`shared.bus.Consumer`."""
        self._line.close()

    def _begin(self, channel: Any, done: Done) -> None:
        channel.add_on_cancel_callback(lambda _: self._line.fail(f"the queue {self._queue} is gone"))
        channel.basic_qos(prefetch_count=self._prefetch)
        channel.basic_consume(self._queue, lambda _, method, properties, body: self._arrived.put((method, properties, body)), callback=done)


def _delivery(method: Any, properties: Any, body: bytes) -> Delivery:
    return Delivery(
        body=body,
        exchange=method.exchange,
        routing_key=method.routing_key,
        message_id=properties.message_id or "",
        sender=properties.user_id or "",
        attempts=int((properties.headers or {}).get("x-delivery-count", 0)),
        tag=method.delivery_tag,
    )
