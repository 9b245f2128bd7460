"""RabbitMQ behind the bus port, the only module that knows pika.

Every connection does its I/O on a thread of its own, so heartbeats go on while a batch is handled or nothing is published.
A connection that failed once is of no use any more: whoever holds it closes it and opens another.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, closing
from functools import partial
from typing import Any

import pika
from pika.adapters.select_connection import IOLoop
from pika.channel import Channel
from pika.exceptions import AMQPError

from shared.bus import NACKED, BusDown, Letter
from shared.bus.confirms import Batch
from shared.bus.declaring import declarations
from shared.bus.management import Management
from shared.bus.receiving import Consumer, Done, Prepare
from shared.bus.topology import Topology
from shared.clock import now

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
PERSISTENT = 2
HEARTBEAT, BLOCKED_TIMEOUT, SOCKET_TIMEOUT = 10, 30, 5  # seconds
PATIENCE = 10.0  # seconds for opening a connection, or one answer
FAREWELL = 2.0  # seconds for closing in good order
NOT_FOUND = 404


def _nothing() -> None:
    return None


class _Loop(IOLoop):  # type: ignore[misc]  # pika has no types
    """pika's loop, which knows its sockets: a graceful end needs an answer, and a stuck or blocked broker gives none."""

    def __init__(self) -> None:
        super().__init__()
        self._sockets: set[int] = set()

    def add_handler(self, fd: int, handler: Callable[[int, int], None], events: int) -> None:
        self._sockets.add(fd)
        super().add_handler(fd, handler, events)

    def remove_handler(self, fd: int) -> None:
        self._sockets.discard(fd)
        super().remove_handler(fd)

    def cut(self) -> None:
        """End the stream under pika, which then cleans up as after any lost connection."""
        for fd in self._sockets:
            with socket.socket(fileno=os.dup(fd)) as twin:
                twin.shutdown(socket.SHUT_RDWR)


