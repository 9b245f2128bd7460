"""What is said to the database, whichever way it is said."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg2.extensions import cursor
from sqlalchemy import Engine, event


@contextmanager
def heard(engine: Engine) -> Iterator[list[str]]:
    """Every statement that connections of ``engine`` send meanwhile, as written."""
    statements: list[str] = []

    class Ear(cursor):
        def execute(self, query: Any, values: Any = None) -> None:
            statements.append(query)
            super().execute(query, values)

    def listen(connection: Any, *_: Any) -> None:
        connection.cursor_factory = Ear

    def leave(connection: Any, *_: Any) -> None:
        connection.cursor_factory = None

    event.listen(engine, "checkout", listen)
    event.listen(engine, "checkin", leave)
    try:
        yield statements
    finally:
        event.remove(engine, "checkout", listen)
        event.remove(engine, "checkin", leave)
