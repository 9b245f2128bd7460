"""Memory and start of the whole embedded system as `hoiam up` runs it, idle and under load."""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM

from services.cli.bench.client import Portal
from services.cli.bench.costs import family, memory
from services.cli.bench.figures import Figures, JsonFile, keep, show, spread
from services.cli.bench.stand import answering
from services.cli.process import end, free_port, spawn
from services.cli.up import SERVICES, START_LIMIT, Layout
from shared.settings import PROJECT

Say = Callable[[str], None]
HOIAM = Path(sys.executable).with_name("hoiam")
SETTLES = 5.0  # seconds after the start
LOAD, LOAD_SECONDS = 50, 10  # reports a second, far more than a province sends
MB = 1e6


def footprint(rounds: int = 3, json_file: JsonFile = None) -> None:
    """How long `hoiam up` takes with an existing data folder, and the memory (PSS) of all it runs, PostgreSQL included."""
    figures = measure(rounds=rounds, say=print)
    show(figures)
    keep(figures, json_file)


def measure(*, rounds: int, say: Say) -> Figures:
    """The first start makes the data folder and is not counted."""
    with tempfile.TemporaryDirectory(prefix="hoiam-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        layout = Layout(folder / "data", _five_free_ports())
        say("making the data folder …")
        with _up(layout, folder):
            key = _portal_key(layout)
        started, idle, busy = list[float](), list[Figures](), list[Figures]()
        for number in range(rounds):
            with _up(layout, folder) as (pid, seconds):
                started.append(seconds)
                time.sleep(SETTLES)
                idle.append(_memory(pid))
                asyncio.run(Portal(layout.port("intake"), key).at_rate(LOAD, LOAD * LOAD_SECONDS))
                busy.append(_memory(pid))
            say(f"round {number + 1}/{rounds}: ready in {seconds:.1f} s, idle {idle[-1]['all']:.0f} MB, busy {busy[-1]['all']:.0f} MB")
    return spread("start_seconds", started, 1) | _spreads("idle_mb", idle) | _spreads("busy_mb", busy)


@contextmanager
def _up(layout: Layout, folder: Path) -> Iterator[tuple[int, float]]:
    """The running system: its pid, and the seconds until every service was ready."""
    log = folder / "up.log"
    command = [str(HOIAM), "up", "--folder", str(layout.folder), "--port-base", str(layout.port_base)]
    with log.open("ab") as output:
        began = time.perf_counter()
        process = spawn(command, environment={"PATH": "/usr/bin:/bin:/usr/sbin"}, folder=PROJECT, output=output)
        try:
            for service in SERVICES:
                answering(layout.port(service), "/readyz", log, timeout=START_LIMIT)
            yield process.pid, time.perf_counter() - began
        finally:
            end(process, SIGTERM, 30)


def _memory(pid: int) -> Figures:
    found = {"all": memory(pid) / MB}
    commands = {one: Path(f"/proc/{one}/cmdline").read_bytes() for one in family(pid)}
    for service in SERVICES:
        found[service] = sum(memory(one) for one, line in commands.items() if line.endswith(f"services.{service}\0".encode())) / MB
    return found


def _spreads(name: str, of: list[Figures]) -> Figures:
    return {key: value for what in of[0] for key, value in spread(f"{name}_{what}", [one[what] for one in of], 1).items()}


def _portal_key(layout: Layout) -> str:
    command = [
        str(HOIAM),
        "portal",
        "add",
        "bench",
        "Bench",
        "--rate",
        "0",
        "--folder",
        str(layout.folder),
        "--port-base",
        str(layout.port_base),
    ]
    return subprocess.run(command, check=True, capture_output=True).stdout.decode().split()[-1]


def _five_free_ports() -> int:
    return free_port() // 10 * 10
