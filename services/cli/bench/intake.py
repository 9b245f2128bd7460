"""A portal's POST, kept for good before it is answered, beside the two yardsticks of ``plain``: one commit a request, and nothing kept."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM
from statistics import quantiles

from services.cli.bench.client import Portal
from services.cli.bench.stand import answering, empty_database, machines, stand
from services.cli.private_postgres import PrivatePostgres
from services.cli.process import end, free_port, spawn
from shared.settings import PROJECT

Say = Callable[[str], None]
WARM_UP = 300


@dataclass(frozen=True)
class Round:
    """``throughput``: answers a second. ``p99``: milliseconds from a request to its answer."""

    throughput: float
    p99: float


def measure(*, reports: int, rounds: int, connections: int, say: Say) -> dict[str, list[Round]]:
    """Rounds of intake, plain and echo in turn."""
    say("starting PostgreSQL and RabbitMQ …")
    found: dict[str, list[Round]] = {"intake": [], "plain": [], "echo": []}
    with (
        machines() as (postgres, rabbit, folder),
        stand(postgres, rabbit, folder, "intake_bench", {}, services=("intake",)) as at,
        _yardsticks(postgres, folder) as port,
    ):
        ways = {"intake": (at.intake_port, "/v1/reports"), "plain": (port, "/plain"), "echo": (port, "/echo")}
        for number in range(rounds):
            for name, (where, path) in ways.items():
                found[name].append(_round(Portal(where, at.portal_key, path), reports, connections))
                last = found[name][-1]
                say(f"round {number + 1}/{rounds} {name:7} {last.throughput:8.1f}/s, p99 {last.p99:.1f} ms")
    return found


def _round(portal: Portal, reports: int, connections: int) -> Round:
    asyncio.run(portal.at_full_speed(WARM_UP, connections))
    portal.took.clear()
    began = time.perf_counter()
    asyncio.run(portal.at_full_speed(reports, connections))
    throughput = reports / (time.perf_counter() - began)
    return Round(throughput=throughput, p99=quantiles(portal.took, n=100, method="inclusive")[98] * 1000)


@contextmanager
def _yardsticks(postgres: PrivatePostgres, folder: Path) -> Iterator[int]:
    port, log = free_port(), folder / "plain.log"
    command = [sys.executable, "-m", "services.cli.bench.plain", str(port), empty_database(postgres, "plain")]
    with log.open("ab") as output:
        process = spawn(command, environment={"PATH": "/usr/bin:/bin"}, folder=PROJECT, output=output)
        try:
            answering(port, "/docs", log)
            yield port
        finally:
            end(process, SIGTERM, 15)
