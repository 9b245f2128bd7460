"""Who answers, and where."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.province.naming import Coded, Email, Line, Phone, Slug, Wording
from shared.province.policy import Entry, WorkingHours

# --- agencies and areas -----------------------------------------------------------------------------------------------


class Lasting(Coded):
    """Something that there is from ``effective_from`` (None: always) until ``effective_to`` (exclusive; None: still)."""

    effective_from: date | None = None
    effective_to: date | None = None

    def has_ended(self, day: date) -> bool:
        return self.effective_to is not None and day >= self.effective_to


class Contact(Entry):
    """Somebody who can be called or written to; ``who`` is an office, not a person's name, so that it outlives the person."""

    who: Wording
    phone: Phone | None = None
    email: Email | None = None

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if not self.phone and not self.email:
            raise ValueError("has neither phone nor email")
        return self


class Share(Entry):
    """Of the duties of an agency that ends, those for ``categories`` in ``areas`` go to ``agency`` (``area``: of the report's area)."""

    agency: Slug
    categories: tuple[str, ...] | Literal["*"] = "*"
    areas: tuple[str, ...] | Literal["*"] = "*"

    def covers(self, category: str, area: str) -> bool:
        return (self.categories == "*" or category in self.categories) and (self.areas == "*" or area in self.areas)


class Agency(Lasting):
    """Who must answer. From ``effective_to`` on its duties go to the first of ``shares`` that covers the report, else to ``successor``
    (``area``: the agency of the report's area), else to nobody: the operations centre decides.

    ``working_hours``: when not the policy's. ``duty_phone`` is answered in ``duty_hours`` (around the clock when not given).
    ``duty_email`` and ``head_email``: where its duty officer and its head read their post, when not at ``email``.
    ``escalation``: who is called when it is late, first to last. ``webhook``: where it is called instead of reading a queue (without TLS
    only on this machine, for trying things out).
    """

    name: Wording
    kind: Literal["operator", "department", "vertical", "utility", "district", "commune"]
    email: Email
    duty_email: Email | None = None
    head_email: Email | None = None
    phone: Phone | None = None
    parent: Slug | None = None
    successor: Slug | None = None
    shares: tuple[Share, ...] = ()
    working_hours: WorkingHours | None = None
    duty_phone: Phone | None = None
    duty_hours: WorkingHours | None = None
    escalation: tuple[Contact, ...] = ()
    webhook: Annotated[str, Field(pattern=r"^(https://[^\s@/]+|http://127\.0\.0\.1:[0-9]+)(/\S*)?$", max_length=500)] | None = None


class Area(Lasting):
    """Where a report may be. The centre is approximate (WGS 84); ``parent`` is the district it lay in before 1/7/2025, where known.

    From ``effective_to`` on it is covered by ``successor`` (merged), else by the areas whose ``parent`` it is (divided). ``formerly``: what
    parts of it were called before, and where: "Phường 5, Thành phố Đông Hà". ``border``: a GeoJSON geometry as text, from borders.geojson.
    """

    name: Wording
    kind: Literal["city", "town", "district", "island_district", "ward", "commune", "special_zone"]
    agency: Slug
    latitude: float = Field(ge=8, le=24)
    longitude: float = Field(ge=102, le=115)
    parent: Slug | None = None
    successor: Slug | None = None
    formerly: tuple[Annotated[Line, Field(pattern=r"^[^,]+, [^,]+$")], ...] = ()
    border: str = ""
