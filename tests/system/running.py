"""The whole system as a person runs it: `hoiam up` in a process of its own, seen from outside."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from services.cli.keys import PRIVATE, token
from services.cli.process import free_port, is_free
from services.cli.up import SERVICES, Layout
from shared.clock import now
from shared.settings import PROJECT
from tests.wait import until

HOIAM = (sys.executable, "-m", "services.cli")
REPORT = {"category": "CS01", "description": "Đèn đường hỏng ba ngày nay.", "location": {"area": "dh", "address": "12 Hùng Vương"}}


@dataclass
class System:
    """One running `hoiam up`."""

    layout: Layout
    environment: Mapping[str, str]
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    http: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=10, trust_env=False))

    def hoiam(self, *arguments: str) -> str:
        """What the command line prints. Raises when it fails."""
        place = {"HOIAM_FOLDER": str(self.layout.folder), "HOIAM_PORT_BASE": str(self.layout.port_base)}
        return hoiam({**self.environment, **place}, *arguments)

    def post_report(self, key: str, body: Mapping[str, Any] = REPORT, *, name: str = "") -> httpx2.Response:
        """As a portal."""
        headers = {"X-Api-Key": key, "Idempotency-Key": name or str(uuid4())}
        return self.http.post(f"{self.layout.url('intake')}/v1/reports", json=body, headers=headers)

    def status(self, tracking_code: str) -> Any:
        """What the public sees."""
        return self.http.get(f"{self.layout.url('intake')}/v1/reports/{tracking_code}").json()

    def ask(self, role: str, report_id: str, request: str, body: Mapping[str, Any]) -> httpx2.Response:
        """As an agency or the operations centre, over HTTP."""
        return self.http.post(f"{self.layout.url('sla')}/v1/cases/{report_id}/{request}", json=body, headers=self.headers(role))

    def cases(self, **wanted: str) -> list[Any]:
        """As the operations centre, one page."""
        answer = self.http.get(f"{self.layout.url('sla')}/v1/cases", params={"limit": 200, **wanted}, headers=self.headers("operator"))
        cases: list[Any] = answer.json()["cases"]
        return cases

    def headers(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token(self.layout.keys / PRIVATE, role=role, name='lan', at=now(), hours=1)}"}

    def metric(self, service: str, name: str) -> float:
        """The sum of all samples of ``name``."""
        text = self.http.get(f"{self.layout.url(service)}/metrics").text
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} ")))

    def pid_of(self, service: str) -> int | None:
        """The process that serves as ``service`` now."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().decode().split("\0")
                mine = f"HTTP_PORT={self.layout.port(service)}".encode() in (folder / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if mine and words[-2:-1] == [f"services.{service}"]:
                return int(folder.name)
        return None

    def kill(self, service: str, how: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal, and no more than that: bringing it back is the supervisor's business. Whom it was sent to."""
        pid = self.pid_of(service)
        assert pid, f"{service} does not run"
        os.kill(pid, how)
        return pid

    def is_ready(self, service: str) -> bool:
        try:
            return self.http.get(f"{self.layout.url(service)}/readyz").is_success
        except httpx2.HTTPError:
            return False


def hoiam(environment: Mapping[str, str], *arguments: str) -> str:
    """What the command line prints. Raises when it fails."""
    done = subprocess.run([*HOIAM, *arguments], env=dict(environment), cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextmanager
def running(folder: Path, *arguments: str, **environment: str) -> Iterator[System]:
    """`hoiam up` with ``arguments`` and ``environment`` until the end of the block; every service is ready inside it."""
    layout = Layout(folder, _five_free_ports())
    whole = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment}
    command = [*HOIAM, "up", "--folder", str(folder), "--port-base", str(layout.port_base), *arguments]
    process = subprocess.Popen(command, env=whole, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    system = System(layout, whole, process)
    reader = threading.Thread(target=lambda: system.lines.extend(process.stdout or ()))
    reader.start()
    try:
        until(lambda: all(map(system.is_ready, SERVICES)) or process.poll() is not None, 60, what="every service ready")
        yield system
    except AssertionError as failure:
        failure.add_note("".join(system.lines[-150:]))  # what the system said is half of why
        raise
    finally:
        process.terminate()
        process.wait(40)
        reader.join(10)
        system.http.close()
        if process.stdout:
            process.stdout.close()


def _five_free_ports() -> int:
    while True:
        base = free_port()
        if all(is_free(base + offset) for offset in range(5)):
            return base
