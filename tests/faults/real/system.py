"""The machines and the four services of one run: started, watched, broken and mended from outside."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from services.cli.keys import PRIVATE, make_keys, token
from services.cli.process import LOOPBACK, free_port, spawn
from services.cli.system import load_all, migrate_all, room, whole_topology
from services.intake.store import portals
from shared.bus.rabbitmq import RabbitBus
from shared.clock import now
from shared.province import read_province
from shared.settings import PROJECT
from tests.faults.real.wrapped import POINTS
from tests.wait import until

SERVICES = tuple(POINTS)
PROVINCE = PROJECT / "deploy/provinces/quang-tri"
HTTP = httpx2.Client(timeout=10, trust_env=False)


@dataclass
class System:
    """``database_url`` and ``amqp_url`` are the true ones; services may have been given a way round (``environment``)."""

    folder: Path
    database_url: str
    amqp_url: str
    management_url: str
    environment: dict[str, str] = field(default_factory=dict)
    portal_key: str = ""
    operator: str = ""
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.control = self.folder / "control"
        self.control.mkdir(parents=True)
        self.ports = {name: free_port() for name in SERVICES}
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    @property
    def bus(self) -> RabbitBus:
        return RabbitBus(self.amqp_url, management_url=self.management_url)

    def prepare(self) -> None:
        """Tables, province, queues, a portal, an operator."""
        province = read_province(PROVINCE)
        migrate_all(self.database_url, lambda _: None)
        load_all(self.database_url, province, now(), lambda _: None)
        self.bus.apply(whole_topology(province))
        with room(self.database_url, "intake") as rooms, rooms.begin() as session:
            self.portal_key = portals.add_portal(session, "app", "Ứng dụng", now())
        keys = make_keys(self.folder / "keys")
        self.operator = token(self.folder / "keys" / PRIVATE, role="operator", name="lan", at=now(), hours=200)
        usual = {
            "DATABASE_URL": self.database_url,
            "AMQP_URL": self.amqp_url,
            "MAILBOX_DIR": str(self.folder / "mailbox"),
            "MEDIA_URL": str(self.folder / "media"),
            "PUBLIC_URL": "http://localhost/r",
            "PORTAL_RATE": "0",
            "PUBLIC_RATE": "0",
            "LOG_LEVEL": "WARNING",
            "FAULTS_FOLDER": str(self.control),
        }
        self.environment = {"PATH": "/usr/bin:/bin", **keys, **usual, **self.environment}

    def start(self) -> None:
        self._keeper.start()
        self.await_ready(60)

    def stop(self) -> None:
        self._stopping.set()
        self._keeper.join(30)

    def pid(self, name: str) -> int | None:
        """Of the process that is the service now, or was a moment ago."""
        path = self.control / f"pid.{name}"
        return int(path.read_text() or 0) or None if path.exists() else None

    def signal(self, name: str, how: signal.Signals) -> None:
        """To one service, if it runs just now."""
        with contextlib.suppress(ProcessLookupError):
            if pid := self.pid(name):
                os.kill(pid, how)

    def is_ready(self, *names: str) -> bool:
        return all(self._answers(name) for name in names)

    def await_ready(self, patience: float = 30) -> None:
        until(lambda: self.is_ready(*SERVICES), patience, what=f"every service ready, see {self.folder}", every=0.1)

    def arm(self, service: str, point: str) -> Path:
        """The next time it is there, it dies; the file is gone then."""
        path = self.control / f"{service}.{point}"
        path.touch()
        return path

    def counted(self, what: str) -> int:
        """By all processes there have been."""
        path = self.control / f"counted.{what}"
        return sum(map(int, path.read_text().split())) if path.exists() else 0

    def shift_clock(self, seconds: float) -> None:
        """For all services."""
        (self.control / "shift").write_text(str(seconds))

    def _answers(self, name: str) -> bool:
        with contextlib.suppress(httpx2.HTTPError):
            return bool(self.pid(name)) and HTTP.get(f"http://{LOOPBACK}:{self.ports[name]}/readyz").is_success
        return False

    def _keep(self) -> None:
        """All children belong to this thread and end with it; each starts its service again whenever it dies."""
        with (self.folder / "services.log").open("ab") as log:
            for name in SERVICES:
                own = {**self.environment, "HTTP_PORT": str(self.ports[name])}
                command = [sys.executable, "-m", "tests.faults.real.wrapped", name]
                self._processes[name] = spawn(command, environment=own, folder=PROJECT, output=log, last_signal=signal.SIGKILL)
            self._stopping.wait()
            for process in self._processes.values():
                process.kill()
                process.wait()


@contextmanager
def system(folder: Path, database_url: str, amqp_url: str, management_url: str, **environment: str) -> Iterator[System]:
    """A prepared system that runs until the end of the block; ``environment`` of its services may lead them a way round."""
    made = System(folder, database_url, amqp_url, management_url, environment=dict(environment))
    with ExitStack() as stack:
        made.prepare()
        stack.callback(made.stop)
        made.start()
        yield made


def vhost(amqp_url: str, management_url: str, name: str) -> str:
    """The URL of a new vhost."""
    HTTP.put(f"{management_url}/api/vhosts/{name}").raise_for_status()
    return amqp_url.rsplit("/", 1)[0] + f"/{name}"


def unacknowledged(of: System) -> int:
    """Messages that somebody took and did not acknowledge, in the inboxes, as the broker's statistics know it."""
    name = urlsplit(of.amqp_url).path[1:]
    queues = HTTP.get(f"{of.management_url}/api/queues/{name}").json()
    return sum(queue.get("messages_unacknowledged", 0) for queue in queues if queue["name"].endswith(".inbox"))


def pause(seconds: float) -> None:
    """Faults take their time: this is the fault's own length, nobody waits here for something to come true."""
    time.sleep(seconds)
