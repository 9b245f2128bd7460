"""Where the next page of a list begins, as a word that belongs to one query of one caller.

It is sealed with a plain hash: what it says is checked for accidents, not kept secret, and whoever makes one up sees no more than their
own list, from another place on.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from services.sla.store.worklists import Position
from shared.errors import Refused

SEAL = 12  # bytes


def written(position: Position, query: str) -> str:
    """``position`` in the list that ``query`` names."""
    place = json.dumps([position.due_at.isoformat() if position.due_at else None, str(position.report_id)]).encode()
    return urlsafe_b64encode(_seal(place, query) + place).decode().rstrip("=")


def read(cursor: str, query: str) -> Position:
    """Raises :class:`Refused` unless it is one of this very list."""
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        place = raw[SEAL:]
        due_at, report_id = json.loads(place)
        position = Position(due_at=datetime.fromisoformat(due_at) if due_at else None, report_id=UUID(report_id))
    except (ValueError, TypeError, AttributeError):
        raise _bad() from None
    if raw[:SEAL] != _seal(place, query):
        raise _bad()
    return position


def _seal(place: bytes, query: str) -> bytes:
    return sha256(query.encode() + b"\n" + place).digest()[:SEAL]


def _bad() -> Refused:
    return Refused(
        "`after` is not the `next` of a page of this list: take it as given and keep the other parameters, or leave it out to begin",
        code="bad_cursor",
    )
