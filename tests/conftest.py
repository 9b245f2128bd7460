"""The real parts tests stand on: one private PostgreSQL and one private RabbitMQ a session, and fresh rooms in them."""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psycopg2
import pytest
from hypothesis import settings

from services.cli.private_postgres import PrivatePostgres
from services.cli.private_rabbitmq import PrivateRabbit, ensure_installed

settings.register_profile("house", settings(), deadline=None)  # no test reads a clock: a busy machine is no counterexample
settings.load_profile("house")


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder other users may pass through: pytest's own is closed, and PostgreSQL does not run as root."""
    with tempfile.TemporaryDirectory(prefix="hoiam-tests-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.fixture(scope="session")
def postgres_url(open_folder: Path) -> Iterator[str]:
    """The owner's URL of one private PostgreSQL for all tests. Its database `hoiam` is nobody's: take `database_url`."""
    with PrivatePostgres(open_folder / "postgres", durable=False) as postgres:
        yield postgres.url


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """An empty database for one test."""
    with _database(postgres_url) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(postgres_url: str) -> Iterator[str]:
    """An empty database for one file of tests."""
    with _database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def rabbit(open_folder: Path) -> Iterator[PrivateRabbit]:
    """One private RabbitMQ for all tests. Who kills it starts it again."""
    ensure_installed()
    node = PrivateRabbit(open_folder / "rabbit").start()
    yield node
    node.kill()  # in good order takes six seconds, and the data goes anyway


@pytest.fixture
def amqp_url(rabbit: PrivateRabbit) -> Iterator[str]:
    """The administrator's URL of an empty vhost for one test."""
    with fresh_vhost(rabbit) as url:
        yield url


@pytest.fixture(scope="module")
def module_amqp_url(rabbit: PrivateRabbit) -> Iterator[str]:
    """The administrator's URL of an empty vhost for one file of tests."""
    with fresh_vhost(rabbit) as url:
        yield url


def fresh_database(postgres_url: str, template: str = "template1") -> str:
    """The URL of a new database, a copy of the database ``template`` (which nobody may be connected to)."""
    name = f"test_{secrets.token_hex(6)}"
    _execute(postgres_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    return urlsplit(postgres_url)._replace(path=f"/{name}").geturl()


def drop_database(url: str) -> None:
    """Drop the database of ``url``, whoever is still connected."""
    parts = urlsplit(url)
    _execute(parts._replace(path="/postgres").geturl(), f"DROP DATABASE IF EXISTS {parts.path[1:]} WITH (FORCE)")


@contextmanager
def fresh_vhost(rabbit: PrivateRabbit) -> Iterator[str]:
    """The administrator's URL of an empty vhost."""
    vhost = f"test-{secrets.token_hex(4)}"
    with httpx2.Client(base_url=rabbit.management_url, timeout=30) as http:
        http.put(f"/api/vhosts/{vhost}").raise_for_status()
        yield rabbit.amqp_url.rsplit("/", 1)[0] + f"/{vhost}"
        http.delete(f"/api/vhosts/{vhost}")


@contextmanager
def _database(postgres_url: str) -> Iterator[str]:
    url = fresh_database(postgres_url)
    yield url
    drop_database(url)


def _execute(url: str, statement: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True  # databases are not made in a transaction
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()
