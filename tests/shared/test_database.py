"""Connections of the pool: one that rested is asked whether it lives, and nobody meets a dead one."""

from contextlib import ExitStack

import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared import database
from shared.database import is_outage, migrate, sessions

NUMBER = text("SELECT pg_backend_pid()")


@pytest.fixture
def rooms(database_url: str):
    migrate(database_url, "sla")
    of = database.engine(database_url, "sla", pool=3)
    yield sessions(of)
    of.dispose()


@pytest.fixture
def end_all(database_url: str, postgres_url: str):
    """Ends every connection of the service, as a restart of the database does."""

    def end() -> None:
        with psycopg2.connect(postgres_url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'hoiam-sla'")
        connection.close()

    return end


def _opened(rooms, number: int) -> set[int]:
    """The processes of so many connections at once."""
    with ExitStack() as stack:
        return {stack.enter_context(rooms()).scalar(NUMBER) for _ in range(number)}


class TestConnections:
    def test_that_ended_while_they_rested_are_replaced_unseen(self, rooms, end_all, monkeypatch):
        monkeypatch.setattr(database, "RESTS", 0.0)
        before = _opened(rooms, 3)
        end_all()

        assert not before & _opened(rooms, 3)

    def test_that_end_between_two_uses_are_an_outage_once_and_then_all_replaced(self, rooms, end_all, monkeypatch):
        monkeypatch.setattr(database, "RESTS", 3600.0)
        before = _opened(rooms, 3)
        end_all()

        with pytest.raises(DBAPIError) as failed, rooms() as session:
            session.scalar(NUMBER)

        assert is_outage(failed.value)
        assert not before & _opened(rooms, 3)

    def test_are_kept_while_they_live(self, rooms, monkeypatch):
        monkeypatch.setattr(database, "RESTS", 0.0)

        assert _opened(rooms, 1) == _opened(rooms, 1)

    def test_to_a_standby_that_is_not_the_first_yet_are_an_outage(self, rooms):
        with rooms() as session:
            session.execute(text("SET TRANSACTION READ ONLY"))
            with pytest.raises(DBAPIError) as failed:
                session.execute(text("DELETE FROM inbox"))

        assert is_outage(failed.value)