class _Connection:
    """One connection with one channel. ``prepare`` runs when the channel is open and says when it is ready for use.

    Used by one thread, served by another. ``on_failure`` is called on the I/O thread. Raises :class:`BusDown` when it can't be opened.
    """

    def __init__(self, bus: "RabbitBus", name: str, prepare: Prepare, on_failure: Callable[[], None] = _nothing) -> None:
        self._bus, self._prepare, self._on_failure = bus, prepare, on_failure
        self._loop = _Loop()
        self._connection: pika.SelectConnection | None = None
        self._channel: Channel | None = None
        self._why, self._reason = "", None  # type: str, BaseException | None
        self._blocked = False
        self._answer: Future[Any] = Future()
        self._thread = threading.Thread(target=self._run, args=(bus.parameters(name),), name=f"amqp {name}", daemon=True)
        self._thread.start()
        try:
            self._wait(self._answer, PATIENCE)
        except BaseException:
            self.close()
            raise

    @property
    def channel(self) -> Channel:
        """For use in what :meth:`ask` and :meth:`tell` run."""
        return self._channel

    def ask(self, request: Callable[[Done], object], timeout: float = PATIENCE) -> Any:
        """Run ``request`` on the I/O thread and wait until it, or what it began, calls back."""
        self._answer = answer = Future[Any]()  # before the look at the failure: one of the two threads sees the other
        self.tell(partial(request, partial(self._resolve, answer)))
        return self._wait(answer, timeout)

    def tell(self, request: Callable[[], object]) -> None:
        """Run ``request`` on the I/O thread, soon."""
        self.check()
        self._loop.add_callback_threadsafe(partial(self._guarded, request))

    def check(self) -> None:
        """Raises :class:`BusDown` when the connection is known to have failed."""
        if self._why:
            raise BusDown(self._why) from self._reason

    def fail(self, why: str, reason: BaseException | None = None) -> None:
        """On the I/O thread: nothing more can be done here."""
        if not self._why:
            self._why, self._reason = why, reason
            self._on_failure()
        if not self._answer.done():
            self._answer.set_exception(BusDown(why))
        if self._connection is not None and self._connection.is_open:
            self._connection.close()

    def close(self) -> None:
        """In good order if the broker answers in time; safe to call twice."""
        self._why = self._why or "this connection was closed"
        self._loop.add_callback_threadsafe(self._loop.cut if self._blocked else self._part)
        self._thread.join(FAREWELL)
        if self._thread.is_alive():
            self._loop.add_callback_threadsafe(self._loop.cut)
            self._thread.join(FAREWELL)

    def _part(self) -> None:
        if self._connection is not None and not (self._connection.is_closing or self._connection.is_closed):
            self._connection.close()

    def _wait(self, answer: "Future[Any]", timeout: float) -> Any:
        try:
            return answer.result(timeout)
        except TimeoutError:
            self._why = self._why or f"RabbitMQ did not answer within {timeout:g} s"
        except BusDown:
            pass  # the same with its reason
        raise BusDown(self._why) from self._reason

    def _run(self, parameters: pika.connection.Parameters) -> None:
        try:
            self._connection = pika.SelectConnection(parameters, self._on_open, self._on_end, self._on_end, custom_ioloop=self._loop)
            self._loop.start()
        except Exception as error:  # noqa: BLE001 - whatever ends this thread, its owner must hear of it
            self.fail(f"{type(error).__name__}: {error}", error)
        finally:
            self._loop.close()

    def _guarded(self, request: Callable[[], object]) -> None:
        try:
            request()
        except AMQPError as error:
            self.fail(f"{type(error).__name__}: {error}", error)

    @staticmethod
    def _resolve(answer: "Future[Any]", value: Any) -> None:
        if not answer.done():
            answer.set_result(value)

    def _on_open(self, connection: pika.SelectConnection) -> None:
        connection.add_on_connection_blocked_callback(self._on_blocked)
        connection.add_on_connection_unblocked_callback(lambda *_: self._bus.took(True))
        connection.channel(on_open_callback=self._on_channel)

    def _on_channel(self, channel: Channel) -> None:
        self._channel = channel
        channel.add_on_close_callback(lambda _, reason: self.fail(_said(reason), reason))
        self._prepare(channel, partial(self._resolve, self._answer))

    def _on_blocked(self, _: pika.SelectConnection, frame: Any) -> None:
        self._blocked = True
        self._bus.took(False)
        self.fail(f"RabbitMQ takes no messages now: {frame.method.reason}")

    def _on_end(self, _: pika.SelectConnection, reason: BaseException) -> None:
        self.fail(_said(reason), reason)
        self._loop.stop()


def _said(reason: BaseException) -> str:
    """What the broker said, else what pika calls it."""
    code, text = getattr(reason, "reply_code", None), getattr(reason, "reply_text", "")
    return f"RabbitMQ said {code} {text}" if code else f"no connection to RabbitMQ: {reason!r}"


