"""Statements that every message needs: written in SQLAlchemy's words, compiled once, and sent as they are.

Building, keying and compiling a statement each time costs this process more than the database needs to answer it.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Dialect, Select, any_, bindparam
from sqlalchemy.dialects.postgresql import psycopg2
from sqlalchemy.orm import Session

DIALECT: Dialect = psycopg2.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy does not annotate it
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
        found = session.connection().exec_driver_sql(self._text, self._constants | values).all()
        return [self._read(row) for row in found] if self._readers else [tuple(row) for row in found]

    def first(self, session: Session, **values: Any) -> tuple[Any, ...] | None:
        """The first that it finds."""
        return next(iter(self.rows(session, **values)), None)

    def _read(self, row: Any) -> tuple[Any, ...]:
        values = list(row)
        for place, reader in self._readers.items():
            values[place] = reader(values[place])
        return tuple(values)
