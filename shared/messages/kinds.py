"""The kinds of message, and the values they share."""

from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Message(BaseModel):
    """``report_id`` is the CloudEvents subject, ``at`` its time: when it happened, not when it was sent."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    topic: ClassVar[str]
    report_id: UUID
    at: AwareDatetime


class Fact(Message):
    """Something that happened; published on ``hoiam.events`` under its topic."""


class CaseFact(Fact):
    """``version`` counts the facts of one case; a reader ignores what is older than what it has. ``agency`` holds the case."""

    version: int
    agency: str


class Request(Message):
    """``actor`` is who asks, as the receiving service proved it (``agency:dh``, ``operator:lan``): never read from the body.

    ``version`` is the case version the asker saw; one from before the case's last move is refused as stale.
    """

    actor: str = Field(default="", exclude=True)
    version: int | None = None


class ToAgency(Message):
    """Comes to the queue of ``agency``; never carries who reported."""

    agency: str


class Outcome(StrEnum):
    """What the agency says it did; every closing names one."""

    FIXED = "fixed"
    EXPLAINED = "explained"
    PLANNED = "planned"
    NOT_FOUND = "not_found"


class Location(BaseModel):
    """WGS 84 degrees when a point is known; ``area`` is an area code of the province."""

    model_config = ConfigDict(frozen=True)
    area: str = ""
    address: str = ""
    latitude: float | None = None
    longitude: float | None = None


class Photo(BaseModel):
    """Fetched from intake with the token of who may see it (``GET /v1/media/{media_id}``); ``sha256`` of what is fetched."""

    model_config = ConfigDict(frozen=True)
    media_id: UUID
    sha256: str


class Tick(BaseModel):
    """Time, as a message: the ticker says it, deadline handlers understand it. Never on the wire.

    At most ``limit`` due things are done, the oldest first, past the first ``skip`` of them (which failed a moment ago).
    """

    model_config = ConfigDict(frozen=True)
    at: AwareDatetime
    limit: int = 500
    skip: int = 0
