"""Reminders that wait for their holder's next half day, and go out together."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from shared.messages import Message, Reminder, ReminderLine

MOST = 200  # cases named in one reminder; the work list has them all

# One at a time: two twins would send two halves of one reminder.
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('sla.reminders'))")
_DUE = text(
    """
    UPDATE clocks SET remind_at = NULL FROM cases
    WHERE cases.report_id = clocks.report_id
      AND clocks.id IN (SELECT id FROM clocks WHERE remind_at <= :at FOR UPDATE SKIP LOCKED) -- never waits for who holds a case
    RETURNING cases.agency, cases.report_id, cases.tracking_code, cases.version, clocks.name AS clock, clocks.due_at
    """
)


def due_reminders(session: Session, at: datetime) -> list[Message]:
    """One reminder for each holder whose half day has begun by ``at``, about all that spoke since the last, the earliest due first."""
    if not session.scalar(_ALONE):
        return []
    rows = sorted(session.execute(_DUE, {"at": at}), key=attrgetter("agency", "due_at"))
    return [_reminder(list(lines), at) for _, lines in groupby(rows, key=attrgetter("agency"))]


def _reminder(rows: Sequence[Row[Any]], at: datetime) -> Reminder:
    first, *others = rows
    return Reminder(
        report_id=first.report_id,
        at=at,
        agency=first.agency,
        version=first.version,
        clock=first.clock,
        due_at=first.due_at,
        overdue=first.due_at <= at,
        total=len(rows),
        others=tuple(_line(row, at) for row in others[:MOST]),
    )


def _line(row: Row[Any], at: datetime) -> ReminderLine:
    return ReminderLine(
        report_id=row.report_id, tracking_code=row.tracking_code, clock=row.clock, due_at=row.due_at, overdue=row.due_at <= at
    )
