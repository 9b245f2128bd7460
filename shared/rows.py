"""Rows as plain objects for the length of a transaction: read and locked together, and what changed of them written together.

An ORM writes one statement an object. Here, however many of a batch's rows changed, a table gets one INSERT, and one UPDATE for each set
of columns that changed, with all their values in one JSON parameter; and before the commit all of them go out together.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import Column, LargeBinary, Select, Table, select
from sqlalchemy.orm import Session

from shared.prepared import DIALECT, Prepared, among, answer

Row = TypeVar("Row")
Ready = Callable[[Session, list[Row]], object]
Writer = Callable[[Session], object]
WRITERS, APPENDED, STATEMENTS, LISTENERS = "writers", "appended", "statements", "listeners"  # in session.info


class Rows(Generic[Row]):
    """The rows of ``table`` as objects of ``kind``, whose attributes are named like the columns, by primary key (one column, a UUID).

    A row is one object however often it is found, and asking for a row that is known not to be there costs no statement. ``ready`` is
    done to new-found objects, together. Columns that the database computes are no attributes. ``writer`` writes them before the commit,
    where :meth:`write` alone is not enough.
    """

    def __init__(self, kind: Callable[..., Row], table: Table, *, ready: Ready[Row] | None = None, writer: Writer | None = None) -> None:
        [self.key] = table.primary_key
        self.columns = tuple(column for column in table.columns if column.computed is None)
        self._kind, self._table, self._ready, self._writer = kind, table, ready, writer or self.write
        by_key = select(*self.columns).where(among(self.key, "keys"))
        self._one, self._locked = Prepared(by_key), Prepared(by_key.order_by(self.key).with_for_update())
        self._names = tuple(f"{column.name}" for column in self.columns)  # plain words: SQLAlchemy's own are slow to write
        self._place = self._names.index(self.key.name)
        self._values = attrgetter(*self._names)

    def load(self, session: Session, keys: Iterable[UUID]) -> None:
        """One statement for all; locked in one order, so that twins never wait for each other in a circle."""
        wanted = set(keys)
        if wanted:
            self._known(session).update(dict.fromkeys(wanted - self._known(session).keys()))
            self.found(session, self._locked.rows(session, keys=list(map(str, wanted))))

    def read(self, session: Session, statement: Select[Any]) -> list[Row]:
        """The objects of what ``statement``, a select of :attr:`columns`, finds."""
        return self.found(session, session.execute(statement).all())

    def found(self, session: Session, rows: Iterable[Sequence[Any]]) -> list[Row]:
        """The objects of ``rows``, which have the values of all :attr:`columns`."""
        known, as_read = self._known(session), self._as_read(session)
        found: list[Row] = []
        new: list[Row] = []
        for values in rows:
            row = known.get(values[self._place])
            if row is None:
                row = known[values[self._place]] = self._kind(**dict(zip(self._names, values, strict=True)))
                as_read[values[self._place]] = tuple(values)
                new.append(row)
            found.append(row)
        if new and self._ready:
            self._ready(session, new)
        return found

    def also(self, session: Session, key: UUID) -> Row | None:
        """A row that was not asked for at first, as ready and as locked as the others."""
        if key not in self._known(session):
            self.load(session, {key})
        return self._known(session)[key]

    def get(self, session: Session, key: UUID) -> Row | None:
        """The row as it was loaded; outside a batch it is looked up, and not locked."""
        known = self._known(session)
        if key not in known:
            known[key] = None
            self.found(session, self._one.rows(session, keys=[str(key)]))
        return known[key]

    def add(self, session: Session, row: Row) -> Row:
        """A new row, or one that is known already."""
        self._known(session)[getattr(row, self.key.name)] = row
        return row

    def held(self, session: Session) -> list[Row]:
        """Everything that was found or added."""
        return [row for row in self._known(session).values() if row is not None]

    def write(self, session: Session) -> None:
        """What was added, and what changed since it was read."""
        as_read, new = self._as_read(session), list[dict[str, Any]]()
        changed: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for key, row in self._known(session).items():
            if row is None:
                continue
            values, before = self._values(row), as_read.get(key)
            if before is None:
                new.append(dict(zip(self._names, values, strict=True)))
            elif values != before:
                names = tuple(name for name, now, was in zip(self._names, values, before, strict=True) if now != was)
                changed[names].append({name: getattr(row, name) for name in (self._names[self._place], *names)})
            as_read[key] = values
        insert(session, self._table, new)
        for names, rows in changed.items():
            _send(session, _update(self._table, self.key, names), rows)

    def _known(self, session: Session) -> dict[UUID, Row | None]:
        known: dict[UUID, Row | None] | None = session.info.get(self)
        if known is None:
            known = session.info[self] = {}
            before_commit(session, self._writer)
        return known

    def _as_read(self, session: Session) -> dict[UUID, tuple[Any, ...]]:
        as_read: dict[UUID, tuple[Any, ...]] = session.info.setdefault((self, "as read"), {})
        return as_read


def insert(session: Session, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """All of them in one statement, in this order; each names the same columns."""
    if rows:
        _send(session, _insert(table, tuple(rows[0])), rows)


def append(session: Session, table: Table, *rows: dict[str, Any]) -> None:
    """More rows, which nobody asks for in this transaction; all of a table's are written together."""
    session.info.setdefault(APPENDED, {}).setdefault(table, []).extend(rows)
    before_commit(session, _append)


