"""The wire form of a message: CloudEvents 1.0, structured JSON (content mode of the CloudEvents JSON format, section 3).

``subject`` and ``time`` of the event are the message's ``report_id`` and ``at``; the rest of the message is ``data``.
"""

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import uuid_utils.compat as uuid_utils
from pydantic import ValidationError
from pydantic_core import from_json, to_json

from shared.bus import Letter
from shared.errors import Refused
from shared.messages import MESSAGES, Assignment, Message, assignment_name, destination

PREFIX, SUFFIX = "vn.hoiam.", ".v1"
LARGEST = 64 * 1024  # bytes of a whole event
CURRENT: ContextVar[str] = ContextVar("traceparent", default="")  # of the request that is served just now
TRACEPARENT = re.compile(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")  # W3C Trace Context, section 3.2


class Malformed(Refused):
    """The body is not an event we know; parked at first sight, never retried."""

    status = 400
    code = "malformed"


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): ids sort by time, which keeps indexes small."""
    return uuid_utils.uuid7()


def new_trace() -> str:
    """A fresh W3C ``traceparent``."""
    random = secrets.token_hex(24)  # once: each asks the kernel
    return f"00-{random[:32]}-{random[32:]}-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A message with its name and history. ``correlation_id`` is the message that began the conversation."""

    message: Message
    id: UUID
    source: str
    correlation_id: UUID
    traceparent: str

    @property
    def names(self) -> dict[str, str]:
        """What a log line about it says."""
        return {"report_id": str(self.message.report_id), "trace_id": self.traceparent[3:35]}

    @classmethod
    def of(cls, message: Message, *, source: str, cause: "Envelope | None" = None) -> "Envelope":
        """``message`` said by service ``source`` because of ``cause``."""
        id_ = _name(message)
        if cause is None:
            return cls.named(message, id_, source=source)
        return cls(message=message, id=id_, source=source, correlation_id=cause.correlation_id, traceparent=cause.traceparent)

    @classmethod
    def named(cls, message: Message, name: UUID, *, source: str) -> "Envelope":
        """``message`` under a name that was made from what it is about: the same name is handled once. It begins a trace, or goes on in
        that of the request that is served."""
        return cls(message=message, id=name, source=source, correlation_id=name, traceparent=CURRENT.get() or new_trace())


def _name(message: Message) -> UUID:
    """An assignment may be sent again, and must then have the id it had."""
    if isinstance(message, Assignment):
        return assignment_name(message.report_id, message.agency, message.version)
    return new_id()


def encode(envelope: Envelope) -> bytes:
    """The event as UTF-8 JSON."""
    message = envelope.message
    head = to_json(
        {
            "specversion": "1.0",
            "id": envelope.id,
            "source": f"/hoiam/{envelope.source}",
            "type": event_type(type(message)),
            "subject": message.report_id,
            "time": message.at,
            "datacontenttype": "application/json",
            "correlationid": envelope.correlation_id,
            "traceparent": envelope.traceparent,
        }
    )
    return b'%b,"data":%b}' % (head[:-1], to_json(message, exclude={"report_id", "at"}))


def letter(envelope: Envelope) -> Letter:
    """The event addressed and ready to send."""
    exchange, routing_key = destination(envelope.message)
    return Letter(
        exchange=exchange,
        routing_key=routing_key,
        message_id=str(envelope.id),
        type=event_type(type(envelope.message)),
        body=encode(envelope),
        correlation_id=str(envelope.correlation_id),
        traceparent=envelope.traceparent,
    )


def decode(body: bytes, *, actor: str = "", received_at: datetime | None = None) -> Envelope:
    """The event in ``body``; raises :class:`Malformed` with what is wrong with it.

    ``actor`` is the proven sender of a request; ``received_at`` replaces the time a stranger states.
    """
    event = _event(body)
    kind = MESSAGES.get(str(event.get("type", "")).removeprefix(PREFIX).removesuffix(SUFFIX))
    if kind is None or event_type(kind) != event["type"]:
        raise Malformed(f"unknown event type {str(event.get('type'))[:80]!r}", code="unknown_type")
    data = event.get("data")
    if not isinstance(data, dict):
        raise Malformed("data must be an object")
    fields = {**data, "report_id": event.get("subject"), "at": received_at or event.get("time")}
    if "actor" in kind.model_fields:
        fields["actor"] = actor
    try:
        message = kind.model_validate(fields)
        id_ = UUID(str(event.get("id")))
        correlation_id = UUID(str(event.get("correlationid") or id_))
    except ValidationError as error:
        raise Malformed("; ".join(f"{_path(e['loc'])}: {e['msg']}" for e in error.errors(include_url=False))[:1000]) from None
    except ValueError:
        raise Malformed("id and correlationid must be UUIDs") from None
    trace = str(event.get("traceparent") or "")
    source = str(event.get("source", "")).removeprefix("/hoiam/")[:100]
    return Envelope(
        message=message,
        id=id_,
        source=source,
        correlation_id=correlation_id,
        traceparent=trace if TRACEPARENT.match(trace) else new_trace(),
    )


def _event(body: bytes) -> dict[str, Any]:
    if len(body) > LARGEST:
        raise Malformed(f"an event is at most {LARGEST} bytes, this one has {len(body)}")
    try:
        event = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise Malformed(f"not JSON: {error}") from None
    if not isinstance(event, dict) or event.get("specversion") != "1.0":
        raise Malformed("not a CloudEvents 1.0 event")
    return event


def _path(location: tuple[int | str, ...]) -> str:
    names = {"report_id": "subject", "at": "time"}
    return ".".join(names.get(str(part), f"data.{part}" if i == 0 else str(part)) for i, part in enumerate(location))


@cache
def event_type(kind: type[Message]) -> str:
    """The CloudEvents ``type`` of a message class."""
    return f"{PREFIX}{kind.topic}{SUFFIX}"
