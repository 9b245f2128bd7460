"""Parked messages of all services: what waits for a person, and what the person does with it."""

import json
from collections.abc import Iterator
from datetime import datetime

from services.cli.process import CannotStart
from services.cli.system import HANDLERS, room
from shared import mailbox
from shared.mailbox import Held


def parked(url: str, message_id: str | None = None) -> Iterator[tuple[str, Held]]:
    """Service and message, the oldest first in each service."""
    for service in HANDLERS:
        with room(url, service) as rooms, rooms() as session:
            for held in mailbox.parked(session, message_id):
                yield service, held


def line(service: str, held: Held) -> str:
    """One message on one line."""
    who = held.sender or "-"
    name = f"{held.received_at:%Y-%m-%d %H:%M:%S}  {service:8} {held.message_id}"
    return f"{name}  {held.routing_key:24} from {who:16} {held.code}: {held.reason}"


def whole(service: str, held: Held) -> str:
    """Everything about one message. The body may hold what people wrote: it is shown to the operator who asks, and never logged."""
    try:
        body = json.dumps(json.loads(held.body), ensure_ascii=False, indent=2)
    except ValueError:
        body = repr(held.body[:2000])
    return f"{line(service, held)}\nattempts: {held.attempts}\n{body}"


def retry(url: str, message_id: str, at: datetime) -> str:
    """Try it again at the next tick; the name of its service. Raises :class:`CannotStart` for an unknown id."""
    for service, _ in parked(url, message_id):
        with room(url, service) as rooms, rooms.begin() as session:
            mailbox.retry(session, message_id, at)
        return service
    raise CannotStart(f"No message {message_id} is parked: `hoiam parked list` shows which are.")


def drop(url: str, message_id: str) -> str:
    """Forget it for good; the name of its service. Raises :class:`CannotStart` for an unknown id."""
    for service, _ in parked(url, message_id):
        with room(url, service) as rooms, rooms.begin() as session:
            mailbox.release(session, message_id)
        return service
    raise CannotStart(f"No message {message_id} is parked: `hoiam parked list` shows which are.")
