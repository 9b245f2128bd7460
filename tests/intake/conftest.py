"""intake on a real PostgreSQL, with the real province and one portal."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg2
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import create_engine, text

from services.cli.bench.crowd import fill
from services.intake.__main__ import service
from services.intake.settings import IntakeSettings
from services.intake.store import portals
from shared import province
from shared.access import Scope
from shared.clock import now
from shared.database import Sessions, engine, migrate, psycopg_url, sessions
from shared.handling import Handling
from shared.privacy import new_key
from shared.province import Province, read_province
from shared.service import Process
from shared.settings import PROJECT
from tests.conftest import drop_database, fresh_database


@dataclass(frozen=True)
class Office:
    """A running intake: its HTTP, its database, its handling of what comes from the bus."""

    http: TestClient
    rooms: Sessions
    handling: Handling
    settings: IntakeSettings
    portal_key: str

    def post(self, body: Any, key: str = "k-1", **headers: str | bytes) -> Response:
        return self.http.post("/v1/reports", json=body, headers={"X-Api-Key": self.portal_key, "Idempotency-Key": key, **headers})

    def post_raw(self, content: bytes, **headers: str | bytes) -> Response:
        usual = {"X-Api-Key": self.portal_key, "Idempotency-Key": "k-1", "Content-Type": "application/json"}
        return self.http.post("/v1/reports", content=content, headers=usual | headers)

    def comment(self, code: str, secret: str, words: str, **headers: str | bytes) -> Response:
        return self.http.post(f"/v1/reports/{code}/comments", json={"text": words}, headers={"X-Report-Secret": secret, **headers})

    def shown(self, code: str) -> Any:
        answer = self.http.get(f"/v1/reports/{code}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def rows(self, table: str) -> int:
        with self.rooms() as session:
            return session.scalar(text(f"SELECT count(*) FROM {table}")) or 0

    def received(self, **fields: Any) -> tuple[UUID, str]:
        """The id and tracking code of a fresh report."""
        receipt = self.post(a_body(**fields), key=f"fresh-{self.rows('reports')}").json()
        return UUID(receipt["report_id"]), receipt["tracking_code"]


def a_body(**fields: Any) -> dict[str, Any]:
    """A broken street light in Đông Hà."""
    usual = {
        "category": "CS01",
        "description": "Đèn đường hỏng trước số 12 Hùng Vương",
        "location": {"area": "dh", "address": "12 Hùng Vương"},
    }
    return usual | fields


@pytest.fixture(scope="session")
def quang_tri() -> Province:
    return read_province(PROJECT / "deploy/provinces/quang-tri")


@pytest.fixture(scope="session")
def template(postgres_url: str, quang_tri: Province) -> Iterator[tuple[str, str]]:
    """A database with everything in it, and the portal's key."""
    url = fresh_database(postgres_url)
    migrate(url, "intake")
    of = engine(url, "intake")
    with sessions(of).begin() as session:
        province.store(session, quang_tri, now())
        key = portals.add_portal(session, "app", "Ứng dụng Quảng Trị", now(), scopes=Scope)
    of.dispose()
    yield urlsplit(url).path[1:], key
    drop_database(url)


@pytest.fixture
def settings(postgres_url: str, template: tuple[str, str], tmp_path: Path) -> Iterator[IntakeSettings]:
    url = fresh_database(postgres_url, template[0])
    yield IntakeSettings(
        database_url=url,
        link_key="k" * 40,
        sealing_keys=new_key("first"),
        public_url="https://hoiam.example/pa/",
        media_url=str(tmp_path / "media"),
        public_rate=0,  # all tests call from one address
    )
    drop_database(url)


@pytest.fixture
def office(settings: IntakeSettings, template: tuple[str, str]) -> Iterator[Office]:
    with opened(settings, template[1]) as office:
        yield office


@pytest.fixture(scope="session")
def crowded(postgres_url: str, template: tuple[str, str], quang_tri: Province) -> Iterator[Sessions]:
    """Twenty thousand reports, to be looked through and not changed."""
    url = fresh_database(postgres_url, template[0])
    owner = create_engine(psycopg_url(url), connect_args={"options": "-c search_path=intake"})
    with sessions(owner).begin() as session:
        fill(session, quang_tri, count=20_000, until=now())
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    of = engine(url, "intake")
    yield sessions(of)
    of.dispose()
    owner.dispose()
    drop_database(url)


@pytest.fixture
def another_portal(office: Office) -> str:
    """Its key."""
    with office.rooms.begin() as session:
        return portals.add_portal(session, "zalo", "Zalo", now())


@pytest.fixture(scope="module")
def door(postgres_url: str, template: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One office for a whole file: for tests that keep nothing, or don't mind what the others kept."""
    url = fresh_database(postgres_url, template[0])
    media = str(tmp_path_factory.mktemp("media"))
    with opened(
        IntakeSettings(database_url=url, link_key="k" * 40, sealing_keys=new_key("first"), media_url=media, public_rate=0), template[1]
    ) as office:
        yield office
    drop_database(url)


@contextmanager
def opened(settings: IntakeSettings, portal_key: str) -> Iterator[Office]:
    """A process that has just begun; there may be others on the same database."""
    process = Process(service(settings), settings)
    with TestClient(process.app, raise_server_exceptions=False) as http:
        yield Office(http, process.handling.sessions, process.handling, settings, portal_key)
    process.engine.dispose()


@contextmanager
def closed(postgres_url: str, database_url: str) -> Iterator[None]:
    """The database of ``database_url`` lets nobody in, and throws everybody out."""
    name = urlsplit(database_url).path[1:]
    with closing(psycopg2.connect(urlsplit(postgres_url)._replace(path="/postgres").geturl())) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            yield
            cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
