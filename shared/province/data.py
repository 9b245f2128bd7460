"""What a province consists of: plain frozen values, no deciding. The files they come from are explained in ``deploy/provinces``."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

AREA = "area"  # in a rule: the agency responsible for the area of the report
EVERYWHERE = "*"
_SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"

Slug = Annotated[str, Field(pattern=_SLUG)]
Line = Annotated[str, Field(min_length=1, pattern=r"^\S(.*\S)?$")]
Percent = Annotated[int, Field(gt=0, lt=100)]
Source = Literal["public", "proposed"]


class Entry(BaseModel):
    """Unknown fields are typing mistakes in a file; in what a newer release stored they are read over (see ``storage``)."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Coded(Entry):
    """``source``: ``public`` was read on a public page; ``proposed`` ("đề xuất") is for the province to confirm."""

    code: Slug
    source: Source = "proposed"


def _by_code(entries: Any) -> Any:
    return {entry["code"]: entry for entry in entries} if isinstance(entries, list | tuple) else entries


def _in_order(entries: Mapping[str, Entry]) -> list[Any]:  # of Any: pydantic would write the fields of Entry only
    return list(entries.values())


# written as a list: PostgreSQL's jsonb would not keep the order of an object's keys
_Keyed = (BeforeValidator(_by_code), PlainSerializer(_in_order))


class Wording(Entry):
    """One text in both languages."""

    vi: Line
    en: Line


# --- categories -----------------------------------------------------------------------------------------------------


class Choice(Entry):
    """One value of a list attribute."""

    key: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    name: Wording


class Attribute(Entry):
    """A further question of a category, as Open311 has them."""

    code: Annotated[str, Field(pattern=r"^[A-Z0-9_]+$")]
    question: Wording
    datatype: Literal["string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"] = "singlevaluelist"
    required: bool = False
    values: tuple[Choice, ...] = ()

    def allows(self, key: str) -> bool:
        """Whether ``key`` is one of the values; free questions allow anything."""
        return not self.values or any(choice.key == key for choice in self.values)


