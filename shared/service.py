"""The run loop: one process of one service is its HTTP API, its consumer, its relay, its ticker, and a graceful end.

Only here and in ``shared.handling`` may ``Exception`` be caught: a loop that fails logs, waits and begins anew with fresh connections.
"""

import gc
import random
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field

import structlog
import uvicorn
from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.types import ASGIApp

from shared import metrics, tracing
from shared.access import TokenVerifier
from shared.bus import Bus
from shared.bus.connect import connect
from shared.bus.topology import crashed, inbox
from shared.clock import now
from shared.database import engine, sessions
from shared.group_commit import GroupCommit
from shared.handling import Handler, Handling, Preload
from shared.limits import Rate
from shared.mailbox import prune
from shared.messages import Tick
from shared.metrics import Gauges
from shared.openapi import Examples
from shared.origins import Origins, no_origins
from shared.patience import PatientProtocol
from shared.relay import Relay
from shared.settings import Settings
from shared.straight import Answer
from shared.watchdog import Watchdog
from shared.web import Desk, Gate, PortalIn, PortalOf, application, no_portal, no_portals

PRUNE_EVERY = 3600  # ticks
YOUNG = (20_000, 50, 50)  # objects, and generations: a batch makes thousands that all die with it; looking for rings at 700 cost 6 %
MOST_ROUNDS = 50  # of a tick's work before the loop shows again that it lives

log = structlog.get_logger()
Beat = Callable[[], bool]
Work = Callable[[Handling, Beat], None]


def calm_collector() -> None:
    """What is in memory by now stays: it needn't be walked through again and again for what is no longer used, nor the rest so often."""
    gc.freeze()
    gc.set_threshold(*YOUNG)


def steadily(step: Callable[[Session], int], *, full: int, rest: float = 1.0) -> Work:
    """A further loop: ``step`` in a transaction of its own, again and again, with ``rest`` seconds of rest where it did less than ``full``.

    What comes meanwhile is done together: a transaction for each case or notice that moves costs many times as much.
    """

    def work(handling: Handling, beat: Beat) -> None:
        while beat():
            if handling.keep(step) < full:
                time.sleep(rest)

    return work


def timely(handler: Handler, rest: float = 1.0) -> Work:
    """A further loop: ``handler`` hears the time every ``rest`` seconds, in a transaction of its own, and what it says is sent."""

    def work(handling: Handling, beat: Beat) -> None:
        next_at = 0.0
        while beat():
            if time.monotonic() >= next_at:
                tick = Tick(at=now())
                handling.run(lambda session, tick=tick: handler(tick, session))  # type: ignore[misc]  # bound now on purpose
                next_at = time.monotonic() + rest
            time.sleep(min(rest, 1.0))  # a process that stops waits for nobody's rest

    return work


@dataclass(frozen=True, kw_only=True)
class Service:
    """Everything that makes one service this one and not another. ``works`` are further loops (notify's delivery).

    ``body_limits`` are bytes of a request body by its path, where the settings' own limit is not enough: regular expressions to search for.
    ``straight`` are the routes that go past FastAPI (``shared.straight``), ``around`` is put around the whole HTTP application (intake's
    errors in Open311's words), ``examples`` are for its OpenAPI document.
    """

    name: str
    port: int
    handlers: Mapping[type, Handler]
    api: Callable[[Desk], APIRouter]
    gauges: Gauges
    preload: Preload = lambda _messages, _session: None
    examples: Examples = field(default_factory=dict)
    portal_of: Callable[[Desk], PortalOf] = lambda _desk: no_portals
    portal_in: Callable[[Desk], PortalIn] = lambda _desk: no_portal
    origins: Callable[[Desk], Origins] = lambda _desk: no_origins
    works: Mapping[str, Work] = field(default_factory=dict)
    straight: Callable[[Desk], Mapping[str, Answer]] = lambda _desk: {}
    body_limits: Mapping[str, int] = field(default_factory=dict)
    around: Callable[[ASGIApp], ASGIApp] = lambda app: app


