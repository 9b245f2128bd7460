"""Both buses, each with the topology of ``letters`` in rooms of its own, and who sends and reads there."""

from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import urlsplit

import psycopg2
import pytest
from sqlalchemy import create_engine, text

from shared.bus.postgres import PostgresBus, create_schema
from shared.bus.rabbitmq import RabbitBus
from shared.database import Sessions, engine, migrate, psycopg_url, sessions
from shared.handling import Handling
from tests.shared.letters import TOPOLOGY
from tests.shared.standin import HANDLERS


@pytest.fixture
def rabbit_bus(rabbit, amqp_url):
    """With the topology, in a vhost of its own."""
    bus = RabbitBus(amqp_url, management_url=rabbit.management_url)
    bus.apply(TOPOLOGY)
    return bus


@pytest.fixture
def postgres_bus(database_url):
    """With the topology, in a database of its own."""
    create_schema(database_url)
    bus = PostgresBus(database_url)
    bus.apply(TOPOLOGY)
    return bus


@pytest.fixture(params=["rabbitmq", "postgres"])
def kind(request) -> str:
    """Which adapter."""
    return request.param


@pytest.fixture
def bus(kind, request):
    """One of the two."""
    return request.getfixturevalue("rabbit_bus" if kind == "rabbitmq" else "postgres_bus")


@pytest.fixture
def publisher(bus) -> Iterator:
    """Somebody who sends."""
    with closing(bus.publisher("test")) as opened:
        yield opened


@pytest.fixture
def reader(bus) -> Iterator:
    """Somebody who reads sla's inbox."""
    with closing(bus.consumer("sla.inbox", "test")) as opened:
        yield opened


@pytest.fixture
def cut(kind, request) -> Callable[[], object]:
    """Ends every connection to the bus, from the other side."""
    if kind == "rabbitmq":
        rabbit, vhost = request.getfixturevalue("rabbit"), urlsplit(request.getfixturevalue("amqp_url")).path[1:]
        return lambda: rabbit.ctl("close_all_connections", "--vhost", vhost, "test")
    return lambda: _execute(request.getfixturevalue("database_url"), "application_name LIKE 'bus %%'")


def _execute(url: str, which: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND {which}")


@pytest.fixture
def rooms(database_url: str) -> Iterator[Sessions]:
    """The database of the stand-in service: sla's mailbox, and a table for its effects."""
    migrate(database_url, "sla")
    owner = create_engine(psycopg_url(database_url))
    with owner.begin() as connection:
        connection.execute(text("CREATE TABLE sla.effects (note text)"))
        connection.execute(text("GRANT ALL ON sla.effects TO hoiam_sla"))
    owner.dispose()
    of = engine(database_url, "sla")
    yield sessions(of)
    of.dispose()


@pytest.fixture
def handling(rooms: Sessions) -> Handling:
    """The runtime of the stand-in service."""
    return Handling(service="sla", handlers=HANDLERS, sessions=rooms)
