"""routing on a real PostgreSQL, with the real province."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from services.routing import store
from services.routing.__main__ import service
from services.routing.domain.rules import Rulebook
from services.routing.handlers import HANDLERS
from services.routing.settings import RoutingSettings
from services.routing.store import rulesets
from shared import province
from shared.access import issue_token, new_key_pair
from shared.clock import now
from shared.database import Sessions, engine, migrate, sessions
from shared.handling import Handling
from shared.messages import Message, ReportReceived
from shared.province import Province, read_province
from shared.service import Process
from shared.settings import PROJECT
from tests.builders import MONDAY, envelope, received

PRIVATE, PUBLIC = new_key_pair()


def as_role(role: str) -> dict[str, str]:
    token = issue_token(PRIVATE, role=role, name="lan", issuer="hoiam", audience="hoiam", at=now(), lasts=timedelta(hours=1))
    return {"Authorization": f"Bearer {token}"}


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
        rulesets.load(session, quang_tri, MONDAY, name=uuid4())
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


@pytest.fixture
def http(routing_url: str) -> Iterator[TestClient]:
    settings = RoutingSettings(database_url=routing_url, jwt_public_key=PUBLIC)
    process = Process(service(settings), settings)
    with TestClient(process.app, headers=as_role("operator")) as client:
        yield client
    process.engine.dispose()


@pytest.fixture
def understand(handling: Handling) -> Callable[..., None]:
    """Have routing understand messages, each in a transaction of its own."""

    def each(*messages: Message) -> None:
        for message in messages:
            handling.together([envelope(message)])

    return each


@pytest.fixture
def receive(understand: Callable[..., None]) -> Callable[..., ReportReceived]:
    def one(**fields: object) -> ReportReceived:
        report = received(**fields)
        understand(report)
        return report

    return one
