"""Rows as plain objects: read together, written together, and whatever is in them comes back as it was."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Boolean, Column, Identity, Integer, LargeBinary, MetaData, Table, Text, Uuid, select
from sqlalchemy.dialects.postgresql import JSONB

from shared.database import Sessions, engine, migrate, sessions
from shared.rows import Rows, insert
from shared.tables import Words, moment
from tests.builders import MONDAY, VIETNAM
from tests.statements import heard


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(kw_only=True, eq=False)
class Thing:
    id: UUID = field(default_factory=uuid4)
    name: str = ""
    size: int = 0
    good: bool = True
    colour: Colour = Colour.RED
    at: datetime = MONDAY
    later: datetime | None = None
    about: Any = None


metadata = MetaData()
things = Table(
    "things",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("good", Boolean, nullable=False),
    Column("colour", Words(Colour), nullable=False),
    moment("at"),
    moment("later", nullable=True),
    Column("about", JSONB),
)
lines = Table("lines", metadata, Column("number", BigInteger, Identity(), primary_key=True), Column("body", LargeBinary, nullable=False))
rows = Rows(Thing, things)


@pytest.fixture(scope="module")
def rooms(module_database_url: str) -> Iterator[Sessions]:
    migrate(module_database_url, "sla")
    of = engine(module_database_url, "sla")
    owner = engine(module_database_url, "sla")
    with owner.begin() as connection:
        connection.exec_driver_sql("SET ROLE NONE")
        metadata.create_all(connection)
        connection.exec_driver_sql("GRANT ALL ON sla.things, sla.lines TO hoiam_sla")
    yield sessions(of)
    of.dispose()
    owner.dispose()


def kept(rooms: Sessions, *new: Thing) -> list[UUID]:
    with rooms.begin() as session:
        for thing in new:
            rows.add(session, thing)
    return [thing.id for thing in new]


def read(rooms: Sessions, id_: UUID) -> dict[str, Any]:
    with rooms() as session:
        found = rows.get(session, id_)
    assert found
    return vars(found)


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(lambda naive: naive.replace(tzinfo=VIETNAM))  # noqa: DTZ001 - made aware at once
JSON = st.recursive(
    st.booleans() | st.integers(-(2**53), 2**53) | ANY_TEXT, lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner)
)


class TestRows:
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        name=ANY_TEXT, size=st.integers(-(2**31), 2**31 - 1), good=st.booleans(), colour=st.sampled_from(Colour),
        at=MOMENTS, later=st.none() | MOMENTS, about=st.none() | st.dictionaries(ANY_TEXT, JSON),
    )  # fmt: skip
    def test_come_back_as_they_were_written_whether_new_or_changed(self, rooms, **values):
        [new], [changed] = kept(rooms, Thing(**values)), kept(rooms, Thing())

        with rooms.begin() as session:
            thing = rows.also(session, changed)
            vars(thing).update(values)

        assert read(rooms, new) == {"id": new, **values}
        assert read(rooms, changed) == {"id": changed, **values}

    def test_of_a_batch_are_written_together_in_one_statement_for_each_set_of_columns_that_changed(self, rooms):
        ids = kept(rooms, *(Thing(name=str(number)) for number in range(10)))

        with heard(rooms.kw["bind"]) as statements, rooms.begin() as session:
            rows.load(session, ids)
            for number, thing in enumerate(rows.held(session)):
                thing.size = number + 1
                thing.good = number >= 4
            rows.add(session, Thing())
            rows.add(session, Thing())

        assert [[part.split()[0] for part in statement.split(";")] for statement in statements] == [
            ["SELECT"],
            ["INSERT", "UPDATE", "UPDATE"],
        ]
        assert sorted(read(rooms, id_)["size"] for id_ in ids) == list(range(1, 11))

    def test_are_one_object_however_often_they_are_found(self, rooms):
        [id_] = kept(rooms, Thing())

        with rooms() as session:
            first = rows.get(session, id_)
            rows.load(session, [id_])
            [found] = rows.read(session, select(*rows.columns).where(things.c.id == id_))

            assert first is found is rows.get(session, id_) is rows.also(session, id_)

    def test_that_are_known_not_to_be_there_are_not_asked_for_again(self, rooms):
        missing = uuid4()

        with rooms() as session:
            rows.load(session, [missing])
            session.close()  # any further statement would begin a transaction

            assert rows.get(session, missing) is None
            assert rows.also(session, missing) is None
            assert not session.in_transaction()

    def test_are_locked_until_the_end(self, rooms):
        [id_] = kept(rooms, Thing())

        with rooms() as session, rooms() as twin:
            rows.load(session, [id_])
            passed_over = rows.read(twin, select(*rows.columns).where(things.c.id == id_).with_for_update(skip_locked=True))

        assert passed_over == []

    def test_that_did_not_change_are_not_written(self, rooms):
        [id_] = kept(rooms, Thing(about={"a": [1]}))
        with rooms() as session:
            before = session.execute(select(things.c.id, things.c.at).where(things.c.id == id_).add_columns(_version())).all()

        with rooms.begin() as session:
            rows.load(session, [id_])

        with rooms() as session:
            assert session.execute(select(things.c.id, things.c.at).where(things.c.id == id_).add_columns(_version())).all() == before

    def test_are_written_once_when_a_transaction_is_asked_twice(self, rooms):
        with rooms.begin() as session:
            thing = rows.add(session, Thing())
            rows.write(session)
            thing.size += timedelta(days=3).days

        assert read(rooms, thing.id)["size"] == 3


class TestInsert:
    def test_keeps_the_order_and_every_byte_of_texts(self, rooms):
        bodies = [f'{{"n": {number}, "t": "\\u0000 ế\\n\\\\x41 ' + "'\"}" for number in range(300)]

        with rooms.begin() as session:
            insert(session, lines, [{"body": body.encode()} for body in bodies])

        with rooms() as session:
            assert [bytes(row.body).decode() for row in session.execute(select(lines).order_by(lines.c.number))] == bodies


def _version() -> Any:
    """The transaction that wrote a row."""
    return Column("xmin", Text)
