"""The bus on PostgreSQL, for the embedded mode. Its rows and how they move are in ``statements``.

Only publishing waits for the disk: a take or an acknowledgement that a power cut undoes is one more delivery, which inboxes settle.
"""

import select
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

import psycopg2
from psycopg2.errors import InvalidSchemaName, UndefinedTable
from psycopg2.extensions import make_dsn
from sqlalchemy import create_engine, text

from shared.bus import BusDown, Delivery, Letter, statements
from shared.bus.statements import channel, expression, missing
from shared.bus.topology import ALTERNATES, CRASHED, Topology, crashed_key
from shared.database import KEEPALIVE, create_role, psycopg_url, role

MOST_ATTEMPTS = 20  # after the first delivery; then the message moves to the crashed ones, as by RabbitMQ's delivery-limit
LOOK_AGAIN = 1.0  # seconds between looks for dead takers and for calls that went unheard
NO_ROUTE = "returned: 312 NO_ROUTE"  # the words of AMQP
PATIENCE = 10.0  # seconds for one statement
ACTING = f"-c role={role('bus')} -c plan_cache_mode=force_generic_plan"
# a queue grows and shrinks faster than what the planner knows of it; its index is right at every size
BY_INDEX = "-c enable_seqscan=off -c enable_bitmapscan=off"


class PostgresBus:
    """``url`` is the one services have; publishers and consumers act as ``hoiam_bus``, :meth:`apply` as the owner."""

    blocked = False  # a full disk is a failure here, not a state

    def __init__(self, url: str) -> None:
        self._url = url

    def publisher(self, name: str) -> "_Publisher":
        """See :class:`shared.bus.Bus`. No sender is proven here, but a ``name`` that begins with ``agency.`` is believed:
        whoever may connect to this database may write anything into it."""
        return _Publisher(_Session(self._url, name, statements.PUBLISH), name)

    def consumer(self, queue: str, name: str, *, prefetch: int = 200) -> "_Consumer":
        """See :class:`shared.bus.Bus`."""
        session = _Session(self._url, name, statements.TAKE, statements.ACK, "SET synchronous_commit = off")
        try:
            return _Consumer(session, queue, prefetch)
        except BaseException:
            session.close()
            raise

    def depth(self, queue: str) -> int:
        """See :class:`shared.bus.Bus`."""
        with closing(_Session(self._url, "depth")) as session:
            rows = session.rows(statements.DEPTH, [queue])
        if not rows:
            raise LookupError(str(missing("queue", queue)))
        return int(rows[0][0])

    def apply(self, topology: Topology, *, prune: bool = False) -> None:
        """Add what is missing, all or nothing; ``prune`` also takes away bindings of these queues that ``topology`` doesn't name."""
        kinds = topology.exchanges
        exchanges = [(name, kind, ALTERNATES.get(name)) for name, kind in kinds.items()]
        bindings = [(b.exchange, b.pattern, b.queue, expression(kinds[b.exchange], b.pattern)) for b in topology.bindings]
        with _outages(), closing(psycopg2.connect(_dsn(self._url, "topology"))) as owner, owner, owner.cursor() as cursor:
            if prune:
                cursor.execute(statements.UNBIND, [list(topology.queues)])
            cursor.executemany(statements.ADD_EXCHANGE, exchanges)
            cursor.executemany(statements.ADD_QUEUE, [(queue,) for queue in topology.queues])
            cursor.executemany(statements.ADD_BINDING, bindings)


def create_schema(url: str) -> None:
    """Make schema ``bus`` and role ``hoiam_bus`` as the owner of the database; safe to repeat, and for two at once."""
    owner = create_engine(psycopg_url(url), connect_args=dict(KEEPALIVE))
    try:
        with owner.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('hoiam.migrate'))"))
            create_role(connection, role("bus"))
            connection.exec_driver_sql(statements.SCHEMA)
    finally:
        owner.dispose()


