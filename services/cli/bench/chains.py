"""The peers' way of the same work: three stages, each one committed row and one confirmed persistent publish over quorum queues.

They run in an environment of their own, which ``make bench`` makes from requirements-bench.lock. They are measured from the first
message at the far end to the last, with the first queue full beforehand: neither their start nor their sender counts, while our own
pipeline is measured with its portal and from the first POST on.
"""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from signal import SIGKILL
from statistics import quantiles

import psycopg2

from services.cli.bench.stand import empty_database, fresh_vhost
from services.cli.private_postgres import PrivatePostgres
from services.cli.private_rabbitmq import PrivateRabbit
from services.cli.process import CannotStart, end, spawn, tail, wait_until
from shared.bus.rabbitmq import RabbitBus
from shared.bus.topology import Topology
from shared.settings import PROJECT

PYTHON = PROJECT / ".peers/bin/python"
SCRIPTS = Path(__file__).parent / "peers"
PEERS = ("celery", "faststream", "loop")
QUEUES = ("peer.first", "peer.second", "peer.third", "peer.done")
TABLE = "CREATE TABLE peer_rows (id bigserial PRIMARY KEY, stage integer NOT NULL, name text NOT NULL, body text NOT NULL)"
PATIENCE = 240.0
WARM_UP = 100


def are_there() -> bool:
    """Whether ``make bench`` has installed them."""
    return PYTHON.exists()


class Chain:
    """Three running stages of ``peer``, and what comes out at their end. ``arrived`` maps each name to its moment (``perf_counter``)."""

    def __init__(self, peer: str, environment: dict[str, str], bus: RabbitBus, log: Path) -> None:
        self.peer, self.environment, self.log = peer, environment, log
        self.arrived: dict[str, float] = {}
        self._bus, self._done = bus, threading.Event()
        self._next = 0

    def feed(self, count: int, rate: int = 0) -> dict[str, float]:
        """Send so many; the moment at which each was safe in the first queue."""
        numbers = [str(number) for number in (self._next, count, rate)]
        self._next += count
        done = subprocess.run(self._command("feed", *numbers), env=self.environment, capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode:
            raise CannotStart(f"{self.peer} could not send: {done.stderr[-1000:]}")
        return {name: float(at) for name, at in (line.split() for line in done.stdout.splitlines())}

    @contextmanager
    def running(self) -> Iterator[None]:
        """All stages, until the end of the block."""
        with ExitStack() as stack, self.log.open("ab") as output:
            reader = threading.Thread(target=self._read)
            reader.start()
            stack.callback(reader.join)
            stack.callback(self._done.set)
            for number in range(3):
                process = spawn(self._command("stage", str(number)), environment=self.environment, folder=SCRIPTS, output=output)
                stack.callback(end, process, SIGKILL, 5)
            yield

    def wait_for(self, names: dict[str, float]) -> None:
        """Until all of them have come. Raises :class:`CannotStart`."""
        if not wait_until(lambda: names.keys() <= self.arrived.keys(), timeout=PATIENCE):
            raise CannotStart(f"{self.peer} lost {len(names.keys() - self.arrived.keys())} of {len(names)}: {tail(self.log)}")

    def _command(self, *arguments: str) -> list[str]:
        return [str(PYTHON), str(SCRIPTS / f"{self.peer}_chain.py"), *arguments]

    def _read(self) -> None:
        with closing(self._bus.consumer(QUEUES[3], "bench-end")) as consumer:
            while not self._done.is_set():
                deliveries = consumer.take(100, 0.2)
                at = time.perf_counter()
                for delivery in deliveries:
                    self.arrived.setdefault(json.loads(delivery.body)["name"], at)
                consumer.ack(deliveries)


def measure(
    postgres: PrivatePostgres, rabbit: PrivateRabbit, folder: Path, *, peer: str, name: str, messages: int, rate: int, seconds: int
) -> tuple[float, float, float]:
    """Messages a second, and p50 and p99 in milliseconds at light load, of a chain in a database and vhost called ``name``."""
    database, amqp = empty_database(postgres, name), fresh_vhost(rabbit, name)
    bus = RabbitBus(amqp, management_url=rabbit.management_url)
    bus.apply(Topology({}, QUEUES, ()))
    with closing(psycopg2.connect(database)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(TABLE)
    chain = Chain(peer, {"PATH": "/usr/bin:/bin", "AMQP_URL": amqp, "DATABASE_URL": database}, bus, folder / f"{name}.log")
    full = chain.feed(messages)
    with chain.running():
        chain.wait_for(full)
        throughput = (messages - 1) / (max(chain.arrived.values()) - min(chain.arrived.values()))
        chain.wait_for(chain.feed(WARM_UP, rate))
        light = chain.feed(rate * seconds, rate)
        chain.wait_for(light)
    percentiles = quantiles([(chain.arrived[name] - at) * 1000 for name, at in light.items()], n=100, method="inclusive")
    return throughput, percentiles[49], percentiles[98]
