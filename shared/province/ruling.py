"""Which agency answers which reports."""

from datetime import date, time
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.province.naming import Coded, Line, Slug
from shared.province.policy import Entry, TimeOfDay

# --- rules ------------------------------------------------------------------------------------------------------------


class Hours(Entry):
    """A time of day in the province, ``begin`` inclusive, ``end`` exclusive; over midnight when it ends before it begins."""

    begin: TimeOfDay
    end: TimeOfDay

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.begin == self.end:
            raise ValueError("begins when it ends: leave hours out for the whole day")
        return self

    def holds(self, at: time) -> bool:
        """Whether ``at`` is in it."""
        return any(begin <= at < end for begin, end in self._parts) or (self.end < self.begin <= at)

    def covers(self, other: "Hours") -> bool:
        """Whether all of ``other`` is in it."""
        return all(any(begin <= first and last <= end for begin, end in self._parts) for first, last in other._parts)

    def meets(self, other: "Hours") -> bool:
        """Whether some moment is in both."""
        return any(begin < last and first < end for begin, end in self._parts for first, last in other._parts)

    @property
    def _parts(self) -> tuple[tuple[time, time], ...]:
        """Within one day each."""
        return ((self.begin, self.end),) if self.begin < self.end else ((self.begin, time.max), (time.min, self.end))


class Rule(Coded):
    """Who answers which reports. Of the rules that match, the highest ``priority`` wins; of equals, the first in the file.

    A rule matches when it names the category and the area (or all areas), and all further conditions hold: for each of ``attributes`` the
    report has one of the values; the description has one of ``keywords`` (typed with or without diacritics); it came by one of
    ``portals``, in these ``hours``, ``reported_urgent`` or not, from ``effective_from`` on and before ``effective_to``.
    ``agency`` and ``supporting`` are agency codes, or ``area`` for the agency of the report's area. ``sla_class`` and ``urgent``
    override the category's and the reporter's where they are given.
    """

    priority: int
    categories: tuple[str, ...] = Field(min_length=1)
    areas: Annotated[tuple[str, ...], Field(min_length=1)] | Literal["*"] = "*"
    attributes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    keywords: tuple[Line, ...] = ()
    portals: tuple[Line, ...] = ()
    hours: Hours | None = None
    reported_urgent: bool | None = None
    effective_from: date | None = None
    effective_to: date | None = None
    agency: Slug
    supporting: tuple[Slug, ...] = ()
    sla_class: str | None = None
    urgent: bool | None = None

    @property
    def is_conditional(self) -> bool:
        """Whether it asks for more than category, area and day."""
        return bool(self.attributes or self.keywords or self.portals or self.hours) or self.reported_urgent is not None

    def is_effective(self, day: date) -> bool:
        """Whether it is in force on ``day``."""
        return (self.effective_from or date.min) <= day < (self.effective_to or date.max)
