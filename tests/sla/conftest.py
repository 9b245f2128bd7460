"""sla on a real PostgreSQL, with the real province."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from services.sla import store
from services.sla.domain.calendar import calendar_of
from services.sla.domain.clocks import Timekeeper
from services.sla.handlers import HANDLERS
from shared import province
from shared.database import Sessions, engine, migrate, sessions
from shared.handling import Handling
from shared.province import Province, read_province
from shared.settings import PROJECT
from tests.builders import MONDAY
from tests.conftest import drop_database, fresh_database
from tests.sla.calling import Caller, calling


@pytest.fixture(scope="session")
def quang_tri() -> Province:
    return read_province(PROJECT / "deploy/provinces/quang-tri")


@pytest.fixture(scope="session")
def keeper(quang_tri: Province) -> Timekeeper:
    return Timekeeper(version=1, province=quang_tri, calendar=calendar_of(quang_tri))


@pytest.fixture
def rooms(database_url: str, quang_tri: Province) -> Iterator[Sessions]:
    migrate(database_url, "sla")
    of = engine(database_url, "sla")
    with sessions(of).begin() as session:
        province.store(session, quang_tri, MONDAY)
    yield sessions(of)
    of.dispose()


@pytest.fixture(scope="module")
def module_rooms(module_database_url: str, quang_tri: Province) -> Iterator[Sessions]:
    """One database for a whole file."""
    migrate(module_database_url, "sla")
    of = engine(module_database_url, "sla")
    with sessions(of).begin() as session:
        province.store(session, quang_tri, MONDAY)
    yield sessions(of)
    of.dispose()


@pytest.fixture(scope="session")
def template(postgres_url: str, quang_tri: Province) -> Iterator[str]:
    """The name of a database like that of ``rooms``, to be copied, which is quicker than making it."""
    url = fresh_database(postgres_url)
    migrate(url, "sla")
    of = engine(url, "sla")
    with sessions(of).begin() as session:
        province.store(session, quang_tri, MONDAY)
    of.dispose()
    yield urlsplit(url).path[1:]
    drop_database(url)


@pytest.fixture
def copied_url(postgres_url: str, template: str) -> Iterator[str]:
    """A database of its own for a test, where the commands of `hoiam` find it."""
    url = fresh_database(postgres_url, template)
    yield url
    drop_database(url)


@pytest.fixture
def copied_rooms(copied_url: str) -> Iterator[Sessions]:
    of = engine(copied_url, "sla")
    yield sessions(of)
    of.dispose()


@pytest.fixture
def call(rooms: Sessions) -> Iterator[Caller]:
    with calling(rooms) as caller:
        yield caller


@pytest.fixture
def handling(rooms: Sessions) -> Handling:
    return Handling(service="sla", handlers=HANDLERS, sessions=rooms, preload=store.preload)
