"""The supervisor with real processes, real signals and, where it says so, a real PostgreSQL."""

import io
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import psycopg2
import pytest

from services.cli.console import Console
from services.cli.process import free_port, is_alive, is_free
from services.cli.up import PATIENCE, SERVICES, Layout
from tests.wait import until

PROJECT = Path(__file__).parents[2]
ELSEWHERE = "postgresql://nobody@127.0.0.1:1/none"  # a database of somebody else: PostgreSQL is not started


class Running:
    """One supervisor in a process of its own, and what it says."""

    def __init__(self, folder: Path, port_base: int, environment: dict[str, str]) -> None:
        self.layout = Layout(folder, port_base)
        command = [sys.executable, Path(__file__).with_name("supervised.py"), folder, str(port_base), json.dumps(environment)]
        own = os.environ | {"PYTHONPATH": str(PROJECT)}
        self.process = subprocess.Popen(command, env=own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.said: list[str] = []
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                self.said.append(line.rstrip())

    def says(self, text: str, timeout: float = 20) -> str:
        return until(lambda: next((line for line in self.said if text in line), ""), timeout, what=f"{text!r} in {self.said}")

    def pids(self) -> dict[str, int]:
        """Of everything it runs, when all is ready."""
        found: dict[str, int] = json.loads(self.says("READY").split("READY ")[1])
        return found

    def end(self, how: signal.Signals = signal.SIGTERM, patience: float = 20) -> int:
        self.process.send_signal(how)
        return self.ended(patience)

    def ended(self, patience: float = 20) -> int:
        code = self.process.wait(patience)
        self._listener.join()
        return code


@pytest.fixture
def up(open_folder: Path) -> Iterator[Callable[..., Running]]:
    """Start a supervisor, on a folder and ports of its own unless told otherwise."""
    started: list[Running] = []

    def start(beside: Layout | None = None, **environment: str) -> Running:
        layout = beside or Layout(open_folder / f"up-{len(list(open_folder.iterdir()))}", five_ports())
        started.append(Running(layout.folder, layout.port_base, {"DATABASE_URL": ELSEWHERE} | environment))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
        running.ended()


def five_ports() -> int:
    return until(lambda: next((base for base in [free_port()] if all(map(is_free, range(base, base + 5)))), 0))


def gone(pids: dict[str, int]) -> bool:
    return not any(map(is_alive, pids.values()))


class TestSupervisor:
    def test_prepares_an_embedded_postgresql_before_the_services_start(self, up):
        running = up(DATABASE_URL="", PREPARE="CREATE TABLE prepared (x int)")

        pids = running.pids()

        assert list(pids) == [*SERVICES, "postgres"]
        url = environment_of(running, "sla")["DATABASE_URL"]
        connection = psycopg2.connect(url)
        connection.cursor().execute("SELECT * FROM prepared")
        connection.close()
        assert f":{running.layout.database_port}/" in url

    def test_stops_postgresql_last_and_leaves_no_process(self, up):
        running = up(DATABASE_URL="")
        pids = running.pids()

        assert running.end(signal.SIGINT) == 0

        assert gone(pids)
        assert "database system is shut down" in (running.layout.folder / "postgres.log").read_text()

    def test_gives_each_service_its_port_the_environment_and_the_keys(self, up):
        running = up(PROVINCE="quang-tri")
        running.pids()

        told = environment_of(running, "notify")

        assert told["HTTP_PORT"] == str(running.layout.port("notify"))
        assert told["HTTP_HOST"] == "127.0.0.1"
        assert told["LOG_FORMAT"] == "human"
        assert told["PROVINCE"] == "quang-tri"
        assert Path(told["SEAL_KEY_FILE"]).stat().st_mode & 0o777 == 0o600

    def test_says_who_is_ready_and_who_said_what(self, up):
        running = up()

        running.pids()

        assert re.fullmatch(r"hoiam +│ sla is ready at http://127.0.0.1:\d+ \(\d+\.\d s\)", running.says("sla is ready"))
        assert running.says("xin chào").split() in [[name, "│", "xin", "chào"] for name in SERVICES]

    def test_starts_a_service_again_that_died_and_waits_longer_each_time(self, up):
        running = up()
        running.pids()

        for pause in ("0.2 s", "0.4 s"):
            url = running.layout.url("routing")
            os.kill(int(environment_of(running, "routing")["PID"]), signal.SIGKILL)
            running.says(f"routing ended (SIGKILL); starting it again in {pause}")
            until(lambda url=url: answers(url), what="routing is back")

    def test_starts_postgresql_again_that_died(self, up):
        running = up(DATABASE_URL="")
        pids = running.pids()

        os.kill(pids["postgres"], signal.SIGKILL)

        running.says("PostgreSQL ended")
        until(lambda: database_answers(running), what="PostgreSQL is back")

    def test_lets_the_services_say_goodbye(self, up):
        running = up()
        running.pids()

        running.end(signal.SIGTERM)

        assert {line.split()[0] for line in running.said if "goodbye" in line} == set(SERVICES)

    def test_kills_who_will_not_stop_at_the_second_signal(self, up):
        running = up(STUBBORN="yes")
        pids = running.pids()

        running.process.send_signal(signal.SIGTERM)
        running.says("stopping")
        running.end(signal.SIGTERM, patience=PATIENCE / 2)

        assert gone(pids)
        assert running.says("sla did not stop in time")

    def test_leaves_no_process_when_it_is_killed(self, up):
        running = up(DATABASE_URL="")
        pids = running.pids()

        running.process.kill()

        until(lambda: gone(pids), what="all processes are gone")

    def test_starts_again_where_one_was_killed_and_its_services_are_still_ending(self, up):
        killed = up(DATABASE_URL="", LINGER="0.7")
        killed.pids()
        killed.process.kill()

        assert up(beside=killed.layout, DATABASE_URL="").pids()

    def test_refuses_a_folder_that_is_in_use_and_names_the_holder(self, up):
        holder = up()
        holder.pids()

        second = up(beside=Layout(holder.layout.folder, five_ports()))

        assert second.ended() == 1
        assert f"as pid {holder.process.pid}." in second.says("CANNOT START")
        assert answers(holder.layout.url("sla"))

    @pytest.mark.parametrize("which", range(5))
    def test_refuses_a_port_that_is_taken_before_it_starts_anything(self, up, open_folder, which):
        layout = Layout(open_folder / f"taken-{which}", five_ports())
        with socket.create_server(("127.0.0.1", layout.port_base + which)):
            running = up(beside=layout, DATABASE_URL="")

            assert running.ended() == 1

        assert f"Port {layout.port_base + which}, meant for {['postgres', *SERVICES][which]}, is taken" in running.says("CANNOT START")
        assert not layout.postgres.exists()

    def test_stops_in_the_middle_of_preparing(self, up):
        running = up(DATABASE_URL="", PREPARE="SELECT pg_sleep(0.7)")
        running.says("preparing")

        assert running.end(signal.SIGTERM) == 0

        assert not any("waiting for" in line for line in running.said)

    def test_stops_everything_when_what_is_to_be_done_on_ready_fails(self, up):
        running = up(FAIL="no such province")

        assert running.ended() == 1

        assert running.says("CANNOT START no such province")
        assert not answers(running.layout.url("sla"))


class TestConsole:
    def test_writes_plain_lines_where_nobody_looks(self):
        screen = io.StringIO()

        Console(screen).say("Đã mở hồ sơ", "sla")

        assert screen.getvalue() == "sla      │ Đã mở hồ sơ\n"

    def test_colours_the_names_on_a_terminal(self, terminal, monkeypatch):
        monkeypatch.delenv("NO_COLOR", raising=False)

        assert terminal() == "\x1b[35msla     \x1b[0m │ hello"

    def test_honours_no_color(self, terminal, monkeypatch):
        monkeypatch.setenv("NO_COLOR", "1")

        assert terminal() == "sla      │ hello"

    def test_goes_on_when_the_screen_has_gone(self):
        reader, writer = os.pipe()
        os.close(reader)
        screen = os.fdopen(writer, "w")

        Console(screen).say("nobody hears this")

        with pytest.raises(BrokenPipeError):
            screen.close()


@pytest.fixture
def terminal() -> Iterator[Callable[[], str]]:
    """What a console on a terminal shows for one line."""
    master, slave = pty.openpty()

    def show() -> str:
        with os.fdopen(slave, "w") as screen:
            Console(screen).say("hello", "sla")
            return os.read(master, 1000).decode().strip()

    yield show
    os.close(master)


def answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/readyz", trust_env=False).status_code == 200
    except httpx2.HTTPError:
        return False


def environment_of(running: Running, service: str) -> dict[str, str]:
    told: dict[str, str] = httpx2.get(running.layout.url(service) + "/environment", trust_env=False).json()
    return told


def database_answers(running: Running) -> bool:
    password = (running.layout.folder / "postgres.password").read_text()
    try:
        psycopg2.connect(f"postgresql://owner:{password}@127.0.0.1:{running.layout.database_port}/hoiam").close()
    except psycopg2.OperationalError:
        return False
    return True
