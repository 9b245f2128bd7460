"""Runs a Supervisor over stand-in services in a process of its own: folder, port base, then the environment as JSON.

``PREPARE`` in that environment is SQL for prepare to run, ``FAIL`` what on_ready raises; ready is told as a line ``READY {pids}``.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import psycopg2

from services.cli.console import Console
from services.cli.process import CannotStart
from services.cli.up import SERVICES, Layout, Supervisor

folder, port_base, environment = sys.argv[1:]
settings: dict[str, str] = json.loads(environment)
programs = {name: (sys.executable, str(Path(__file__).with_name("standin.py"))) for name in SERVICES}
console = Console()


def prepare(environment: Mapping[str, str]) -> None:
    if "PREPARE" in environment:
        connection = psycopg2.connect(environment["DATABASE_URL"])
        connection.cursor().execute(environment["PREPARE"])
        connection.commit()
        connection.close()


def make_keys(folder: Path) -> Mapping[str, str]:
    (folder / "seal").write_text("geheim")
    return {"SEAL_KEY_FILE": str(folder / "seal")}


def on_ready() -> None:
    if "FAIL" in settings:
        raise CannotStart(settings["FAIL"])
    console.say(f"READY {json.dumps(supervisor.pids())}")


supervisor = Supervisor(Layout(Path(folder), int(port_base)), settings, prepare, make_keys=make_keys, programs=programs, console=console)
try:
    supervisor.run(on_ready)
except CannotStart as reason:
    console.say(f"CANNOT START {reason}")
    sys.exit(1)
