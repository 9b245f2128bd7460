from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import MetaData, create_engine, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from shared import province
from shared.database import psycopg_url
from shared.province import Province, read_province
from tests.builders import MONDAY
from tests.statements import heard
from tests.wait import until

WAITING = text("SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database WHERE NOT granted AND datname = current_database()")
FOLDER = Path(__file__).parents[2] / "deploy/provinces/quang-tri"


@pytest.fixture(scope="module")
def quang_tri() -> Province:
    return read_province(FOLDER)


def with_bounces(of: Province, bounces: int) -> Province:
    """The same province but for one number."""
    return of.model_copy(update={"policy": of.policy.model_copy(update={"bounces": bounces})})


@pytest.fixture
def changed(quang_tri: Province) -> Province:
    return with_bounces(quang_tri, 3)


@pytest.fixture
def sessions(database_url: str) -> Iterator[sessionmaker[Session]]:
    engine = create_engine(psycopg_url(database_url))
    metadata = MetaData()
    province.table(metadata)
    metadata.create_all(engine)
    yield sessionmaker(engine)
    engine.dispose()


def stored(sessions: sessionmaker[Session], *provinces: Province) -> list[int]:
    versions = []
    for one in provinces:
        with sessions.begin() as session:
            versions.append(province.store(session, one, MONDAY))
    return versions


class TestStore:
    def test_the_same_content_again_makes_no_new_version(self, sessions: sessionmaker[Session], quang_tri: Province) -> None:
        first, again = stored(sessions, quang_tri, read_province(FOLDER))

        assert first == again

    def test_other_content_makes_a_new_version_and_so_does_going_back(
        self, sessions: sessionmaker[Session], quang_tri: Province, changed: Province
    ) -> None:
        first, second, third = stored(sessions, quang_tri, changed, quang_tri)

        assert first < second < third

    def test_by_two_at_once_makes_one_version(self, sessions: sessionmaker[Session], quang_tri: Province) -> None:
        with ThreadPoolExecutor(1) as pool, sessions() as early, sessions() as observer:
            version = province.store(early, quang_tri, MONDAY)
            late = pool.submit(stored, sessions, quang_tri)
            until(lambda: observer.scalar(WAITING), what="the second store waits for the first")
            early.commit()

            assert late.result(timeout=10) == [version]


class TestCurrent:
    def test_is_what_was_stored(self, sessions: sessionmaker[Session], quang_tri: Province) -> None:
        read = with_bounces(quang_tri, 7)  # nothing another test has parsed before
        stored(sessions, read)

        with sessions() as session:
            found = province.current(session)

        assert found is not read
        assert found == read
        assert found.digest == read.digest
        assert list(found.agencies) == list(read.agencies)

    def test_is_the_latest_for_a_new_session(self, sessions: sessionmaker[Session], quang_tri: Province, changed: Province) -> None:
        first, second = stored(sessions, quang_tri, changed)

        with sessions() as session:
            assert province.current(session).policy.bounces == 3
            assert province.current_version(session) == second
            assert province.of_version(session, first).policy.bounces == 2

    def test_stays_the_same_through_a_session(self, sessions: sessionmaker[Session], quang_tri: Province, changed: Province) -> None:
        stored(sessions, quang_tri)

        with sessions() as session:
            before = province.current(session)
            stored(sessions, changed)
            assert province.current(session) is before

    def test_is_seen_at_once_by_the_session_that_stored_it(
        self, sessions: sessionmaker[Session], quang_tri: Province, changed: Province
    ) -> None:
        stored(sessions, quang_tri)

        with sessions.begin() as session:
            province.current(session)
            version = province.store(session, changed, MONDAY)
            assert province.current(session).policy.bounces == 3
            assert province.current_version(session) == version

    def test_costs_one_query_a_session_and_one_parsing_a_process(self, sessions: sessionmaker[Session], quang_tri: Province) -> None:
        stored(sessions, quang_tri)
        with sessions() as session:
            parsed = province.current(session)
        with heard(sessions.kw["bind"]) as statements, sessions() as session:
            found = [province.current(session) for _ in range(3)]

        assert len(statements) == 1
        assert all(one is parsed for one in found)

    def test_reads_over_what_a_newer_release_stored(self, sessions: sessionmaker[Session], quang_tri: Province) -> None:
        stored(sessions, quang_tri)
        table = province.table(MetaData())
        with sessions.begin() as session:
            body = session.execute(select(table.c.body)).scalar_one()
            body["weather"] = body["policy"]["weather"] = "new"
            session.execute(update(table).values(body=body, digest="of a newer release"))

        with sessions() as session:
            assert province.current(session) == quang_tri

    def test_says_what_to_do_when_nothing_is_loaded(self, sessions: sessionmaker[Session]) -> None:
        with sessions() as session, pytest.raises(province.NoProvince, match="run `hoiam load`"):
            province.current(session)

    def test_knows_only_versions_that_were_loaded(self, sessions: sessionmaker[Session]) -> None:
        with sessions() as session, pytest.raises(province.NoProvince, match="version 7"):
            province.of_version(session, 7)
