"""The full system for a measurement: a private RabbitMQ and PostgreSQL, safe settings as shipped, and the real services as processes."""

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM
from urllib.parse import urlsplit

import httpx2

from services.cli.keys import make_keys
from services.cli.private_postgres import PrivatePostgres
from services.cli.private_rabbitmq import PrivateRabbit, ensure_installed
from services.cli.process import LOOPBACK, CannotStart, end, free_port, spawn, wait_until
from services.cli.system import HANDLERS, load_all, migrate_all, room, whole_topology
from services.intake.store import portals
from shared.bus.rabbitmq import RabbitBus
from shared.clock import now
from shared.province import read_province
from shared.settings import PROJECT

ALL = tuple(HANDLERS)


@dataclass(frozen=True, kw_only=True)
class Stand:
    """What a measurement talks to."""

    intake_port: int
    portal_key: str
    bus: RabbitBus


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
    postgres: PrivatePostgres, rabbit: PrivateRabbit, folder: Path, name: str, settings: Mapping[str, str], services: Sequence[str] = ALL
) -> Iterator[Stand]:
    """A fresh database and vhost called ``name``, and ``services`` with ``settings`` beside the usual ones."""
    database, amqp = empty_database(postgres, name), _fresh_vhost(rabbit, name)
    province = read_province(PROJECT / "deploy/provinces/quang-tri")
    migrate_all(database, lambda _: None)
    load_all(database, province, now(), lambda _: None)
    bus = RabbitBus(amqp, management_url=rabbit.management_url)
    bus.apply(whole_topology(province))
    with room(database, "intake") as rooms, rooms.begin() as session:
        key = portals.add_portal(session, "bench", "Bench", now())
    usual = {
        "DATABASE_URL": database,
        "AMQP_URL": amqp,
        "MAILBOX_DIR": str(folder / "mailbox"),
        "MEDIA_URL": str(folder / "media"),
        "PUBLIC_URL": "http://localhost/r",
    }
    environment = {"PATH": "/usr/bin:/bin", "LOG_LEVEL": "WARNING", **make_keys(folder / "keys"), **usual, **settings}
    with _services(services, environment, folder / f"{name}.log") as ports:
        yield Stand(intake_port=ports["intake"], portal_key=key, bus=bus)


@contextmanager
def _services(services: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[dict[str, int]]:
    ports = {name: free_port() for name in services}
    with ExitStack() as stack, log.open("ab") as output:
        for name, port in ports.items():
            own = {**environment, "HTTP_PORT": str(port)}
            process = spawn([sys.executable, "-m", f"services.{name}"], environment=own, folder=PROJECT, output=output)
            stack.callback(end, process, SIGTERM, 15)
        for port in ports.values():
            answering(port, "/readyz", log)
        yield ports


def answering(port: int, path: str, log: Path) -> None:
    """Wait until it does. Raises :class:`CannotStart` with the end of its ``log``."""
    if not wait_until(lambda: _answers(f"http://{LOOPBACK}:{port}{path}"), timeout=30):
        raise CannotStart(f"nothing answers at port {port}: {log.read_text(encoding='utf-8')[-2000:]}")


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=2, trust_env=False).is_success
    except httpx2.HTTPError:
        return False


def empty_database(postgres: PrivatePostgres, name: str) -> str:
    """The URL of a new database called ``name``."""
    import psycopg2

    connection = psycopg2.connect(postgres.url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
    return urlsplit(postgres.url)._replace(path=f"/{name}").geturl()


def _fresh_vhost(rabbit: PrivateRabbit, name: str) -> str:
    httpx2.put(f"{rabbit.management_url}/api/vhosts/{name}", trust_env=False).raise_for_status()
    return rabbit.amqp_url.rsplit("/", 1)[0] + f"/{name}"
