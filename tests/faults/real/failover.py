"""A PostgreSQL whose every commit is on a second one, too, which takes over when the first is gone."""

import contextlib
import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg2

from services.cli.private_postgres import ENVIRONMENT, PrivatePostgres
from services.cli.process import spawn
from tests.faults.real.machines import repeated
from tests.faults.real.proxy import Proxy
from tests.faults.real.system import system, vhost
from tests.wait import until


class Standby(PrivatePostgres):
    """Follows ``primary``, which from the start on waits for it at each commit: without that, what was committed last would be lost."""

    def __init__(self, folder: Path, primary: PrivatePostgres) -> None:
        super().__init__(folder)
        self._primary = primary

    def promote(self) -> None:
        """It is the first now."""
        _tell(self, "SELECT pg_promote(true, 30)")

    def _make(self) -> None:
        shutil.copy2(self._primary._secret, self._secret)
        self.folder.mkdir(0o700)
        if self._user:
            os.chown(self.folder, self._user, self._user)
        secret = {"PGPASSWORD": self._secret.read_text(encoding="ascii")}
        where = ("--host=127.0.0.1", f"--port={self._primary.port}", "--username=owner", f"--pgdata={self.folder}")
        command: list[str | Path] = [self._programs / "pg_basebackup", *where, "--write-recovery-conf", "--checkpoint=fast"]
        assert spawn(command, environment=ENVIRONMENT | secret, user=self._user).wait(120) == 0

    def _wait_ready(self, process: Any) -> None:
        until(lambda: process.poll() is not None or _answers(self), 60, what="the standby answers", every=0.2)

    def _make_database(self) -> None:
        """It has the primary's."""
        _tell(self._primary, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        until(lambda: _is_followed(self._primary), 30, what="the standby is synchronous", every=0.1)


def _tell(postgres: PrivatePostgres, *statements: str) -> list[Any]:
    with closing(psycopg2.connect(postgres.url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()


def _answers(postgres: PrivatePostgres) -> bool:
    with contextlib.suppress(psycopg2.Error):
        return bool(_tell(postgres, "SELECT 1"))
    return False


def _is_followed(postgres: PrivatePostgres) -> bool:
    return _tell(postgres, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == [(1,)]


def _taking_over(proof: Any, first: PrivatePostgres, way: Proxy, stack: ExitStack) -> Callable[[], None]:
    """The first is killed and its standby promoted; then that one is the first, and gets a standby of its own."""
    line = [first]

    def take_over() -> None:
        before = line[-1]
        after = Standby(proof.folder / f"standby{len(line)}", before)
        stack.callback(after.stop)
        after.start()
        before.kill()
        way.targets = (after.port,)
        after.promote()
        line.append(after)

    return take_over


def failover(proof: Any) -> None:
    """Services reach whichever is the first."""
    with ExitStack() as stack:
        first = stack.enter_context(PrivatePostgres(proof.folder / "first"))
        way = Proxy(first.port)
        stack.callback(way.close)
        url = first.url.replace(f":{first.port}/", f":{way.port}/")
        amqp = vhost(proof.rabbit.amqp_url, proof.rabbit.management_url, "failover")
        with system(proof.folder / "failover", url, amqp, proof.rabbit.management_url) as of, proof.people_in(of) as field:
            take_over = _taking_over(proof, first, way, stack)
            field.row("PostgreSQL: killed, its synchronous standby takes over", repeated(proof.times(4), take_over), reports=300)
