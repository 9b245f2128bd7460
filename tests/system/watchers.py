"""A real Prometheus and a real Alertmanager with the shipped configuration, hurried, on loopback; and somebody who is told."""

import json
import math
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import yaml

from services.cli.debian import ensure_watchers
from services.cli.private_rabbitmq import PrivateRabbit
from services.cli.process import LOOPBACK, end, free_port, spawn
from services.cli.up import SERVICES
from shared.settings import PROJECT
from tests.system.running import System
from tests.wait import until

DEPLOY = PROJECT / "deploy"
HURRIED = {  # what the test brings about, seen within seconds; every other rule waits as it was shipped
    "BrokerDown": {},
    "OutboxStuck": {"> 60": "> 5"},
    "AgencyStalled": {"> 14400": "> 5"},
}
WINDOW = "[20s]"  # instead of Grafana's $__rate_interval


class Heard:
    """Whoever is called: by receiver, the names of alerts that fired, and of those that were resolved."""

    def __init__(self) -> None:
        self.fired: set[tuple[str, str, str]] = set()
        self.resolved: set[tuple[str, str, str]] = set()

    def note(self, receiver: str, told: Mapping[str, Any]) -> None:
        for alert in told["alerts"]:
            name = (receiver, alert["labels"]["alertname"], alert["labels"].get("agency", ""))
            (self.fired if alert["status"] == "firing" else self.resolved).add(name)


class Watchers:
    """Asked over their HTTP APIs."""

    def __init__(self, prometheus: int, alertmanager: int, heard: Heard, http: httpx2.Client) -> None:
        self.heard, self._http = heard, http
        self._prometheus, self._alertmanager = f"http://{LOOPBACK}:{prometheus}", f"http://{LOOPBACK}:{alertmanager}"

    def are_ready(self) -> bool:
        try:
            return all(self._http.get(f"{url}/-/ready").is_success for url in (self._prometheus, self._alertmanager))
        except httpx2.HTTPError:
            return False

    def query(self, expression: str) -> dict[tuple[str, ...], float]:
        """What it is now, by the values of its labels."""
        rows = self._ask("query", query=expression)
        return {tuple(value for _, value in sorted(row["metric"].items())): float(row["value"][1]) for row in rows}

    def has_shown(self, expression: str, since: float, until: float) -> bool:
        """Whether there was ever a number between the two moments."""
        rows = self._ask("query_range", query=expression, start=since, end=until, step=1)
        return any(not math.isnan(float(value)) for row in rows for _, value in row["values"])

    def silenced(self) -> set[str]:
        """Alerts that fire and of which nobody is told, because another explains them."""
        alerts = self._http.get(f"{self._alertmanager}/api/v2/alerts").json()
        return {alert["labels"]["alertname"] for alert in alerts if alert["status"]["state"] == "suppressed"}

    def _ask(self, how: str, **parameters: Any) -> list[Any]:
        answer = self._http.get(f"{self._prometheus}/api/v1/{how}", params=parameters)
        assert answer.is_success, f"{parameters['query']}: {answer.text}"
        rows: list[Any] = answer.json()["data"]["result"]
        return rows


@contextmanager
def watching(folder: Path, system: System, rabbit: PrivateRabbit, vhost: str) -> Iterator[Watchers]:
    """Both watch ``system`` until the end of the block."""
    ensure_watchers()
    folder.mkdir()
    prometheus, alertmanager = free_port(), free_port()
    with ExitStack() as stack:
        heard = Heard()
        ear = stack.enter_context(_listening(heard))
        _write(folder, "alertmanager.yml", _alertmanager(ear))
        _write(folder, "rules.yml", _rules())
        _write(folder, "prometheus.yml", _prometheus(system, rabbit, vhost, alertmanager))
        stack.enter_context(_running(folder, "prometheus", prometheus, f"--storage.tsdb.path={folder}/tsdb"))
        how = (f"--storage.path={folder}/alerts", "--cluster.listen-address=")
        stack.enter_context(_running(folder, "alertmanager", alertmanager, *how))
        watchers = Watchers(prometheus, alertmanager, heard, stack.enter_context(httpx2.Client(timeout=10, trust_env=False)))
        until(watchers.are_ready, 30, what="Prometheus and Alertmanager ready")
        yield watchers


@contextmanager
def _listening(heard: Heard) -> Iterator[int]:
    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.note(self.path.removeprefix("/"), json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer((LOOPBACK, 0), Ear) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@contextmanager
def _running(folder: Path, name: str, port: int, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    program = shutil.which(name) or shutil.which(f"prometheus-{name}") or name
    command = [program, f"--config.file={folder}/{name}.yml", f"--web.listen-address={LOOPBACK}:{port}", *arguments]
    with (folder / f"{name}.log").open("wb") as log:
        process = spawn(command, environment={"PATH": "/usr/bin:/bin"}, folder=folder, output=log, last_signal=signal.SIGKILL)
        yield process
        end(process, signal.SIGTERM, 10)


def _read(path: str) -> Any:
    return yaml.safe_load((DEPLOY / path).read_text(encoding="utf-8"))


def _write(folder: Path, name: str, content: Any) -> None:
    (folder / name).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def _rules() -> Any:
    written = _read("prometheus/rules.yml")
    for rule in (rule for group in written["groups"] for rule in group["rules"] if rule["alert"] in HURRIED):
        rule["for"] = "1s"
        if "keep_firing_for" in rule:
            rule["keep_firing_for"] = "15s"
        for slow, fast in HURRIED[rule["alert"]].items():
            assert slow in rule["expr"]
            rule["expr"] = rule["expr"].replace(slow, fast)
    return written


def _prometheus(system: System, rabbit: PrivateRabbit, vhost: str, alertmanager: int) -> Any:
    """As it was shipped, but for where everybody is and how often they are looked at."""
    written = _read("prometheus/prometheus.yml")
    written["global"] |= {"scrape_interval": "2s", "evaluation_interval": "1s"}
    written["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [f"{LOOPBACK}:{alertmanager}"]}]}]
    broker = [{"targets": [urlsplit(rabbit.metrics_url).netloc]}]
    services = [{"targets": [urlsplit(system.layout.url(name)).netloc], "labels": {"__meta_dns_name": name}} for name in SERVICES]
    for job in written["scrape_configs"]:
        del job["dns_sd_configs"]
        job["static_configs"] = services if job["job_name"] == "hoiam" else broker
        if job["job_name"] == "queues":
            job["params"]["vhost"] = [vhost]
    return written


def _alertmanager(ear: int) -> Any:
    """As it was shipped, at any hour, and told at once."""
    written = _read("alertmanager/alertmanager.yml")
    for route in (written["route"], *written["route"]["routes"]):
        route |= {"group_wait": "1s", "group_interval": "2s"}
        route.pop("active_time_intervals", None)
    for receiver in written["receivers"]:
        receiver["webhook_configs"] = [{"url": f"http://{LOOPBACK}:{ear}/{receiver['name']}"}]
    return written


def asked(expression: str, agency: str) -> str:
    """As Grafana would ask, with its variables filled in."""
    expression = re.sub(r"\[\$__rate_interval\]", WINDOW, expression)
    return expression.replace("$__range", "10m").replace("$agency", agency)
