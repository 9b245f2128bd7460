"""`make faults`: the whole proof, with its totals; the results as JSON for the page that shows them."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from signal import SIGINT, SIGQUIT

import structlog

from services.cli.private_postgres import PrivatePostgres
from services.cli.private_rabbitmq import PrivateRabbit, ensure_installed
from shared.province import read_province
from tests.conftest import fresh_database
from tests.faults.real import machines, services, trouble
from tests.faults.real.cluster import cluster, leader_killed
from tests.faults.real.controls import controls
from tests.faults.real.failover import failover
from tests.faults.real.field import Field, Say
from tests.faults.real.full_disk import full_disk
from tests.faults.real.proxy import Proxy
from tests.faults.real.system import PROVINCE, System, system, vhost
from tests.faults.real.verdict import Row
from tests.faults.simulation.running import run
from tests.faults.simulation.world import World

PARTS = ("simulation", "services", "machines", "network", "people", "cluster", "failover", "full disk", "controls")
GAP = "0.05"
MOST_REPORTS, MOST_FAULTS = 10_000, 200  # accepted and tried, at the least, for the rule to say something


class Proof:
    """The machines of a run, and what was found so far. ``scale`` makes it longer or shorter."""

    def __init__(self, folder: Path, say: Say, scale: float, stack: ExitStack) -> None:
        self.folder, self.say, self.scale = folder, say, scale
        self.postgres = stack.enter_context(PrivatePostgres(folder / "postgres"))
        self.rabbit = PrivateRabbit(folder / "rabbit", schedulers=2).start()
        stack.callback(self.rabbit.kill)
        self.rows: list[Row] = []
        self.wrong: list[str] = []
        self._number = 0

    def times(self, number: int) -> int:
        return max(1, round(number * self.scale))

    @contextmanager
    def field(self, *ways: Proxy, **environment: str) -> Iterator[Field]:
        """A fresh system in a database and a vhost of its own, with people in it; proven at the end. Over ``ways``, services go round."""
        self._number += 1
        name = f"proof{self._number}"
        amqp = vhost(self.rabbit.amqp_url, self.rabbit.management_url, name)
        url = fresh_database(self.postgres.url)
        if ways:
            ports = zip(("AMQP_URL", "DATABASE_URL"), (amqp, url), (self.rabbit.port, self.postgres.port), ways, strict=True)
            environment |= {key: true.replace(f":{port}/", f":{way.port}/") for key, true, port, way in ports}
        environment = {"FAULTS_GAP": GAP, **environment}
        with system(self.folder / name, url, amqp, self.rabbit.management_url, **environment) as of, self.people_in(of) as field:
            yield field

    @contextmanager
    def people_in(self, of: System) -> Iterator[Field]:
        """Who use it while it is broken. Proven at the end; what was found is kept, even if it breaks off."""
        field = Field(of, self.say)
        try:
            with field.people():
                yield field
        finally:
            self.rows += field.rows
        self.wrong += field.books.proven()


def of_services(proof: Proof) -> None:
    with proof.field() as field:
        field.row("killed at each named point", services.points(), reports=proof.times(1500))
        field.row("kill -9 of any service", services.kills(proof.times(60)), reports=proof.times(2500))
        field.row("told to stop, one after the other", services.rolling)
        field.row("stands still for 3 s (SIGSTOP)", services.sleeps(4))
        field.row("clock jumps +26 h, back, -2 h, back", services.clock)


def of_machines(proof: Proof) -> None:
    rabbit, postgres = proof.rabbit, proof.postgres
    with proof.field() as field:
        again = machines.repeated
        field.row("RabbitMQ: kill -9", again(proof.times(5), partial(machines.broker_killed, rabbit)), reports=proof.times(600))
        field.row("RabbitMQ: restart", again(2, partial(machines.broker_restarted, rabbit)))
        field.row("RabbitMQ: memory alarm", again(proof.times(4), partial(machines.memory, rabbit)))
        field.row("RabbitMQ: disk alarm", again(proof.times(4), partial(machines.disk, rabbit)))
        field.row("PostgreSQL: kill -9", again(proof.times(5), partial(machines.database_killed, postgres)), reports=proof.times(600))
        field.row("PostgreSQL: fast restart", again(proof.times(4), partial(machines.database_stopped, postgres, SIGINT)))
        field.row("PostgreSQL: immediate restart", again(proof.times(4), partial(machines.database_stopped, postgres, SIGQUIT)))
        url = field.of.database_url
        field.row(
            "PostgreSQL: all connections ended", again(proof.times(15), partial(machines.backends_killed, url)), reports=proof.times(600)
        )


def of_network(proof: Proof) -> None:
    broker, database = Proxy(proof.rabbit.port), Proxy(proof.postgres.port)
    with proof.field(broker, database) as field:
        for name, proxy in (("RabbitMQ", broker), ("PostgreSQL", database)):
            again = machines.repeated
            field.row(f"network to {name}: cut", again(proof.times(8), partial(machines.cut, proxy)))
            field.row(f"network to {name}: refused for 3 s", again(proof.times(3), partial(machines.refused, proxy)))
            field.row(f"network to {name}: black hole for 12 s", again(proof.times(2), partial(machines.hole, proxy)))
            field.row(f"network to {name}: 150 ms slower", again(1, partial(machines.slow, proxy)))
    broker.close()
    database.close()


def of_people(proof: Proof) -> None:
    with proof.field(FAULTS_GAP="0") as field:
        field.row("an agency that reads nothing", trouble.deaf)
        field.row("poison messages", trouble.poison, poison=trouble.POISON)
        field.row("ten times as many reports", trouble.burst, reports=proof.times(1500))
        field.row("clients that send everything again", trouble.impatient)


def of_simulation(proof: Proof, seeds: range) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    world = World(fresh_database(proof.postgres.url), read_province(PROVINCE))
    try:
        proof.say(f"simulation: {run(world, seeds, lambda words: proof.say(f'simulation: {words}'))}")
    except AssertionError as failure:
        proof.wrong.append(str(failure))
    finally:
        world.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all is well: nothing lost, nothing done twice, all controls seen."""
    options = _options(arguments)
    ensure_installed()
    began = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {words}", flush=True)  # noqa: T201 - it prints its progress

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hoiam-faults-")))
        folder.chmod(0o711)
        proof = Proof(folder, say, options.scale, stack)
        parts = {
            "simulation": lambda: of_simulation(proof, range(options.seed, options.seed + options.seeds)),
            "services": lambda: of_services(proof),
            "machines": lambda: of_machines(proof),
            "network": lambda: of_network(proof),
            "people": lambda: of_people(proof),
            "cluster": lambda: cluster(proof, leader_killed),
            "failover": lambda: failover(proof),
            "full disk": lambda: full_disk(proof),
            "controls": lambda: proof.wrong.extend(controls(proof)),
        }
        for name in options.only or PARTS:
            _part(name, parts[name], proof)
            _write(proof.rows, options.results)
    return _end(proof, options, say)


