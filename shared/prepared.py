"""Statements that every message needs: written in SQLAlchemy's words, compiled once, and sent as they are.

Building, keying and compiling a statement each time costs this process more than the database needs to answer it.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import psycopg2
from sqlalchemy import ARRAY, ColumnElement, Connection, Dialect, Select, any_, bindparam
from sqlalchemy.dialects.postgresql.psycopg2 import dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

DIALECT: Dialect = dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy does not annotate it
Reader = Callable[[Any], Any]


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether ``column`` is one of the list that the parameter ``name`` gives."""
    return column == any_(bindparam(name, type_=ARRAY(column.type)))


class Prepared:
    """``statement`` may have parameters (``sqlalchemy.bindparam``). Asking flushes nothing: it is for what a batch begins with."""

    def __init__(self, statement: Select[Any]) -> None:
        compiled = statement.compile(dialect=DIALECT)
        self._text, self._constants = str(compiled), compiled.params
        readers = (column.type.dialect_impl(DIALECT).result_processor(DIALECT, None) for column in statement.selected_columns)
        self._readers: dict[int, Reader] = {place: reader for place, reader in enumerate(readers) if reader}

    def rows(self, session: Session, **values: Any) -> list[tuple[Any, ...]]:
        """What it finds, with ``values`` for its parameters."""
        found = answer(session, self._text, self._constants | values)
        return [self._read(row) for row in found] if self._readers else found

    def first(self, session: Session, **values: Any) -> tuple[Any, ...] | None:
        """The first that it finds."""
        return next(iter(self.rows(session, **values)), None)

    def _read(self, row: Any) -> tuple[Any, ...]:
        values = list(row)
        for place, reader in self._readers.items():
            values[place] = reader(values[place])
        return tuple(values)


def answer(session: Session, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What the database answers to ``statement`` in the transaction of ``session``; ``values`` by name, as psycopg2 takes them.

    SQLAlchemy's own way of sending a text costs several times as much. What goes wrong is raised as SQLAlchemy raises it.
    """
    connection = session.connection()
    try:
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []
    except psycopg2.Error as error:
        raise _failure(connection, statement, error) from error


def _failure(connection: Connection, statement: str, error: psycopg2.Error) -> BaseException:
    """Neither a connection that is lost nor those that rest beside it are given to anybody else: what ended one has mostly ended all."""
    lost = connection.dialect.is_disconnect(error, connection.connection.dbapi_connection, None)  # type: ignore[arg-type]  # its own type
    if lost:
        connection.invalidate(error)
        connection.engine.dispose()
    return DBAPIError.instance(statement, None, error, psycopg2.Error, hide_parameters=True, connection_invalidated=lost)
