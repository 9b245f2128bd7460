"""The whole system on one machine: PostgreSQL and the four services, started, watched and stopped together."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import httpx2

from services.cli.console import Console
from services.cli.private_postgres import PrivatePostgres
from services.cli.process import LOOPBACK, CannotStart, is_free, kill_group, spawn, wait_until

PROJECT = Path(__file__).parents[2]
SERVICES = ("intake", "routing", "sla", "notify")
PROGRAMS = {name: (sys.executable, "-m", f"services.{name}") for name in SERVICES}
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TURN = 0.1  # seconds between two looks at the processes
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds before a service that died is started again
SETTLED = 10.0  # seconds of life after which a service's earlier deaths are forgotten
PATIENCE = 10.0  # seconds a service may take to stop; it drains for 8
START_LIMIT = 90.0  # seconds from start to everything ready

Environment = Mapping[str, str]


@dataclass(frozen=True)
class Layout:
    """Where one embedded system lives: its folder, and five ports from ``port_base`` on (PostgreSQL, then the services)."""

    folder: Path
    port_base: int = 8310

    @property
    def database_port(self) -> int:
        return self.port_base

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    def port(self, service: str) -> int:
        return self.port_base + 1 + SERVICES.index(service)

    def url(self, service: str) -> str:
        return f"http://{LOOPBACK}:{self.port(service)}"


class _Interrupted(BaseException):
    """A signal to stop came while something was still being started."""


@dataclass
class _Service:
    """One process that is started again when it dies."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes] = field(init=False)
    pause: float = FIRST_PAUSE
    due: float | None = None  # when to start it again
    since: float = 0.0

    def launch(self) -> None:
        self.process, self.since, self.due = self.start(), time.monotonic(), None

    def look(self, console: Console) -> None:
        """Notice its death, and start it again when the pause is over."""
        if self.due is None and self.process.poll() is not None:
            self._schedule(console)
        if self.due is not None and time.monotonic() >= self.due:
            self.launch()

    def _schedule(self, console: Console) -> None:
        if time.monotonic() - self.since > SETTLED:
            self.pause = FIRST_PAUSE
        console.say(f"{self.name} ended ({_fate(self.process.returncode)}); starting it again in {self.pause:.1f} s")
        self.due, self.pause = time.monotonic() + self.pause, min(self.pause * 2, LONGEST_PAUSE)


