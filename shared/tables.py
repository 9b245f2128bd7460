"""What tables and lookups have in common in every service: moments, the words of an enumeration, and the rows of a batch."""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import Column, DateTime, Dialect, Text, TypeDecorator, select
from sqlalchemy.orm import Session

from shared.messages import Message

Kind = TypeVar("Kind", bound=StrEnum)
Row = TypeVar("Row")


def moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    """A column of aware datetimes."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


class Words(TypeDecorator[Kind]):
    """The members of ``kind``, kept as their words."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[Kind]) -> None:
        super().__init__()
        self.kind = kind

    def process_result_value(self, value: str | None, _dialect: Dialect) -> Kind | None:
        """The member again."""
        return None if value is None else self.kind(value)


class BatchRows(Generic[Row]):
    """The rows of one table that a batch is about, by report, for the length of a transaction.

    They are kept in ``session.info``, which keeps them alive (the identity map would not), and asking for a row that is not there
    costs no statement. ``ready`` is done to each row once it is loaded.
    """

    def __init__(
        self, kind: type[Row], report_id: Column[UUID], *, lock: bool = True, ready: Callable[[Row], object] | None = None
    ) -> None:
        self._kind, self._report_id, self._lock, self._ready = kind, report_id, lock, ready

    def load(self, session: Session, messages: Iterable[Message]) -> None:
        """One statement for all; locked in one order, so that twins never wait for each other in a circle."""
        self._fetch(session, {message.report_id for message in messages})

    def also(self, session: Session, report_id: UUID) -> Row | None:
        """A row that no message of the batch is about, as ready and as locked as the others."""
        if report_id not in self._known(session):
            self._fetch(session, {report_id})
        return self._known(session)[report_id]

    def _fetch(self, session: Session, ids: set[UUID]) -> None:
        found: dict[UUID, Row | None] = dict.fromkeys(ids)
        statement = select(self._kind).where(self._report_id.in_(ids)).order_by(self._report_id)
        for row in session.scalars(statement.with_for_update() if self._lock else statement) if ids else ():
            found[getattr(row, self._report_id.name)] = row
            if self._ready:
                self._ready(row)
        self._known(session).update(found)

    def get(self, session: Session, report_id: UUID) -> Row | None:
        """The row of a report; outside a batch it is looked up, and not locked."""
        known = self._known(session)
        return known[report_id] if report_id in known else session.get(self._kind, report_id)

    def add(self, session: Session, row: Row) -> Row:
        """Keep a new one."""
        session.add(row)
        self._known(session)[getattr(row, self._report_id.name)] = row
        return row

    def _known(self, session: Session) -> dict[UUID, Row | None]:
        known: dict[UUID, Row | None] = session.info.setdefault(self, {})
        return known