class Category(Entry):
    """What a report may be about. ``urgent_allowed``: such a report may be urgent, and is then held to the policy's urgent class."""

    code: Annotated[str, Field(pattern=r"^[A-Z]{2}[0-9]{2}$")]
    group: Slug
    name: Wording
    sla_class: str
    urgent_allowed: bool = False
    keywords: tuple[Line, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    source: Source = "proposed"

    def attribute(self, code: str) -> Attribute | None:
        return next((attribute for attribute in self.attributes if attribute.code == code), None)


class Group(Coded):
    """A field of work ("lĩnh vực") that categories belong to."""

    name: Wording


class Redirect(Coded):
    """What this system does not handle, and where to go instead: ``text`` is told to the reporter."""

    name: Wording
    text: Wording
    keywords: tuple[Line, ...] = ()


# --- agencies and areas -----------------------------------------------------------------------------------------------


def _written_as_text(value: Any) -> Any:
    """YAML reads an unquoted 11:30 as the number 690."""
    if isinstance(value, int | float):
        raise ValueError('must be a time in quotes, such as "07:30"')
    return value


_TimeOfDay = Annotated[time, BeforeValidator(_written_as_text)]


class Span(Entry):
    """Part of a day, ``begin`` inclusive, ``end`` exclusive."""

    begin: _TimeOfDay
    end: _TimeOfDay

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.begin >= self.end:
            raise ValueError(f"begins at {self.begin:%H:%M} but ends at {self.end:%H:%M}")
        return self


class WorkingHours(Entry):
    """``weekdays`` as ISO numbers: 1 Monday to 7 Sunday."""

    weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = Field(min_length=1)
    spans: tuple[Span, ...] = Field(min_length=1)


class Agency(Coded):
    """Who must answer. From ``effective_to`` on (exclusive) ``successor`` holds its duties. ``working_hours``: when not the policy's."""

    name: Wording
    kind: Literal["operator", "department", "vertical", "utility", "district", "commune"]
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
    parent: Slug | None = None
    effective_from: date | None = None
    effective_to: date | None = None
    successor: Slug | None = None
    working_hours: WorkingHours | None = None


class Area(Coded):
    """Where a report may be. ``centre`` is approximate (WGS 84); ``parent`` is the district it lay in before 1/7/2025, where known."""

    name: Wording
    kind: Literal["city", "town", "district", "island_district", "ward", "commune", "special_zone"]
    agency: Slug
    latitude: float = Field(ge=8, le=24)
    longitude: float = Field(ge=102, le=115)
    parent: Slug | None = None


# --- rules ------------------------------------------------------------------------------------------------------------


class Rule(Coded):
    """Who answers which reports. Of the rules that match, the highest ``priority`` wins; of equals, the first in the file.

    A rule matches when it names the category and the area (or all areas) and, for each of ``attributes``, the report has one of the values.
    ``agency`` and ``supporting`` are agency codes, or ``area`` for the agency of the report's area. ``sla_class`` and ``urgent``
    override the category's and the reporter's where they are given.
    """

    priority: int
    categories: tuple[str, ...] = Field(min_length=1)
    areas: tuple[str, ...] | Literal["*"] = "*"
    attributes: dict[str, tuple[str, ...]] = {}
    agency: Slug
    supporting: tuple[Slug, ...] = ()
    sla_class: str | None = None
    urgent: bool | None = None


# --- policy -------------------------------------------------------------------------------------------------------------


class Allowance(Entry):
    """So much ``time``: ``working`` counts working hours and working days only, ``wall`` every minute and every day."""

    amount: int = Field(gt=0)
    unit: Literal["minutes", "hours", "days"]
    time: Literal["working", "wall"]

    @property
    def wall_time(self) -> timedelta:
        """The length in plain time; for working days it has no meaning, ask the calendar."""
        return timedelta(**{self.unit: self.amount})


class Clock(Entry):
    """``urgent`` and ``unclear`` are for those cases, where they differ. Without ``normal`` the class of the case decides."""

    normal: Allowance | None = None
    urgent: Allowance | None = None
    unclear: Allowance | None = None


class Escalation(Entry):
    """A breach is told to ``to``, ``after`` so much time (at once when None): head of the agency, operations centre, provincial office."""

    to: Literal["agency", "centre", "arbiter"]
    after: Allowance | None = None


class Holidays(Entry):
    """``country`` as the ``holidays`` library names it; the days listed here win over it."""

    country: str
    closed_days: tuple[date, ...] = ()
    worked_days: tuple[date, ...] = ()


ClockName = Literal["route", "take_up", "resolve", "approve", "answer", "progress", "objection"]
Clocks = Annotated[dict[ClockName, Clock], Field(min_length=7)]


class Policy(Entry):
    """How long things may take. A case keeps the version it was opened under."""

    effective_from: date
    source: Source = "proposed"
    classes: dict[Annotated[str, Field(pattern=r"^[A-Z][0-9]{1,2}$")], Allowance]
    urgent_class: str
    clocks: Clocks
    reminders_percent: tuple[Percent, ...]
    escalation: tuple[Escalation, ...]
    pause_limit: Allowance
    extensions: int = Field(ge=0, description="how often a case may be extended, each time by its original allowance at the most")
    bounces: int = Field(ge=1, description="the return that sends a report to the operations centre")
    automatic_approval: bool = False
    working_hours: WorkingHours
    holidays: Holidays

    def allowance(self, clock: ClockName, *, sla_class: str, urgent: bool = False, unclear: bool = False) -> Allowance:
        """What ``clock`` allows a case of ``sla_class``. Raises :class:`KeyError` for a class the policy does not have."""
        rule = self.clocks[clock]
        special = (urgent and rule.urgent) or (unclear and rule.unclear) or rule.normal
        return special or self.classes[sla_class]


# --- all of it ------------------------------------------------------------------------------------------------------------


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"unknown time zone {name!r}") from None
    return name


class Card(Coded):
    """``centre`` and ``arbiter`` are agency codes: who routes by hand and approves, and who settles what they can't."""

    name: Wording
    time_zone: Annotated[str, AfterValidator(_known_zone)]
    tracking_prefix: Annotated[str, Field(pattern=r"^[A-Z]{2,4}$")]
    hotline: Annotated[str, Field(pattern=r"^[0-9]{3,15}$")]
    centre: Slug
    arbiter: Slug


class Province(Card):
    """Everything, each kind by its code and in the order of its file."""

    groups: Annotated[dict[str, Group], *_Keyed]
    categories: Annotated[dict[str, Category], *_Keyed]
    redirects: Annotated[dict[str, Redirect], *_Keyed]
    agencies: Annotated[dict[str, Agency], *_Keyed]
    areas: Annotated[dict[str, Area], *_Keyed]
    rules: tuple[Rule, ...]
    policy: Policy

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON: the same content has the same digest, whatever the files look like."""
        canonical = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def agency_on(self, code: str, day: date) -> Agency:
        """Who holds the duties of agency ``code`` on ``day``. Raises :class:`KeyError` for an unknown code."""
        agency = self.agencies[code]
        while agency.successor and agency.effective_to and day >= agency.effective_to:
            agency = self.agencies[agency.successor]
        return agency
