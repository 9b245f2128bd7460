"""The four services' own handlers, relays and loops over real databases; the bus, the clock and every misfortune are ours."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg2
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from services.cli.system import HANDLERS, load_all, migrate_all, whole_topology
from services.intake import store as intake
from services.notify import store as notify
from services.routing import store as routing
from services.sla import store as sla
from shared.bus import BusDown, Delivery
from shared.bus.topology import inbox
from shared.database import engine, psycopg_url, sessions
from shared.envelope import Envelope
from shared.handling import Handler, Handling, Outcome
from shared.messages import Message
from shared.province import Province
from shared.relay import Relay
from tests.builders import MONDAY
from tests.faults.simulation.bus import Killed, SimulatedBus, SimulatedPublisher
from tests.faults.simulation.story import SERVICES

PRELOADS = {"intake": intake.preload, "routing": routing.preload, "sla": sla.preload, "notify": notify.preload}
ACK_FIRST, NO_CONFIRMS = "acknowledges before it commits", "takes what was sent for safe"
PATIENCE = 3  # how often a handler may fail at one message: a fifth time would park it, and a person would have to look


@dataclass
class Fate:
    """What is to go wrong in one service until it did, or until the step is over."""

    how: str = ""
    number: int = 0
    commits: int = 0
    broken: str = ""
    failed: Counter[str] = field(default_factory=Counter)

    def at(self, moment: str) -> None:
        """Dies at the first or a later commit of the step; what failed without a trace fails once."""
        if self.how == moment:
            self.commits += 1
            if self.commits > self.number % 2:
                self.how = ""
                raise Killed
        if self.how == "database away" and moment == "before commit":
            self.how = ""
            raise OperationalError("", None, psycopg2.OperationalError("the database is away"))  # type: ignore[arg-type]

    def begin(self, how: str, number: int) -> None:
        self.how, self.number, self.commits, self.broken = how, number, 0, ""

    def handling(self, message: Message) -> None:
        """A handler breaks at the first message it sees, however often it comes within the step."""
        name = f"{message.topic} {message.report_id} {message.at}"
        if self.how == "handler fails" and not self.broken and self.failed[name] < PATIENCE:
            self.broken = name
            self.failed[name] += 1
        if name == self.broken:
            raise RuntimeError("a handler broke")


@dataclass(frozen=True, kw_only=True)
class Watched(Handling):
    """Counts what came again and was known."""

    stopped: Counter[str]

    def together(self, envelopes: Sequence[Envelope], at: datetime | None = None) -> list[Outcome]:
        outcomes = super().together(envelopes, at)
        self.stopped[self.service] += outcomes.count(False)
        return outcomes


class World:
    """One database and one bus for many stories, one after the other. ``flaw`` makes it a build that must not be shipped."""

    def __init__(self, url: str, province: Province) -> None:
        migrate_all(url, lambda _: None)
        load_all(url, province, MONDAY, lambda _: None)
        self.url, self.flaw = url, ""
        self.bus = SimulatedBus(whole_topology(province))
        self.now = MONDAY
        self.stopped = Counter[str]()
        self.spoke: set[str] = set()  # whose outbox may hold something: nobody else's need be looked into
        self.fates = {name: Fate() for name in SERVICES}
        self._stack = ExitStack()
        self._owner = create_engine(psycopg_url(url))
        self._stack.callback(self._owner.dispose)
        self._engines = {name: self._engine(name) for name in SERVICES}
        self.handlings = {name: self._handling(name) for name in SERVICES}
        self._publishers = {name: SimulatedPublisher(self.bus, f"svc.{name}") for name in SERVICES}
        self._relays = {name: self._relay(name) for name in SERVICES}

    def close(self) -> None:
        self._stack.close()

    def begin(self) -> None:
        """Empty, on Monday morning, nothing said yet; what must not be emptied is the province."""
        self.bus.clear()
        self.now = MONDAY
        self.stopped.clear()
        self.spoke.clear()
        self.fates.update({name: Fate() for name in SERVICES})
        with self._owner.begin() as connection:
            tables = connection.scalars(text(_TABLES), {"schemas": list(SERVICES)}).all()
            connection.execute(text(f"TRUNCATE {', '.join(tables)}"))

    # --- what a service does -----------------------------------------------------------------------------------------------

    def ask(self, service: str, envelope: Envelope, how: str = "", number: int = 0) -> Outcome | None:
        """Over HTTP: what came of it, None when there was no answer."""
        with self._going_wrong(service, how, number) as died:
            [outcome] = self.handlings[service].batch([envelope], self.now)
        return None if died else outcome

    def deliver(self, service: str, how: str = "", number: int = 0) -> int:
        """One turn of its consumer; how much it took."""
        queue = inbox(service)
        parcels = self.bus.take(queue, 1 + number % 20, self.now)
        deliveries = [parcel.delivery for parcel in parcels]
        acknowledged = False
        with self._going_wrong(service, how, number):
            self.handle(service, deliveries)
            if how == "before ack":
                raise Killed
            acknowledged = how != "lost ack"
        if not acknowledged and self.flaw != ACK_FIRST:
            self.bus.give_back(queue, parcels)
        return len(parcels)

    def handle(self, service: str, deliveries: Sequence[Delivery]) -> None:
        if deliveries:
            self.handlings[service].deliveries(deliveries, self.now)

    def relay(self, service: str, how: str = "", number: int = 0) -> int:
        """One turn of its relay, on a connection of its own."""
        if service not in self.spoke:
            return 0
        publisher = self._publishers[service]
        publisher.fault, publisher.number, publisher.believes = how, number, self.flaw == NO_CONFIRMS
        moments = {"before the deletion": "before commit", "after the deletion": "after commit"}
        sent = 0
        with self._going_wrong(service, moments.get(how, how), 1), Session(self._engines[service]) as session:
            event.listen(session, "before_commit", lambda _: self.fates[service].at("before commit"))
            event.listen(session, "after_commit", lambda _: self.fates[service].at("after commit"))
            sent = self._relays[service].send(session, publisher)
            if not sent and not how:
                self.spoke.discard(service)
        return sent

    def tick(self, service: str, how: str = "", number: int = 0) -> int:
        """Held messages and clocks whose time has come; how much was done."""
        done = 0
        with self._going_wrong(service, how, number):
            done += self.handlings[service].retry_due(self.now)
            done += self.handlings[service].tick(self.now)
        return done

    def work(self, service: str, job: Callable[[Handling], object], how: str = "", number: int = 0) -> None:
        """One turn of a further loop."""
        with self._going_wrong(service, how, number):
            job(self.handlings[service])

    def unblock(self) -> None:
        """Blocked destinations wait by the database's clock, which is not ours."""
        for service in SERVICES:
            with self.rooms(service).begin() as session:
                session.execute(text("UPDATE outbox SET blocked_until = NULL WHERE blocked_until IS NOT NULL"))
            self._relays[service]._full.clear()
        self.spoke.update(SERVICES)

    def rooms(self, service: str) -> Any:
        return self.handlings[service].sessions

    # --- how it is made -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _going_wrong(self, service: str, how: str, number: int) -> Iterator[list[str]]:
        """Whatever ends a process or a turn of a loop ends here, and the next one begins anew."""
        fate, died = self.fates[service], list[str]()
        fate.begin(how, number)
        try:
            yield died
        except (Killed, BusDown, OperationalError) as reason:
            died.append(repr(reason))
            self.spoke.add(service)
        finally:
            fate.begin("", 0)

    def _engine(self, service: str) -> Engine:
        made = engine(self.url, service, pool=3)
        self._stack.callback(made.dispose)
        return made

    def _handling(self, service: str) -> Watched:
        made = sessions(self._engines[service])
        event.listen(made, "before_commit", lambda _: self.fates[service].at("before commit"))
        event.listen(made, "after_commit", lambda _: self.fates[service].at("after commit"))
        handlers = self._breakable(service)
        return Watched(
            service=service,
            handlers=handlers,
            sessions=made,
            preload=PRELOADS[service],
            committed=lambda: self.spoke.add(service),
            stopped=self.stopped,
        )

    def _breakable(self, service: str) -> dict[type, Handler]:
        def breakable(handler: Handler) -> Handler:
            def handle(message: Any, session: Session) -> Sequence[Message]:
                if isinstance(message, Message):
                    self.fates[service].handling(message)
                return handler(message, session)

            return handle

        known: Mapping[type, Handler] = HANDLERS[service]
        return {kind: breakable(handler) for kind, handler in known.items()}

    def _relay(self, service: str) -> Relay:
        return Relay(service, self._engines[service], self.bus, threading.Event(), at_once=100)  # type: ignore[arg-type]


_TABLES = """
SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables
WHERE schemaname = ANY(:schemas) AND tablename NOT IN ('alembic_version', 'provinces', 'province')
"""
