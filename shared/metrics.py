"""What Prometheus scrapes from every service: processing times, batches, what waits, and what the database says of itself.

Names, labels and meanings are written as plain words where a metric is made: docs/metrics.md is read from them (`hoiam pages`).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from importlib.metadata import version
from time import perf_counter
from typing import Any

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from shared import mailbox
from shared.database import Sessions
from shared.database_load import of_pool, of_server
from shared.errors import NotYet, Refused
from shared.messages import Message

TIMES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)

HANDLING = Histogram("hoiam_handling_seconds", "One transaction over one batch, inbox to commit", ["service"], buckets=TIMES)
BATCH = Histogram("hoiam_batch_messages", "Messages handled in one transaction", ["service"], buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500))
AGE = Histogram(
    "hoiam_message_age_seconds", "From the moment a thing happened until it was handled here", ["service", "topic"], buckets=TIMES
)
HANDLED = Counter("hoiam_handled_messages", "Messages from the bus by what became of them", ["service", "topic", "result"])
HELD = Counter("hoiam_held_messages", "Messages kept aside, by what was wrong", ["service", "code", "parked"])
PUBLISHED = Counter("hoiam_published_messages", "Messages confirmed by the bus, or not", ["service", "result"])
LEADING = Gauge("hoiam_relay_leading", "1 when this process publishes the outbox of its service", ["service"])
BLOCKED = Gauge("hoiam_bus_blocked", "1 while the bus takes no messages from this process", ["service"])
LOOP_AGE = Gauge("hoiam_loop_age_seconds", "Since each loop of the process last turned", ["service", "loop"])
REQUESTS = Histogram(
    "hoiam_http_request_seconds",
    "HTTP requests until their answer was sent, by route and class of status",
    ["service", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
BUILD = Gauge("hoiam_build_info", "Always 1; which release this process is of", ["service", "version"])

Gauges = Callable[[Session], Iterable[Metric]]


@contextmanager
def handling(service: str, messages: int) -> Iterator[None]:
    """Time one batch that comes to its end."""
    with HANDLING.labels(service).time():
        yield
    BATCH.labels(service).observe(messages)


@contextmanager
def request(service: str, scope: Any) -> Iterator[None]:
    """Time one request; its route (the pattern, as the gate noted it) and its status are in ``scope`` by the end of it."""
    began = perf_counter()
    try:
        yield
    finally:
        state = scope["state"]
        status = f"{state['answered'] // 100}xx" if "answered" in state else "none"  # none: whoever asked went away
        _requests(service, state.get("route", "unknown"), status).observe(perf_counter() - began)


@cache
def _requests(service: str, route: str, status: str) -> Histogram:
    """Finding a series by its labels costs as much as all the rest here."""
    return REQUESTS.labels(service, route, status)


def handled(service: str, message: Message, outcome: bool | Exception, at: datetime) -> None:
    """Count one delivery, and how old its news was at ``at``."""
    HANDLED.labels(service, message.topic, result(outcome)).inc()
    AGE.labels(service, message.topic).observe(max((at - message.at).total_seconds(), 0))


def result(outcome: bool | Exception) -> str:
    """The bounded set of words for what became of a message."""
    if isinstance(outcome, bool):
        return "done" if outcome else "repeated"
    if isinstance(outcome, Refused):
        return "refused"
    return "early" if isinstance(outcome, NotYet) else "failed"


def held(service: str, code: str, *, parked: bool) -> None:
    """Count one message put aside."""
    HELD.labels(service, code, "yes" if parked else "no").inc()


class Tables(Collector):
    """Reads at each scrape what waits in the mailbox, and what the service itself counts in its tables."""

    def __init__(self, service: str, engine: Engine, sessions: Sessions, gauges: Gauges) -> None:
        self.service, self.engine, self.sessions, self.gauges = service, engine, sessions, gauges

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """One short read-only transaction."""
        yield from of_pool(self.service, self.engine.pool)
        with self.sessions() as session:
            yield from waiting(self.service, session)
            yield from of_server(self.service, session)
            yield from self.gauges(session)


def waiting(service: str, session: Session) -> Iterator[GaugeMetricFamily]:
    """What waits in the mailbox of ``service``."""
    families = {
        "outbox_rows": GaugeMetricFamily("hoiam_outbox_rows", "Messages not sent yet", labels=["service"]),
        "outbox_age": GaugeMetricFamily(
            "hoiam_outbox_age_seconds", "Since the oldest message was said that is not sent yet", labels=["service"]
        ),
        "held_rows": GaugeMetricFamily("hoiam_held_rows", "Messages that wait for their next try", labels=["service"]),
        "held_age": GaugeMetricFamily(
            "hoiam_held_age_seconds", "Since the oldest message came that waits for its next try", labels=["service"]
        ),
        "parked_rows": GaugeMetricFamily("hoiam_parked_rows", "Messages that wait for a person", labels=["service"]),
        "parked_age": GaugeMetricFamily(
            "hoiam_parked_age_seconds", "Since the oldest message came that waits for a person", labels=["service"]
        ),
    }
    for name, value in mailbox.ages(session).items():
        families[name].add_metric([service], value)
        yield families[name]


def expose(service: str, engine: Engine, sessions: Sessions, gauges: Gauges, blocked: Callable[[], bool]) -> None:
    """Add the gauges of ``service`` to what this process shows; ``blocked`` says whether the bus takes nothing just now."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # when a series began is known to Prometheus itself
    REGISTRY.register(Tables(service, engine, sessions, gauges))
    BLOCKED.labels(service).set_function(blocked)
    BUILD.labels(service, version("hoiam")).set(1)