class _Session:
    """A connection of ``hoiam_bus`` on which each statement is a transaction; closed by the first failure."""

    def __init__(self, url: str, name: str, *preparations: str) -> None:
        options = f"{ACTING} {BY_INDEX} -c timezone=UTC -c statement_timeout={int(PATIENCE * 1000)}"
        with _outages():
            self.connection = psycopg2.connect(_dsn(url, name, options=options))
        self.connection.autocommit = True
        for preparation in preparations:
            self.run(preparation)

    def run(self, statement: str, values: Any = None) -> None:
        """Ask nothing back."""
        with self._cursor() as cursor:
            cursor.execute(statement, values)

    def rows(self, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
        """All that ``statement`` finds."""
        with self._cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def called(self) -> bool:
        """Whether a publisher has called since the last look; calls come with any answer of the database, or by themselves."""
        with self._failing():
            self.connection.poll()
        calls = bool(self.connection.notifies)
        self.connection.notifies.clear()
        return calls

    def close(self) -> None:
        """Safe to call twice."""
        self.connection.close()

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        with self._failing(), self.connection.cursor() as cursor:
            yield cursor

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            with _outages():
                yield
        except BaseException:
            self.close()
            raise


class _Publisher:
    def __init__(self, session: _Session, name: str) -> None:
        self._session, self._timeout = session, PATIENCE
        self._sender = name if name.startswith("agency.") else ""

    def publish(self, letters: Sequence[Letter], *, timeout: float = PATIENCE) -> list[str]:
        """See :class:`shared.bus.Publisher`. One statement and one commit, whatever the number."""
        if timeout != self._timeout:
            self._session.run("SET statement_timeout = %s", [max(1, int(timeout * 1000))])
            self._timeout = timeout
        names = ("exchange", "routing_key", "message_id", "type", "correlation_id", "traceparent")
        columns = [[getattr(letter, name) for letter in letters] for name in names]
        bodies = [psycopg2.Binary(letter.body) for letter in letters]
        values = [self._sender, *columns, bodies]
        reached = set(self._session.rows("EXECUTE publish (%s, %s, %s, %s, %s, %s, %s, %s)", values))
        verdicts = ["" if (letter.exchange, letter.routing_key) in reached else NO_ROUTE for letter in letters]
        if any(verdicts):
            self._check_exchanges({letter.exchange for letter in letters})
        return verdicts

    def close(self) -> None:
        """See :class:`shared.bus.Publisher`."""
        self._session.close()

    def _check_exchanges(self, names: set[str]) -> None:
        unknown = names - {name for (name,) in self._session.rows("SELECT name FROM bus.exchange")}
        if unknown:
            self.close()
            raise missing("exchange", min(unknown))


class _Consumer:
    def __init__(self, session: _Session, queue: str, prefetch: int) -> None:
        self._session, self._queue, self._prefetch = session, queue, prefetch
        self._taken: list[int] = []  # in the order of taking
        self._all_taken, self._looked_at = False, 0.0
        if not session.rows("SELECT FROM bus.queue WHERE name = %s", [queue]):
            raise missing("queue", queue)
        [(self._taker, _)] = session.rows(statements.NEW_TAKER)
        session.run(statements.ENLIST, [self._taker, queue])
        session.run(f'LISTEN "{channel(queue)}"')
        self._news = select.poll()
        self._news.register(session.connection.fileno(), select.POLLIN)

    def take(self, limit: int, wait: float) -> list[Delivery]:
        """See :class:`shared.bus.Consumer`."""
        end = time.monotonic() + wait
        while True:
            self._look_around()
            if found := self._grab(min(limit, self._prefetch - len(self._taken))):
                return found
            left = end - time.monotonic()
            if left <= 0:
                return []
            if not self._session.connection.notifies:  # a call that came with the answer just read is no news to the poll
                self._news.poll(min(left, LOOK_AGAIN) * 1000)

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """See :class:`shared.bus.Consumer`."""
        if deliveries:
            done = self._taken.index(deliveries[-1].tag) + 1
            self._session.run("EXECUTE ack (%s, %s, %s)", [self._queue, self._taker, self._taken[:done]])
            del self._taken[:done]

    def close(self) -> None:
        """See :class:`shared.bus.Consumer`."""
        with suppress(BusDown):  # then a twin finds this taker dead
            if not self._session.connection.closed:
                self._release([self._taker])
        self._session.close()

    def _grab(self, limit: int) -> list[Delivery]:
        """Asks nothing while it is known that nothing waits."""
        if self._session.called():
            self._all_taken = False
        if limit <= 0 or self._all_taken:
            return []
        rows = sorted(self._session.rows("EXECUTE take (%s, %s, %s)", [self._queue, self._taker, limit]))
        self._all_taken = len(rows) < limit
        self._taken += [row[0] for row in rows]
        return [_delivery(row) for row in rows]

    def _look_around(self) -> None:
        """Now and then: free what dead takers held, and believe no longer that nothing waits."""
        if time.monotonic() - self._looked_at < LOOK_AGAIN:
            return
        dead = [id_ for (id_,) in self._session.rows(statements.DEAD, [self._queue])]
        if dead:  # in a statement of its own: it must see everything they committed
            self._release(dead)
        self._all_taken, self._looked_at = False, time.monotonic()

    def _release(self, takers: list[int]) -> None:
        where = {"queue": self._queue, "key": crashed_key(self._queue), "exchange": CRASHED}
        self._session.run(statements.RELEASE, {"takers": takers, "limit": MOST_ATTEMPTS, **where})


def _delivery(row: tuple[Any, ...]) -> Delivery:
    tag, body, exchange, routing_key, message_id, sender, attempts = row
    return Delivery(
        body=bytes(body),
        exchange=exchange,
        routing_key=routing_key,
        message_id=message_id,
        sender=sender,
        attempts=attempts,
        tag=tag,
    )


def _dsn(url: str, name: str, **more: Any) -> str:
    plain = "postgresql://" + url.split("://", 1)[1]
    return make_dsn(plain, application_name=f"bus {name}"[:63], **KEEPALIVE, **more)


@contextmanager
def _outages() -> Iterator[None]:
    try:
        yield
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        raise BusDown(f"the bus on PostgreSQL: {str(error).strip()}") from error
    except (UndefinedTable, InvalidSchemaName) as error:
        raise BusDown("the bus has no tables in this database: run `hoiam migrate`") from error
