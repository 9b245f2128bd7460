"""A prepared statement finds what the same statement finds when SQLAlchemy executes it, as the same values."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import ARRAY, Boolean, Column, LargeBinary, MetaData, Table, Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DataError, DBAPIError

from shared.database import Sessions, engine, is_outage, migrate, sessions
from shared.prepared import Prepared, among, answer
from shared.tables import Words, moment
from tests.builders import MONDAY
from tests.shared.test_rows import Colour

things = Table(
    "prepared_things",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("colour", Words(Colour), nullable=False),
    Column("words", ARRAY(Text), nullable=False),
    Column("about", JSONB),
    Column("good", Boolean),
    Column("body", LargeBinary),
    moment("at"),
)
RED = {"id": uuid4(), "colour": Colour.RED, "words": ["Đèn", "50 %"], "about": {"a": [1, None]}, "good": True, "body": b"\0", "at": MONDAY}
BLUE = {"id": uuid4(), "colour": Colour.BLUE, "words": [], "about": None, "good": None, "body": None, "at": MONDAY}


@pytest.fixture(scope="module")
def rooms(module_database_url: str) -> Iterator[Sessions]:
    migrate(module_database_url, "sla")
    owner, of = engine(module_database_url, "sla"), engine(module_database_url, "sla")
    with owner.begin() as connection:
        connection.exec_driver_sql("SET ROLE NONE")
        things.create(connection)
        connection.exec_driver_sql("GRANT ALL ON sla.prepared_things TO hoiam_sla")
        connection.execute(things.insert(), [RED, BLUE])
    yield sessions(of)
    of.dispose()
    owner.dispose()


def _ids(*rows) -> list[str]:
    return [str(row["id"]) for row in rows]


class TestPrepared:
    def test_gives_every_kind_of_value_as_sqlalchemy_does(self, rooms):
        statement = select(things).order_by(things.c.colour)

        with rooms() as session:
            assert Prepared(statement).rows(session) == [tuple(row) for row in session.execute(statement)]

    def test_takes_parameters_beside_what_is_written_in_it(self, rooms):
        statement = Prepared(select(things.c.id).where(things.c.colour == Colour.RED, things.c.good == bindparam("good")))

        with rooms() as session:
            assert (statement.rows(session, good=True), statement.rows(session, good=False)) == ([(RED["id"],)], [])

    @pytest.mark.parametrize(("asked", "found"), [((), set()), ((RED,), {Colour.RED}), ((RED, BLUE), {Colour.RED, Colour.BLUE})])
    def test_finds_among_a_list_of_any_length(self, rooms, asked, found):
        statement = Prepared(select(things.c.colour).where(among(things.c.id, "ids")))

        with rooms() as session:
            assert {colour for (colour,) in statement.rows(session, ids=_ids(*asked))} == found

    def test_gives_the_first_or_none(self, rooms):
        statement = Prepared(select(things.c.id).where(things.c.colour == bindparam("colour")))

        with rooms() as session:
            assert (statement.first(session, colour="blue"), statement.first(session, colour="green")) == ((BLUE["id"],), None)


class TestAnswer:
    def test_that_fails_is_raised_as_sqlalchemy_raises_it_without_what_people_wrote(self, rooms):
        with rooms() as session, pytest.raises(DataError) as failure:
            answer(session, "SELECT CAST(%(said)s AS integer)", {"said": "0912345678 x"})

        assert "0912345678" not in str(failure.value).replace(str(failure.value.orig), "")
        assert not is_outage(failure.value)

    def test_of_a_lost_connection_is_an_outage_and_the_next_one_is_new(self, rooms):
        with rooms() as session, rooms() as other:
            [(pid,)] = answer(session, "SELECT pg_backend_pid()", {})
            other.execute(text("SET ROLE NONE"))
            answer(other, "SELECT pg_terminate_backend(%(pid)s, 5000)", {"pid": pid})
            with pytest.raises(DBAPIError) as lost:
                answer(session, "SELECT 1", {})

        assert is_outage(lost.value)
        assert lost.value.connection_invalidated
        with rooms() as session:
            assert answer(session, "SELECT 1", {}) == [(1,)]

    def test_of_a_lost_connection_tells_the_whole_pool(self, rooms):
        """Whatever ended one has mostly ended all: without this, each would cost an outage of its own."""
        with rooms() as session, rooms() as other:
            other.execute(text("SET ROLE NONE"))
            with rooms() as idle:
                pids = [answer(one, "SELECT pg_backend_pid()", {})[0][0] for one in (session, idle)]
            for pid in pids:
                answer(other, "SELECT pg_terminate_backend(%(pid)s, 5000)", {"pid": pid})
            with pytest.raises(DBAPIError):
                answer(session, "SELECT 1", {})

            with rooms() as next_one:
                assert answer(next_one, "SELECT 1", {}) == [(1,)]

    def test_of_a_statement_that_gives_no_rows_is_empty(self, rooms):
        with rooms() as session:
            assert answer(session, "SET LOCAL lock_timeout = 1000", {}) == []
