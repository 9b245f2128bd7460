"""What Prometheus scrapes from every service: processing times, batches, and what waits."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from shared import mailbox
from shared.database import Sessions
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

Gauges = Callable[[Session], Iterable[GaugeMetricFamily]]


@contextmanager
def handling(service: str, messages: int) -> Iterator[None]:
    """Time one batch that comes to its end."""
    with HANDLING.labels(service).time():
        yield
    BATCH.labels(service).observe(messages)


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


class Waiting(Collector):
    """Reads at each scrape what waits in the mailbox, and what the service itself counts in its tables."""

    def __init__(self, service: str, sessions: Sessions, gauges: Gauges) -> None:
        self.service, self.sessions, self.gauges = service, sessions, gauges

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One short read-only transaction."""
        with self.sessions() as session:
            for name, value in mailbox.ages(session).items():
                yield self._gauge(name, value)
            yield from self.gauges(session)

    def _gauge(self, name: str, value: float) -> GaugeMetricFamily:
        unit = "_seconds" if name.endswith("_age") else ""
        family = GaugeMetricFamily(f"hoiam_{name}{unit}", f"{name.replace('_', ' ')} of the mailbox", labels=["service"])
        family.add_metric([self.service], value)
        return family


def expose(service: str, sessions: Sessions, gauges: Gauges, blocked: Callable[[], bool]) -> None:
    """Add the gauges of ``service`` to what this process shows; ``blocked`` says whether the bus takes nothing just now."""
    REGISTRY.register(Waiting(service, sessions, gauges))
    BLOCKED.labels(service).set_function(blocked)
