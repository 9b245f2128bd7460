"""A RabbitMQ of our own on the loopback address: own data, own cookie, own epmd, as children of this process."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Self

from services.cli.debian import install
from services.cli.process import LOOPBACK, CannotStart, answers, end, free_port, is_free, kill_group, spawn, tail, wait_until

DEBIAN = Path("/usr/lib/rabbitmq/bin")  # the programs themselves; those in /usr/sbin change the user and drop the environment
PACKAGE = "rabbitmq-server"
VHOST = "hoiam"
ADMIN = "admin"
INTERFACE = "-kernel inet_dist_use_interface {127,0,0,1}"  # else the port for other nodes listens everywhere
MISSING = (
    "No RabbitMQ found. On Debian or Ubuntu: sudo apt-get install --no-install-recommends rabbitmq-server; "
    "on macOS: brew install rabbitmq. Any version from 3.10 to 4.x will do."
)


class PrivateRabbit:
    """``folder`` holds everything. Ports, user and password stay the same over :meth:`stop` and :meth:`start` of one object."""

    node = "hoiam@localhost"
    patience = 90.0  # seconds for a start

    def __init__(self, folder: Path, *, schedulers: int = 1) -> None:
        self.folder = folder.absolute()
        self.port, self._management, self._metrics, self._distribution, self._names = (free_port() for _ in range(5))
        self._schedulers = schedulers
        self._password = secrets.token_hex(12)
        self._broker: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def amqp_url(self) -> str:
        """How the administrator connects; there is no `guest`."""
        return f"amqp://{ADMIN}:{self._password}@{LOOPBACK}:{self.port}/{VHOST}"

    @property
    def management_url(self) -> str:
        """The HTTP API, without /api."""
        return f"http://{ADMIN}:{self._password}@{LOOPBACK}:{self._management}"

    @property
    def metrics_url(self) -> str:
        """What Prometheus reads."""
        return f"http://{LOOPBACK}:{self._metrics}/metrics"

    @property
    def pid(self) -> int | None:
        """The broker's process, if it runs."""
        return self._broker.pid if self._broker and self._broker.poll() is None else None

    def start(self) -> Self:
        """Run until :meth:`stop`, with the data of the last time. Raises :class:`CannotStart`."""
        if self.pid:
            return self
        server = _program(PACKAGE)
        self._write()
        self._start_names()
        with self._log.open("ab") as log:
            self._broker = spawn([server], environment=self._environment(), folder=self.folder, output=log, last_signal=signal.SIGKILL)
        self._wait_ready(self._broker)
        return self

    def stop(self, patience: float = 20) -> None:
        """End it in good order (that takes it some seconds), and after ``patience`` seconds by force."""
        if self._broker:
            end(self._broker, signal.SIGTERM, patience)
        self.kill()

    def kill(self) -> None:
        """What a power cut does."""
        for process in filter(None, (self._broker, self._epmd)):
            kill_group(process)
        self._broker = self._epmd = None

    def ctl(self, *arguments: str) -> str:
        """What ``rabbitmqctl arguments`` prints. Raises :class:`subprocess.CalledProcessError`, with its output."""
        command = [str(_program("rabbitmqctl")), "-q", "-n", self.node, *arguments]
        done = subprocess.run(command, env=self._environment(), cwd=self.folder, check=True, capture_output=True, text=True, timeout=60)
        return done.stdout

    @property
    def _log(self) -> Path:
        return self.folder / "output.log"

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.folder),  # where the cookie lies
            "LANG": "C.UTF-8",
            "RUNNING_UNDER_SYSTEMD": "true",  # one process that obeys signals, instead of a shell that passes them on
            "ERL_EPMD_PORT": str(self._names),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self.folder / "generated"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{INTERFACE} +S {self._schedulers}:{self._schedulers} +sbwt none",
            "RABBITMQ_CTL_ERL_ARGS": INTERFACE,
        }

    def _write(self) -> None:
        """Cookie, plugins and settings; only keys that every version from 3.10 to 4.x knows."""
        for name in ("data", "log", "generated"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._keep(".erlang.cookie", secrets.token_hex(16))
        self._keep("password", self._password)
        self._password = (self.folder / "password").read_text()
        (self.folder / "enabled_plugins").write_text("[rabbitmq_management,rabbitmq_prometheus].\n")
        settings = {
            "listeners.tcp.1": f"{LOOPBACK}:{self.port}",
            "management.tcp.ip": LOOPBACK,
            "management.tcp.port": self._management,
            "prometheus.tcp.ip": LOOPBACK,
            "prometheus.tcp.port": self._metrics,
            "default_user": ADMIN,
            "default_pass": self._password,
            "default_vhost": VHOST,
            "default_user_tags.administrator": "true",
            "disk_free_limit.absolute": "100MB",
            "vm_memory_high_watermark.absolute": "512MB",
            "collect_statistics_interval": 1000,
            "log.file.level": "info",
        }
        conf = self.folder / "rabbitmq.conf"
        conf.touch(0o600)
        conf.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))

    def _keep(self, name: str, secret: str) -> None:
        path = self.folder / name
        if not path.exists():
            path.touch(0o600)
            path.write_text(secret)

    def _start_names(self) -> None:
        """Our own epmd, in the foreground: one that Erlang starts by itself outlives everything."""
        self._refuse_taken()
        command = [shutil.which("epmd") or "epmd", "-port", str(self._names), "-address", LOOPBACK]
        self._epmd = spawn(command, environment=self._environment(), output=subprocess.DEVNULL, last_signal=signal.SIGKILL)
        if not wait_until(lambda: answers(self._names), timeout=10):
            raise CannotStart("Erlang's epmd did not start.")

    def _refuse_taken(self) -> None:
        for port in (self.port, self._management, self._metrics, self._distribution, self._names):
            if not is_free(port):
                raise CannotStart(f"Port {port}, meant for RabbitMQ, is taken by another program.")

    def _wait_ready(self, broker: subprocess.Popen[bytes]) -> None:
        if wait_until(lambda: broker.poll() is not None or self._greets(), timeout=self.patience, every=0.1) and broker.poll() is None:
            return
        self.kill()
        raise CannotStart(f"RabbitMQ did not start. The end of {self._log}:\n{tail(self._log)}")

    def _greets(self) -> bool:
        """Whether the broker answers the first bytes of an AMQP connection: the port alone opens before it is ready."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=2) as client:
                client.sendall(b"AMQP\x00\x00\x09\x01")
                return client.recv(1) == b"\x01"
        except OSError:
            return False


def ensure_installed() -> None:
    """Install Debian's RabbitMQ when it is missing and we may. Raises :class:`CannotStart` with what to do when we may not."""
    if not _find(PACKAGE):
        install([PACKAGE], MISSING)


def _find(program: str) -> Path | None:
    if (DEBIAN / program).exists():
        return DEBIAN / program
    found = shutil.which(program)
    return Path(found) if found else None


def _program(name: str) -> Path:
    found = _find(name)
    if not found:
        raise CannotStart(MISSING)
    return found


def installed_version() -> str:
    """Of the RabbitMQ that would be started. Raises :class:`CannotStart` without one."""
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}
    done = subprocess.run(
        [str(_program("rabbitmqctl")), "version"], env=environment, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip()
