"""The full system for a measurement: a private RabbitMQ and PostgreSQL, safe settings as shipped, and the real services as processes."""

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from signal import SIGTERM
from urllib.parse import urlsplit

import httpx2
import psycopg2
from sqlalchemy import Engine, text

from services.cli.keys import PRIVATE, make_keys, token
from services.cli.private_postgres import PrivatePostgres
from services.cli.private_rabbitmq import PrivateRabbit, ensure_installed
from services.cli.process import LOOPBACK, CannotStart, end, free_port, spawn, wait_until
from services.cli.system import HANDLERS, load_all, migrate_all, room, whole_topology
from services.intake.store import portals
from shared.bus.postgres import PostgresBus
from shared.bus.rabbitmq import RabbitBus
from shared.clock import now
from shared.limits import Rate
from shared.province import read_province
from shared.settings import PROJECT

ALL = tuple(HANDLERS)
UNLIMITED = Rate(0, 1)  # as `hoiam portal add --rate 0` makes one


@dataclass(frozen=True, kw_only=True)
class Stand:
    """What a measurement talks to."""

    ports: Mapping[str, int]
    pids: Mapping[str, int]
    portal_key: str
    operator: str
    database_url: str
    bus: RabbitBus | PostgresBus

    @property
    def intake_port(self) -> int:
        return self.ports["intake"]


@contextmanager
def only_postgres() -> Iterator[PrivatePostgres]:
    """PostgreSQL with fsync on; gone at the end."""
    with tempfile.TemporaryDirectory(prefix="hoiam-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with PrivatePostgres(folder / "postgres") as postgres:
            yield postgres


@contextmanager
def machines() -> Iterator[tuple[PrivatePostgres, PrivateRabbit, Path]]:
    """PostgreSQL with fsync on, RabbitMQ, and a folder for keys and logs; gone at the end."""
    ensure_installed()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hoiam-bench-")))
        folder.chmod(0o711)
        postgres = stack.enter_context(PrivatePostgres(folder / "postgres"))
        rabbit = PrivateRabbit(folder / "rabbit", schedulers=2).start()
        stack.callback(rabbit.kill)
        yield postgres, rabbit, folder


@contextmanager
def stand(
    postgres: PrivatePostgres,
    rabbit: PrivateRabbit | None,
    folder: Path,
    name: str,
    settings: Mapping[str, str],
    services: Sequence[str] = ALL,
) -> Iterator[Stand]:
    """A fresh database and vhost called ``name``, and ``services`` with ``settings`` beside the usual ones. Without ``rabbit`` the bus is
    the embedded one."""
    database, amqp = empty_database(postgres, name), fresh_vhost(rabbit, name) if rabbit else ""
    province = read_province(PROJECT / "deploy/provinces/quang-tri")
    migrate_all(database, lambda _: None)
    load_all(database, province, now(), lambda _: None)
    bus = RabbitBus(amqp, management_url=rabbit.management_url) if rabbit else PostgresBus(database)
    bus.apply(whole_topology(province))
    with room(database, "intake") as rooms, rooms.begin() as session:
        key = portals.add_portal(session, "bench", "Bench", now(), rate=UNLIMITED)
    usual = {
        "DATABASE_URL": database,
        "AMQP_URL": amqp,
        "MAILBOX_DIR": str(folder / "mailbox"),
        "MEDIA_URL": str(folder / "media"),
        "PUBLIC_URL": "http://localhost/r",
    }
    environment = {"PATH": "/usr/bin:/bin", "LOG_LEVEL": "WARNING", **make_keys(folder / "keys"), **usual, **settings}
    operator = token(folder / "keys" / PRIVATE, role="operator", name="bench", at=now(), hours=1)
    with _services(services, environment, folder / f"{name}.log") as (ports, pids):
        yield Stand(ports=ports, pids=pids, portal_key=key, operator=operator, database_url=database, bus=bus)


@contextmanager
def _services(services: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[tuple[dict[str, int], dict[str, int]]]:
    ports, pids = {name: free_port() for name in services}, dict[str, int]()
    with ExitStack() as stack, log.open("ab") as output:
        for name, port in ports.items():
            own = {**environment, "HTTP_PORT": str(port)}
            process = spawn([sys.executable, "-m", f"services.{name}"], environment=own, folder=PROJECT, output=output)
            stack.callback(end, process, SIGTERM, 15)
            pids[name] = process.pid
        for port in ports.values():
            answering(port, "/readyz", log)
        yield ports, pids


def answering(port: int, path: str, log: Path, *, timeout: float = 30) -> None:
    """Wait until it does. Raises :class:`CannotStart` with the end of its ``log``."""
    if not wait_until(lambda: _answers(f"http://{LOOPBACK}:{port}{path}"), timeout=timeout):
        raise CannotStart(f"nothing answers at port {port}: {log.read_text(encoding='utf-8')[-2000:]}")


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=2, trust_env=False).is_success
    except httpx2.HTTPError:
        return False


def empty_database(postgres: PrivatePostgres, name: str) -> str:
    """The URL of a new database called ``name``."""
    connection = psycopg2.connect(postgres.url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
    return urlsplit(postgres.url)._replace(path=f"/{name}").geturl()


def fresh_vhost(rabbit: PrivateRabbit, name: str) -> str:
    httpx2.put(f"{rabbit.management_url}/api/vhosts/{name}", trust_env=False).raise_for_status()
    return rabbit.amqp_url.rsplit("/", 1)[0] + f"/{name}"


def asked(port: int, path: str) -> float:
    """Milliseconds of one GET, over a connection of its own. Raises RuntimeError for any answer but 200."""
    with closing(HTTPConnection(LOOPBACK, port, timeout=60)) as connection:
        began = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        took = time.perf_counter() - began
    if answer.status != 200:
        raise RuntimeError(f"GET {path} was answered {answer.status}")
    return took * 1000


def vacuum(owner: Engine) -> None:
    """After many rows were made: statistics and visibility as a database has that has been at it for a while."""
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
