"""What a province consists of: plain frozen values, no deciding. The files they come from are explained in ``deploy/provinces``."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from shared.province.policy import Entry, Policy, Source, WorkingHours

AREA = "area"  # in a rule: the agency responsible for the area of the report
_SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"

Slug = Annotated[str, Field(pattern=_SLUG)]
MailAddress = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
Line = Annotated[str, Field(min_length=1, pattern=r"^\S(.*\S)?$")]


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


class Agency(Coded):
    """Who must answer. From ``effective_to`` on (exclusive) ``successor`` holds its duties. ``working_hours``: when not the policy's.
    ``duty_email`` and ``head_email``: where its duty officer and its head read their post, when not at ``email``."""

    name: Wording
    kind: Literal["operator", "department", "vertical", "utility", "district", "commune"]
    email: MailAddress
    duty_email: MailAddress | None = None
    head_email: MailAddress | None = None
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
    attributes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    agency: Slug
    supporting: tuple[Slug, ...] = ()
    sla_class: str | None = None
    urgent: bool | None = None


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

    def agency_on(self, code: str, day: date) -> Agency:
        """Who holds the duties of agency ``code`` on ``day``. Raises :class:`KeyError` for an unknown code."""
        agency = self.agencies[code]
        while agency.successor and agency.effective_to and day >= agency.effective_to:
            agency = self.agencies[agency.successor]
        return agency