def _append(session: Session) -> None:
    for table, appended in session.info[APPENDED].items():
        insert(session, table, appended)
    session.info[APPENDED].clear()


def before_commit(session: Session, writer: Writer) -> None:
    """Have ``writer`` write what it keeps when the work of the transaction is done."""
    session.info.setdefault(WRITERS, {})[writer] = None


def write(session: Session) -> None:
    """Write everything that was changed and not written yet. Done before each commit (``shared.database``), so that nobody forgets it."""
    for writer in session.info.get(WRITERS, ()):
        writer(session)
    waiting: list[tuple[str, str]] = session.info.pop(STATEMENTS, [])
    if waiting:
        statements = ";".join(statement.replace("%(rows)s", f"%(rows{number})s") for number, (statement, _) in enumerate(waiting))
        answer(session, statements, {f"rows{number}": rows for number, (_, rows) in enumerate(waiting)})


def after_commit(session: Session, listener: Callable[[], object]) -> None:
    """Have ``listener`` called once this transaction is committed; never when it is rolled back."""
    session.info.setdefault(LISTENERS, []).append(listener)


def tell(session: Session) -> None:
    """Call those who wait for the commit. Done after each (``shared.database``)."""
    for listener in session.info.pop(LISTENERS, ()):
        listener()


def _send(session: Session, statement: str, rows: Sequence[dict[str, Any]]) -> None:
    session.info.setdefault(STATEMENTS, []).append((statement, to_json(rows).decode()))


@cache
def _insert(table: Table, names: tuple[str, ...]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(_value(table, name) for name in names)
    recordset = f"ROWS FROM (json_to_recordset(CAST(%(rows)s AS json)) AS ({_typed(table, names)})) WITH ORDINALITY"
    return f'INSERT INTO "{table.name}" ({columns}) SELECT {values} FROM {recordset} ORDER BY ordinality'  # noqa: S608 - our own names


@cache
def _update(table: Table, key: Column[Any], names: tuple[str, ...]) -> str:
    changes = ", ".join(f'"{name}" = new."{name}"' for name in names)
    new = f"json_to_recordset(CAST(%(rows)s AS json)) AS new ({_typed(table, (key.name, *names))})"
    return f'UPDATE "{table.name}" AS old SET {changes} FROM {new} WHERE old."{key.name}" = new."{key.name}"'  # noqa: S608 - the same


def _typed(table: Table, names: Iterable[str]) -> str:
    return ", ".join(f'"{name}" {"text" if _is_binary(table, name) else _type(table, name)}' for name in names)


def _value(table: Table, name: str) -> str:
    """Bytes travel as the text they are of."""
    return f"convert_to(\"{name}\", 'UTF8')" if _is_binary(table, name) else f'"{name}"'


def _is_binary(table: Table, name: str) -> bool:
    return isinstance(table.columns[name].type, LargeBinary)


def _type(table: Table, name: str) -> str:
    return str(table.columns[name].type.compile(dialect=DIALECT))
