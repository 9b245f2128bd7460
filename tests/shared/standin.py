"""A stand-in service for the runtime: one row and one message for each report, and trouble for some."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.database import Sessions
from shared.errors import NotYet, Refused
from shared.messages import AcceptCase, Message, ReportReceived, ReportWithdrawn

POISON, REFUSED, EARLY = "poison", "refused", "early"


def write_down(report: ReportReceived, session: Session) -> Sequence[Message]:
    """A stand-in service: one row and one message for each report, and trouble for some."""
    session.execute(text("INSERT INTO effects VALUES (:note)"), {"note": report.tracking_code})
    if report.portal == POISON:
        raise RuntimeError("cannot swallow this")
    if report.portal == REFUSED:
        raise Refused("not from here", code="no")
    if report.portal == EARLY:
        raise NotYet("something else first")
    return [ReportWithdrawn(report_id=report.report_id, at=report.at, reason=report.tracking_code)]


def refuse(request: AcceptCase, _session: Session) -> Sequence[Message]:
    if request.version == 0:
        raise Refused("you are late", code="stale")
    return []


HANDLERS: dict[type, Any] = {ReportReceived: write_down, AcceptCase: refuse}


def effects(rooms: Sessions) -> list[str]:
    with rooms() as session:
        return sorted(session.scalars(text("SELECT note FROM effects")))


def held(rooms: Sessions) -> list[Any]:
    with rooms() as session:
        return list(session.execute(text("SELECT * FROM held ORDER BY received_at, message_id")).mappings())