def _part(name: str, part, proof: Proof) -> None:
    """One part that breaks does not keep the others from being tried."""
    try:
        part()
    except Exception as failure:  # noqa: BLE001 - it is told, and fails the whole
        proof.wrong.append(f"{name}: {type(failure).__name__}: {failure}")
        proof.say(proof.wrong[-1])


def _write(rows: Sequence[Row], results: Path) -> None:
    """After each part, so that a run that is broken off leaves what it found. What was not tried again stays, with its day."""
    results.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(results.read_text(encoding="utf-8")) if results.exists() else []
    tried = {row.fault for row in rows}
    all_ = [row for row in kept if row["fault"] not in tried] + [asdict(row) for row in rows]
    results.write_text(json.dumps(all_, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _end(proof: Proof, options: argparse.Namespace, say: Say) -> int:
    rows = proof.rows
    names = ("faults", "offered", "accepted", "lost", "duplicated", "stopped", "parked")
    total = {name: sum(getattr(row, name) for row in rows if not row.control) for name in names}
    say("total: " + ", ".join(f"{number} {name}" for name, number in total.items()) + f"; written to {options.results}")
    whole = set(options.only or PARTS) == set(PARTS) and options.scale >= 1
    if whole and (total["accepted"] < MOST_REPORTS or total["faults"] < MOST_FAULTS or not total["stopped"]):
        proof.wrong.append(f"too little was tried: at least {MOST_FAULTS} faults and {MOST_REPORTS} reports")
    failed = [str(row) for row in rows if not row.control and not row.good] + proof.wrong
    for line in failed:
        say(f"FAILED {line}")
    return 1 if failed else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS, help="this part; may be given again")
    parser.add_argument("--scale", type=float, default=1.0, help="how many reports and faults, as a share of the whole")
    parser.add_argument("--seed", type=int, default=1000, help="the first story of the simulation")
    parser.add_argument("--seeds", type=int, default=1000, help="how many stories")
    parser.add_argument("--results", type=Path, default=Path(".hoiam/proof/faults.json"), help="where the results go")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
