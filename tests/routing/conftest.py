"""routing on a real PostgreSQL, with the real province."""

from collections.abc import Iterator

import pytest

from services.routing import store
from services.routing.domain.rules import Rulebook
from services.routing.handlers import HANDLERS
from shared import province
from shared.database import Sessions, engine, migrate, sessions
from shared.handling import Handling
from shared.province import Province, read_province
from shared.settings import PROJECT
from tests.builders import MONDAY


@pytest.fixture(scope="session")
def quang_tri() -> Province:
    return read_province(PROJECT / "deploy/provinces/quang-tri")


@pytest.fixture(scope="session")
def rulebook(quang_tri: Province) -> Rulebook:
    return Rulebook(quang_tri)


@pytest.fixture
def routing_url(database_url: str, quang_tri: Province) -> str:
    """A database with routing's schema and the province in it."""
    migrate(database_url, "routing")
    of = engine(database_url, "routing")
    with sessions(of).begin() as session:
        province.store(session, quang_tri, MONDAY)
    of.dispose()
    return database_url


@pytest.fixture
def rooms(routing_url: str) -> Iterator[Sessions]:
    of = engine(routing_url, "routing")
    yield sessions(of)
    of.dispose()


@pytest.fixture
def handling(rooms: Sessions) -> Handling:
    return Handling(service="routing", handlers=HANDLERS, sessions=rooms, preload=store.preload)