class Supervisor:
    """Runs the system of ``layout`` until a signal or :meth:`stop`. Nothing it started outlives it, on Linux not even when it is killed.

    ``environment`` is the services' whole environment, but for their ports and, when it names no DATABASE_URL, the database:
    then PostgreSQL runs embedded. ``make_keys`` gets the keys' folder and returns what to add; ``prepare`` migrates and loads.
    """

    def __init__(
        self,
        layout: Layout,
        environment: Environment,
        prepare: Callable[[Environment], None],
        *,
        make_keys: Callable[[Path], Environment] = lambda _: {},
        programs: Mapping[str, Sequence[str]] = PROGRAMS,
        console: Console | None = None,
    ) -> None:
        self.layout = layout
        self.environment: dict[str, str] = dict(environment)
        self._prepare, self._make_keys, self._programs = prepare, make_keys, programs
        self._console = console or Console()
        self._postgres = None if environment.get("DATABASE_URL") else PrivatePostgres(layout.postgres, port=layout.database_port)
        self._services: dict[str, _Service] = {}
        self._readers: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._hurried = threading.Event()
        self._interruptible = False
        self._failure: BaseException | None = None

    def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Start, serve, stop. Call it from the main thread; ``on_ready`` gets a thread of its own when every service is ready.

        Raises :class:`CannotStart` with what is in the way, and what ``on_ready`` raised.
        """
        with ExitStack() as stack:
            crashed = stack.enter_context(_only_one(self.layout.folder))
            self._refuse_taken_ports(patience=PATIENCE if crashed else 0)
            stack.enter_context(suppress(_Interrupted))
            stack.enter_context(self._signals())
            stack.callback(self._stop_all)
            self._start_database()
            self._start_services()
            self._await_ready()
            if not self._stopping.is_set():
                threading.Thread(target=self._announce, args=(on_ready,), name="on ready", daemon=True).start()
            self._watch()
        if self._failure:
            raise self._failure

    def stop(self) -> None:
        """Ask for the end, from any thread."""
        self._stopping.set()

    def pids(self) -> dict[str, int]:
        """What runs now, by name."""
        found = {name: service.process.pid for name, service in self._services.items() if service.process.poll() is None}
        return found | ({"postgres": self._postgres.pid} if self._postgres and self._postgres.pid else {})

    def _ports(self) -> dict[str, int]:
        return ({"postgres": self.layout.database_port} if self._postgres else {}) | {
            name: self.layout.port(name) for name in self._programs
        }

    def _refuse_taken_ports(self, patience: float) -> None:
        """After a crash the services of the last time may still be ending: they get ``patience`` seconds."""
        for name, port in self._ports().items():
            if not wait_until(lambda port=port: is_free(port), timeout=patience):  # type: ignore[misc]
                hint = "Stop that program, or choose other ports with --port-base."
                raise CannotStart(f"Port {port}, meant for {name}, is taken by another program. {hint}")

    @contextmanager
    def _signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._obey) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _obey(self, _number: int, _frame: FrameType | None) -> None:
        """First signal: stop in good order. Second: at once."""
        if self._stopping.is_set():
            self._hurried.set()
        self._stopping.set()
        if self._interruptible:
            self._interruptible = False
            raise _Interrupted

    def _start_database(self) -> None:
        """Nothing here looks whether it should stop, so a signal breaks into it."""
        self._interruptible = True
        if self._postgres:
            self._console.say("starting PostgreSQL …")
            self.environment["DATABASE_URL"] = self._postgres.start().url
        self.environment |= self._keys()
        self._console.say("preparing the database …")
        self._prepare(self.environment)
        self._interruptible = False

    def _start_services(self) -> None:
        for name, command in self._programs.items():
            self._services[name] = _Service(name, lambda name=name, command=command: self._spawn(name, command))  # type: ignore[misc]
            self._services[name].launch()

    def _keys(self) -> Environment:
        self.layout.keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        added = self._make_keys(self.layout.keys)
        for key in self.layout.keys.iterdir():
            key.chmod(0o600)
        return added

    def _spawn(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        defaults = {"HTTP_HOST": LOOPBACK, "LOG_FORMAT": "human"}
        own = {"HTTP_PORT": str(self.layout.port(name)), "PYTHONUNBUFFERED": "1"}
        process = spawn(command, environment=defaults | self.environment | own, folder=PROJECT)
        assert process.stdout
        self._readers = [*filter(threading.Thread.is_alive, self._readers), self._console.relay(process.stdout, name)]
        return process

    def _await_ready(self) -> None:
        """Say who is ready as they come. Raises :class:`CannotStart` naming who never did."""
        began = time.monotonic()
        waiting = list(self._services)
        self._console.say(f"waiting for {', '.join(waiting)} …")
        with httpx2.Client(timeout=2, trust_env=False) as http:
            while waiting and not self._stopping.is_set():
                if time.monotonic() - began > START_LIMIT:
                    raise CannotStart(f"Not ready within {START_LIMIT:.0f} s: {', '.join(waiting)}. Their last words are above.")
                self._look()
                for name in [name for name in waiting if _is_ready(http, self.layout.url(name))]:
                    waiting.remove(name)
                    self._console.say(f"{name} is ready at {self.layout.url(name)} ({time.monotonic() - began:.1f} s)")
                time.sleep(TURN)

    def _announce(self, on_ready: Callable[[], None]) -> None:
        try:
            on_ready()
        except BaseException as failure:  # noqa: BLE001 - raised again by run(), after everything is stopped
            self._failure = failure
            self.stop()

    def _watch(self) -> None:
        while not self._stopping.wait(TURN):
            self._look()

    def _look(self) -> None:
        if self._postgres and not self._postgres.pid:
            self._console.say("PostgreSQL ended; starting it again")
            self._revive(self._postgres)
        for service in self._services.values():
            service.look(self._console)

    def _revive(self, postgres: PrivatePostgres) -> None:
        try:
            postgres.start()
        except CannotStart as reason:
            self._console.say(f"{reason}\nnext try in {LONGEST_PAUSE:.0f} s", "postgres")
            self._stopping.wait(LONGEST_PAUSE)

    def _stop_all(self) -> None:
        """The services first, so that they can write down what they hold; PostgreSQL last."""
        self._interruptible = False
        self._console.say("stopping …")
        processes = [service.process for service in self._services.values()]
        for process in processes:
            process.send_signal(signal.SIGTERM)  # does nothing to one that has ended
        wait_until(lambda: self._hurried.is_set() or all(process.poll() is not None for process in processes), PATIENCE)
        for name in [name for name, service in self._services.items() if service.process.poll() is None]:
            self._console.say(f"{name} did not stop in time and is killed")
            kill_group(self._services[name].process)
        if self._postgres:
            self._postgres.stop()
        for reader in self._readers:
            reader.join(timeout=1)
        self._console.say("stopped")


@contextmanager
def _only_one(folder: Path) -> Iterator[bool]:
    """Hold ``folder`` for this process alone. Gives whether its last holder crashed."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+", encoding="ascii") as note:
        note.seek(0)
        holder = note.read().strip()
        try:
            fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel lets go of it however the process ends
        except BlockingIOError:
            raise CannotStart(f"Hồi Âm already runs on {folder}, as pid {holder}. Stop it there, or choose another folder.") from None
        note.truncate(0)
        note.write(str(os.getpid()))
        note.flush()
        try:
            yield bool(holder)
        finally:
            note.truncate(0)


def _is_ready(http: httpx2.Client, url: str) -> bool:
    try:
        return http.get(f"{url}/readyz").status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False


def _fate(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"code {code}"
