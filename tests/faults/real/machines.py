"""Faults of what the services stand on: the broker, the database, the network between."""

import contextlib
import os
import signal
from collections.abc import Callable
from contextlib import closing

import psycopg2

from services.cli.private_postgres import PrivatePostgres
from services.cli.private_rabbitmq import PrivateRabbit
from tests.faults.real.field import Field, Inject
from tests.faults.real.proxy import HOLE, OPEN, REFUSE, Proxy
from tests.faults.real.system import pause
from tests.wait import until


def repeated(number: int, fault: Callable[[], None]) -> Inject:
    """Again and again, each time mended and recovered from, some reports apart."""

    def inject(field: Field) -> int:
        for _ in range(number):
            field.after(5)
            fault()
            field.of.await_ready(60)
            field.recover()
        return number

    return inject


def broker_killed(rabbit: PrivateRabbit) -> None:
    rabbit.kill()
    rabbit.start()


def broker_restarted(rabbit: PrivateRabbit) -> None:
    rabbit.stop()
    rabbit.start()


def alarm(rabbit: PrivateRabbit, *low: str, usual: tuple[str, ...]) -> None:
    """The broker takes nothing for a while; intake must not notice."""
    rabbit.ctl(*low)
    pause(4)
    rabbit.ctl(*usual)


def memory(rabbit: PrivateRabbit) -> None:
    alarm(rabbit, "set_vm_memory_high_watermark", "0.00001", usual=("set_vm_memory_high_watermark", "absolute", "512MB"))


def disk(rabbit: PrivateRabbit) -> None:
    alarm(rabbit, "set_disk_free_limit", "900GB", usual=("set_disk_free_limit", "100MB"))


def database_killed(postgres: PrivatePostgres) -> None:
    postgres.kill()
    postgres.start()


def database_stopped(postgres: PrivatePostgres, how: signal.Signals) -> None:
    """SIGINT is a fast shutdown, SIGQUIT an immediate one."""
    assert postgres.pid
    os.kill(postgres.pid, how)
    until(lambda: postgres.pid is None, 30, what="PostgreSQL ended")
    postgres.start()


def owner_says(url: str, statement: str) -> None:
    """Whether or not the database lives to answer."""
    with contextlib.suppress(psycopg2.Error), closing(psycopg2.connect(url)) as owner, owner.cursor() as cursor:
        cursor.execute(statement)


def backends_killed(url: str) -> None:
    """Every connection of the services is ended under their hands."""
    owner_says(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'hoiam-%'")


def cut(proxy: Proxy) -> None:
    proxy.cut()


def refused(proxy: Proxy) -> None:
    proxy.state = REFUSE
    proxy.cut()
    pause(3)
    proxy.state = OPEN


def hole(proxy: Proxy, seconds: float = 12.0) -> None:
    """Nothing comes through, and nobody is told; then everything that waited comes at once."""
    proxy.state = HOLE
    pause(seconds)
    proxy.state = OPEN
    proxy.cut()


def slow(proxy: Proxy) -> None:
    proxy.delay = 0.15
    pause(8)
    proxy.delay = 0.0
