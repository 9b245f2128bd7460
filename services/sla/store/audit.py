"""All histories, from the first case to the last, however many there are."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.sla.domain.history import Move
from services.sla.store import cases, history

AT_ONCE = 1000  # rows held in memory; a cursor of the server keeps the rest


def count_cases(session: Session) -> int:
    """How many there are."""
    return session.scalar(select(func.count()).select_from(cases)) or 0


def ends(session: Session) -> Iterator[tuple[UUID, int, str]]:
    """Report, version and last hash of each case, in the order of report ids."""
    statement = select(cases.c.report_id, cases.c.version, cases.c.last_hash).order_by(cases.c.report_id)
    for row in session.execute(statement, execution_options={"yield_per": AT_ONCE}):
        yield row.report_id, row.version, row.last_hash


def rows(session: Session) -> Iterator[Move]:
    """Every row, in the order of report ids and then of their numbers."""
    statement = select(history).order_by(history.c.report_id, history.c.seq)
    for row in session.execute(statement, execution_options={"yield_per": AT_ONCE}):
        yield Move(**row._mapping)