class _Publisher:
    def __init__(self, bus: "RabbitBus", name: str) -> None:
        self._bus, self._name, self._sent = bus, name, 0
        self._batch: Batch | None = None
        self._connection = _Connection(bus, name, self._begin)

    def publish(self, letters: Sequence[Letter], *, timeout: float = PATIENCE) -> list[str]:
        """See :class:`shared.bus.Publisher`."""
        if not letters:
            self._connection.check()
            return []
        verdicts: list[str] = self._connection.ask(partial(self._send, letters), timeout)
        self._bus.took(True)
        return verdicts

    def close(self) -> None:
        """See :class:`shared.bus.Publisher`."""
        self._connection.close()

    def _begin(self, channel: Channel, done: Done) -> None:
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(self._on_confirm, callback=done)

    def _send(self, letters: Sequence[Letter], done: Done) -> None:
        """All at once; the broker's answers come while the I/O thread is back in its loop."""
        self._batch = Batch(letters, self._sent + 1, done)
        self._sent += len(letters)
        publish, at = self._connection.channel.basic_publish, int(now().timestamp())
        for letter in letters:
            publish(letter.exchange, letter.routing_key, letter.body, self._properties(letter, at), mandatory=True)

    def _properties(self, letter: Letter, at: int) -> pika.BasicProperties:
        return pika.BasicProperties(
            content_type=CONTENT_TYPE,
            headers={"traceparent": letter.traceparent} if letter.traceparent else None,
            delivery_mode=PERSISTENT,
            correlation_id=letter.correlation_id or None,
            message_id=letter.message_id,
            timestamp=at,
            type=letter.type,
            user_id=self._bus.user,
            app_id=self._name,
        )

    def _on_return(self, _: Channel, method: Any, properties: pika.BasicProperties, __: bytes) -> None:
        assert self._batch
        reason = f"returned: {method.reply_code} {method.reply_text}"
        self._batch.send_back(method.exchange, method.routing_key, properties.message_id, reason)

    def _on_confirm(self, frame: Any) -> None:
        assert self._batch
        reason = NACKED if isinstance(frame.method, pika.spec.Basic.Nack) else ""
        self._batch.settle(frame.method.delivery_tag, multiple=frame.method.multiple, reason=reason)


class RabbitBus:
    """``url`` is amqp(s)://user:password@host:port/vhost. ``management_url`` is only needed by :meth:`apply`."""

    def __init__(self, url: str, *, management_url: str = "") -> None:
        logging.getLogger("pika").setLevel(logging.CRITICAL)  # it logs the beginnings of bodies
        self._url, self._management_url = url, management_url
        self.user: str = self.parameters("").credentials.username
        self.blocked = False

    def took(self, messages: bool) -> None:
        """What the last connection learned: whether the broker takes messages, or has blocked us (short of memory or disk)."""
        self.blocked = not messages

    def parameters(self, name: str) -> pika.URLParameters:
        """For one connection that shows as ``name``."""
        parameters = pika.URLParameters(self._url)
        parameters.heartbeat = HEARTBEAT
        parameters.blocked_connection_timeout = BLOCKED_TIMEOUT
        parameters.socket_timeout = SOCKET_TIMEOUT
        parameters.client_properties = {"connection_name": name}
        return parameters

    def publisher(self, name: str) -> _Publisher:
        """See :class:`shared.bus.Bus`."""
        return _Publisher(self, name)

    def consumer(self, queue: str, name: str, *, prefetch: int = 200) -> Consumer:
        """See :class:`shared.bus.Bus`."""
        return Consumer(partial(_Connection, self, name), queue, prefetch)

    def depth(self, queue: str) -> int:
        """See :class:`shared.bus.Bus`."""
        with closing(self._session("depth")) as session:
            try:
                found = session.ask(lambda done: session.channel.queue_declare(queue, passive=True, callback=done))
            except BusDown as down:
                if getattr(down.__cause__, "reply_code", 0) == NOT_FOUND:
                    raise LookupError(f"there is no queue {queue!r}: run `hoiam topology apply`") from None
                raise
        return int(found.method.message_count)

    def apply(self, topology: Topology, *, prune: bool = False) -> None:
        """Declare what is missing; ``prune`` also takes away bindings of these queues that ``topology`` doesn't name.

        Policies come first: until RabbitMQ 4.3 a queue keeps the delivery limit it was made under. Policies and pruning need the
        management API; without its URL they are left out.
        Raises :class:`BusDown` with the broker's words, also when something is there under the same name and made otherwise.
        """
        with ExitStack() as stack:
            if self._management_url:
                management = stack.enter_context(Management(self._management_url, self.parameters("").virtual_host))
                management.set_policies(topology)
                if prune:
                    management.prune_bindings(topology)
            session = stack.enter_context(closing(self._session("topology")))
            for declaration in declarations(session.channel, topology):
                session.ask(declaration)

    def _session(self, name: str) -> _Connection:
        return _Connection(self, name, lambda _, done: done(None))
