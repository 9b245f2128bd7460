"""Messages as tests want them: complete, plain, and different only where the test says so."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import text

from shared.bus import EVENTS, REQUESTS, Delivery
from shared.database import Sessions
from shared.envelope import Envelope, decode, encode
from shared.messages import Location, Message, ReportReceived, ReportRouted, Request

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
MONDAY = datetime(2026, 11, 16, 8, 0, tzinfo=VIETNAM)  # a plain working day


def received(**fields: Any) -> ReportReceived:
    """A broken street light in Đông Hà."""
    usual = {
        "report_id": uuid4(),
        "at": MONDAY,
        "tracking_code": f"QT-{uuid4().hex[:8].upper()}",
        "portal": "app",
        "category": "CS01",
        "description": "Đèn đường hỏng trước số 12 Hùng Vương",
        "location": Location(area="dh", address="12 Hùng Vương"),
    }
    return ReportReceived(**usual | fields)


def routed(report: ReportReceived, **fields: Any) -> ReportRouted:
    """To the city of Đông Hà, by the street light rule."""
    usual = {
        "report_id": report.report_id,
        "at": report.at + timedelta(seconds=1),
        "agency": "dh",
        "rule": "den-duong",
        "explanation": "Đèn đường do UBND cấp huyện phụ trách.",
        "sla_class": "S3",
    }
    return ReportRouted(**usual | fields)


def asked(kind: type[Request], report_id: UUID, *, by: str = "agency:dh", at: datetime = MONDAY + timedelta(hours=1), **fields: Any) -> Any:
    """A request of an agency or of the operations centre."""
    return kind(report_id=report_id, at=at, actor=by, **fields)


def envelope(message: Message, source: str = "test") -> Envelope:
    """``message`` under a name of its own."""
    return Envelope.of(message, source=source)


def delivered(message: Message | Envelope, *, attempts: int = 0, tag: int = 1, sender: str = "") -> Delivery:
    """As it comes from the bus; a request as its agency sent it."""
    sealed = message if isinstance(message, Envelope) else envelope(message)
    of_agency = isinstance(sealed.message, Request)
    sender = sender or (sealed.message.actor.replace(":", ".") if isinstance(sealed.message, Request) else "")
    key = f"{sender.removeprefix('agency.')}.{sealed.message.topic}" if of_agency else sealed.message.topic
    return Delivery(
        body=encode(sealed),
        exchange=REQUESTS if of_agency else EVENTS,
        routing_key=key,
        message_id=str(sealed.id),
        sender=sender,
        attempts=attempts,
        tag=tag,
    )


def said(sessions: Sessions) -> list[Message]:
    """Everything in the outbox, in order."""
    with sessions() as session:
        bodies = session.scalars(text("SELECT body FROM outbox ORDER BY id")).all()
    return [decode(bytes(body)).message for body in bodies]


def topics(sessions: Sessions) -> list[str]:
    """The topics of :func:`said`."""
    return [message.topic for message in said(sessions)]
