"""What a province consists of: plain frozen values, no deciding. The files they come from are explained in ``deploy/provinces``."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from shared.province.catalogue import Category, Group, Redirect
from shared.province.naming import AREA, Coded, Line, Slug, Wording
from shared.province.places import Agency, Area, Contact
from shared.province.policy import Entry, Policy
from shared.province.ruling import Rule


def _by_code(entries: Any) -> Any:
    return {entry["code"]: entry for entry in entries} if isinstance(entries, list | tuple) else entries


def _in_order(entries: Mapping[str, Entry]) -> list[Any]:  # of Any: pydantic would write the fields of Entry only
    return list(entries.values())


# written as a list: PostgreSQL's jsonb would not keep the order of an object's keys
_Keyed = (BeforeValidator(_by_code), PlainSerializer(_in_order))


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
