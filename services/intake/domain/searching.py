"""What reports are looked for by, and where a page of them begins."""

import base64
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

from services.intake.domain.report import Status

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Box:
    """In degrees (WGS 84), edges included."""

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """``west,south,east,north``, as in GeoJSON. Raises :class:`ValueError`."""
        try:
            west, south, east, north = map(float, text.split(","))
        except ValueError:
            raise ValueError("must be four numbers: west,south,east,north") from None
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise ValueError("must be west,south,east,north in degrees, west before east and south before north")
        return cls(west=west, south=south, east=east, north=north)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Of a report in the list: it is newest first, and of one moment by id."""

    received_at: datetime
    report_id: UUID

    @property
    def cursor(self) -> str:
        """For a client to send back as it is."""
        micros = (self.received_at - _EPOCH) // _MICROSECOND
        return base64.urlsafe_b64encode(micros.to_bytes(8, signed=True) + self.report_id.bytes).decode()

    @classmethod
    def parse(cls, cursor: str) -> Self:
        """Raises :class:`ValueError` for what was never given out."""
        try:
            content = base64.b64decode(cursor, altchars=b"-_", validate=True)
            received_at = _EPOCH + int.from_bytes(content[:8], signed=True) * _MICROSECOND
            return cls(received_at=received_at, report_id=UUID(bytes=content[8:]))
        except (ValueError, OverflowError):
            raise ValueError("must be the next_cursor of an answer, as it was") from None


@dataclass(frozen=True, kw_only=True)
class Search:
    """None and empty ask for nothing. ``words`` as people type them; ranges include their beginning and not their end."""

    words: str = ""
    categories: Collection[str] | None = None
    unlisted: Collection[str] = ()
    area: str = ""
    agency: str = ""
    portal: str = ""
    statuses: Collection[Status] = ()
    urgent: bool | None = None
    received_from: datetime | None = None
    received_to: datetime | None = None
    updated_from: datetime | None = None
    updated_to: datetime | None = None
    box: Box | None = None
