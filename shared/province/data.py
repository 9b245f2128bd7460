"""What a province consists of: plain frozen values, no deciding. The files they come from are explained in ``deploy/provinces``."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, time
from functools import cached_property
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from shared.province.policy import Entry, Policy, Source, TimeOfDay, WorkingHours

AREA = "area"  # in a rule: the agency responsible for the area of the report
_SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"

Slug = Annotated[str, Field(pattern=_SLUG)]
Line = Annotated[str, Field(min_length=1, pattern=r"^\S(.*\S)?$")]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
Phone = Annotated[str, Field(pattern=r"^\+?[0-9]{3,15}$")]


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
    """What a report may be about. ``urgent_allowed``: such a report may be urgent, and is then held to the policy's urgent class.
    ``by_hand``: no rule is meant to answer it, the operations centre routes it. ``listed``: reports are in public lists and on the map;
    those that aren't are shown to who knows the tracking code."""

    code: Annotated[str, Field(pattern=r"^[A-Z]{2}[0-9]{2}$")]
    group: Slug
    name: Wording
    sla_class: str
    urgent_allowed: bool = False
    by_hand: bool = False
    listed: bool = True
    keywords: tuple[Line, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    source: Source = "proposed"

    def attribute(self, code: str) -> Attribute | None:
        return next((attribute for attribute in self.attributes if attribute.code == code), None)


class Group(Coded):
    """A field of work ("lĩnh vực") that categories belong to."""

    name: Wording


class Redirect(Coded):
    """What this system does not handle, and where to go instead: ``text`` is told to whoever writes one of the ``keywords``.

    ``urgent``: somebody may be in danger, so it is told before anything else.
    """

    name: Wording
    text: Wording
    keywords: tuple[Line, ...] = ()
    urgent: bool = False


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
    ``escalation``: who is called when it is late, first to last. ``webhook``: where it is called instead of reading a queue.
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
    webhook: Annotated[str, Field(pattern=r"^https://[^\s@/]+(/\S*)?$", max_length=500)] | None = None


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


# --- all of it ------------------------------------------------------------------------------------------------------------


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"unknown time zone {name!r}") from None
    return name


class Card(Coded):
    """``centre`` and ``arbiter`` are agency codes: who routes by hand and approves, and who settles what they can't.

    ``abusive``: words and phrases the public copy of a text leaves out.
    """

    name: Wording
    time_zone: Annotated[str, AfterValidator(_known_zone)]
    tracking_prefix: Annotated[str, Field(pattern=r"^[A-Z]{2,4}$")]
    hotline: Annotated[str, Field(pattern=r"^[0-9]{3,15}$")]
    centre: Slug
    arbiter: Slug
    abusive: tuple[Line, ...] = ()


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
    def unlisted(self) -> frozenset[str]:
        """The codes of categories that public lists leave out."""
        return frozenset(code for code, category in self.categories.items() if not category.listed)

    @cached_property
    def redirected(self) -> tuple[str, ...]:
        """All phrases by which something belongs elsewhere."""
        return tuple(phrase for redirect in self.redirects.values() for phrase in redirect.keywords)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON: the same content has the same digest, whatever the files look like."""
        canonical = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def agency_on(self, code: str, day: date, *, category: str = "", area: str = "") -> Agency:
        """Who holds the duties of agency ``code`` on ``day``, for reports of ``category`` in ``area``: the last in its line of successors.

        One that has ended itself by then has no successor for them. Raises :class:`KeyError` for an unknown code.
        """
        agency, seen = self.agencies[code], {code}
        while agency.has_ended(day) and (following := self._successor(agency, category, area)) and following not in seen:
            seen.add(following)
            agency = self.agencies[following]
        return agency

    def area_on(self, code: str, day: date) -> Area:
        """What covers area ``code`` on ``day``; itself where it was divided. Raises :class:`KeyError` for an unknown code."""
        area = self.areas[code]
        while area.successor and area.has_ended(day):
            area = self.areas[area.successor]
        return area

    def escalation(self, code: str) -> tuple[Contact, ...]:
        """Who is called when agency ``code`` is late, first to last: its own, those above it, then the arbiter's."""
        chain: dict[str, Agency] = {}
        above: str | None = code
        while above and above not in chain:
            chain[above] = self.agencies[above]
            above = chain[above].parent
        chain[self.arbiter] = chain.pop(self.arbiter, self.agencies[self.arbiter])
        return tuple(contact for agency in chain.values() for contact in agency.escalation)

    def _successor(self, agency: Agency, category: str, area: str) -> str | None:
        following = next((share.agency for share in agency.shares if share.covers(category, area)), agency.successor)
        if following != AREA:
            return following
        return self.areas[area].agency if area in self.areas else None
