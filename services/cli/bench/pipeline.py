"""From a portal's POST to the agency's queue, through all four services on RabbitMQ and PostgreSQL."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from services.cli.bench import chains
from services.cli.bench.client import AREAS, Portal
from services.cli.bench.stand import Stand, machines, stand
from services.cli.private_postgres import PrivatePostgres
from services.cli.private_rabbitmq import PrivateRabbit
from services.cli.process import CannotStart, wait_until
from shared.bus.topology import agency_queue

Say = Callable[[str], None]
OURS: Mapping[str, Mapping[str, str]] = {"batches": {}, "one_by_one": {"BATCH": "1", "RELAY_BATCH": "1"}}
CONNECTIONS = 64
WARM_UP = 200
LIGHT_SECONDS = 6
PATIENCE = 120.0


@dataclass(frozen=True)
class Round:
    """``throughput``: reports a second, first POST to last delivery. ``p50``, ``p99``: milliseconds from 201 to the reader of the queue."""

    throughput: float
    p50: float
    p99: float


class Agencies:
    """Readers of the agencies' queues; ``arrived`` maps each report id to the moment its first assignment came."""

    def __init__(self, at: Stand) -> None:
        self._stand = at
        self._done = threading.Event()
        self.arrived: dict[str, float] = {}

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read until the end of the block."""
        threads = [threading.Thread(target=self._read, args=(agency_queue(area),)) for area in AREAS]
        for thread in threads:
            thread.start()
        yield
        self._done.set()
        for thread in threads:
            thread.join()

    def _read(self, queue: str) -> None:
        with closing(self._stand.bus.consumer(queue, "bench-agency")) as consumer:
            while not self._done.is_set():
                deliveries = consumer.take(100, 0.2)
                at = time.perf_counter()
                for delivery in deliveries:
                    self.arrived.setdefault(json.loads(delivery.body)["subject"], at)
                if deliveries:
                    consumer.ack(deliveries)


def measure(*, reports: int, rounds: int, rate: int, beside: Sequence[str], say: Say) -> dict[str, list[Round]]:
    """Rounds of all ways, in turn: in batches as shipped, with batch size 1, and those of the peers ``beside`` them."""
    say("starting PostgreSQL and RabbitMQ …")
    found: dict[str, list[Round]] = {name: [] for name in (*OURS, *beside)}
    fewer = max(reports // 5, 200)
    with machines() as (postgres, rabbit, folder):
        for number in range(rounds):
            for name, settings in OURS.items():
                with stand(postgres, rabbit, folder, f"{name}_{number}", settings) as at:
                    found[name].append(one_round(at, fewer if settings else reports, rate))
                say(_line(number, rounds, name, found))
            for name in beside:
                found[name].append(_beside(postgres, rabbit, folder, name, f"{name}_{number}", 2 * fewer, rate))
                say(_line(number, rounds, name, found))
    return found


def _beside(postgres: PrivatePostgres, rabbit: PrivateRabbit, folder: Path, peer: str, name: str, messages: int, rate: int) -> Round:
    measured = chains.measure(postgres, rabbit, folder, peer=peer, name=name, messages=messages, rate=rate, seconds=LIGHT_SECONDS)
    return Round(*measured)


def _line(number: int, rounds: int, name: str, found: Mapping[str, list[Round]]) -> str:
    last = found[name][-1]
    return f"round {number + 1}/{rounds} {name:10} {last.throughput:8.1f} reports/s, p50 {last.p50:.1f} ms, p99 {last.p99:.1f} ms"


def one_round(at: Stand, reports: int, rate: int) -> Round:
    """At light load, then at full speed."""
    agencies = Agencies(at)
    with agencies.reading():
        _post(at, agencies, lambda portal: portal.at_full_speed(WARM_UP, 8))
        light = _post(at, agencies, lambda portal: portal.at_rate(rate, rate * LIGHT_SECONDS))
        began = time.perf_counter()
        _post(at, agencies, lambda portal: portal.at_full_speed(reports, CONNECTIONS))
        took = max(agencies.arrived.values()) - began
    waits = [(agencies.arrived[id_] - accepted) * 1000 for id_, accepted in light.accepted.items()]
    percentiles = quantiles(waits, n=100, method="inclusive")
    return Round(throughput=reports / took, p50=percentiles[49], p99=percentiles[98])


def _post(at: Stand, agencies: Agencies, work: "Callable[[Portal], object]") -> Portal:
    portal = Portal(at.intake_port, at.portal_key)
    asyncio.run(work(portal))  # type: ignore[arg-type]  # a coroutine of Portal
    if not wait_until(lambda: portal.accepted.keys() <= agencies.arrived.keys(), timeout=PATIENCE):
        missing = len(portal.accepted.keys() - agencies.arrived.keys())
        raise CannotStart(f"{missing} of {len(portal.accepted)} reports did not reach their agency within {PATIENCE:.0f} s")
    return portal