class Process:
    """One running instance of ``service``. ``run`` blocks until SIGTERM or SIGINT; tests use ``start`` and ``stop``."""

    def __init__(self, service: Service, settings: Settings) -> None:
        self.service, self.settings = service, settings
        self.engine = engine(settings.database_url, service.name, pool=settings.pool)
        self.bus: Bus = connect(settings)
        self.wake, self.stopping, self.drained = threading.Event(), threading.Event(), threading.Event()
        self.watchdog = Watchdog(service.name)
        self.handling = Handling(
            service=service.name,
            handlers=service.handlers,
            sessions=sessions(self.engine),
            preload=service.preload,
            committed=self.wake.set,
        )
        self.app = self._application()
        self._threads: list[threading.Thread] = []

    def run(self) -> None:
        """Serve until told to stop, then finish what was taken."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self.stopping.set())
        metrics.expose(self.service.name, self.engine, self.handling.sessions, self.service.gauges, lambda: self.bus.blocked)
        stop_tracing = tracing.start(self.service.name, self.settings.otel_exporter_otlp_endpoint)
        self.start()
        try:
            self._serve()
        finally:
            self.stop()
            stop_tracing()

    def start(self) -> None:
        """Begin every loop but HTTP."""
        calm_collector()
        self._spawn("consumer", self._consume, self.stopping)
        self._spawn("crashed", self._collect_crashed, self.stopping)
        self._spawn("ticker", self._tick, self.stopping)
        for name, work in self.service.works.items():
            self._spawn(name, lambda beat, work=work: work(self.handling, beat), self.stopping)  # type: ignore[misc]  # bound now on purpose
        relay = Relay(self.service.name, self.engine, self.bus, self.wake, at_once=self.settings.relay_batch)
        self._spawn("relay", relay.run, self.drained)
        threading.Thread(target=self.watchdog.watch, args=(self.drained,), name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """End the loops: consumer, ticker and works first, the relay when their last words are sent."""
        self.stopping.set()
        *others, relay = self._threads
        for thread in others:
            thread.join(self.settings.drain_seconds)
        self.drained.set()
        self.wake.set()
        relay.join(self.settings.drain_seconds)
        self.engine.dispose()

    def _application(self) -> ASGIApp:
        settings = self.settings
        group = GroupCommit(self.handling, batch=settings.batch, limit=settings.writer_limit)
        desk = Desk(service=self.service.name, sessions=self.handling.sessions, commit=group.handle)
        tokens = TokenVerifier(
            public_key=settings.jwt_public_key,
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            revoked=frozenset(settings.jwt_revoked.split()),
        )
        gate = Gate(
            tokens=tokens,
            portal_of=self.service.portal_of(desk),
            portal_in=self.service.portal_in(desk),
            origins=self.service.origins(desk),
            anonymous=Rate(settings.public_rate, settings.public_burst),
            trusted=settings.trusted_proxies,
        )
        app = application(
            desk,
            [self.service.api(desk)],
            gate,
            settings,
            group,
            self.watchdog,
            straight=self.service.straight(desk),
            body_limits=self.service.body_limits,
            examples=self.service.examples,
        )
        return self.service.around(app)

    def _serve(self) -> None:
        config = uvicorn.Config(
            self.app,
            host=self.settings.http_host,
            port=self.settings.http_port or self.service.port,
            http=PatientProtocol,
            proxy_headers=False,  # the gate reads them itself
            log_config=None,
            access_log=False,
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=int(self.settings.drain_seconds) or 1,
            timeout_keep_alive=30,
        )
        uvicorn.Server(config).run()

    def _spawn(self, name: str, work: Callable[[Beat], None], stopping: threading.Event) -> None:
        beat = self.watchdog.beat(name, stopping)
        thread = threading.Thread(target=self._keep, args=(name, work, beat, stopping), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _keep(self, name: str, work: Callable[[Beat], None], beat: Beat, stopping: threading.Event) -> None:
        pause = 0.1
        while beat():
            try:
                work(beat)
                pause = 0.1
            except Exception as error:  # noqa: BLE001 - the loop must live; connections are thrown away and built anew
                log.warning("loop failed, trying again", loop=name, error=f"{type(error).__name__}: {error}"[:300], pause=round(pause, 1))
                stopping.wait(pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
                pause = min(pause * 2, 5.0)
        self.watchdog.ended(name)

    def _consume(self, beat: Beat) -> None:
        queue, name = inbox(self.service.name), f"hoiam-{self.service.name}"
        with closing(self.bus.consumer(queue, name, prefetch=self.settings.prefetch)) as consumer:
            while beat():
                deliveries = consumer.take(self.settings.batch, 1.0)
                if deliveries:
                    self.handling.deliveries(deliveries, now())
                    consumer.ack(deliveries)

    def _collect_crashed(self, beat: Beat) -> None:
        """What the bus gave up delivering comes where a person sees it."""
        queue, name = crashed(self.service.name), f"hoiam-{self.service.name}-crashed"
        with closing(self.bus.consumer(queue, name, prefetch=self.settings.prefetch)) as consumer:
            while beat():
                deliveries = consumer.take(self.settings.batch, 1.0)
                if deliveries:
                    self.handling.park(deliveries, now())
                    consumer.ack(deliveries)

    def _tick(self, beat: Beat) -> None:
        ticks = 0
        while beat():
            at = now()
            self.handling.retry_due(at)
            for _ in range(MOST_ROUNDS):
                if not self.handling.tick(at):
                    break
            if ticks % PRUNE_EVERY == 0:
                self._prune()
            ticks += 1
            self.stopping.wait(self.settings.tick_seconds)

    def _prune(self) -> None:
        for _ in range(MOST_ROUNDS):
            with self.handling.sessions.begin() as session:
                if not prune(session, now()):
                    return
