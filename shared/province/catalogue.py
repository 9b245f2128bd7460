"""What can be reported, and what belongs elsewhere."""

from typing import Annotated, Literal

from pydantic import Field

from shared.province.naming import Coded, Line, Slug, Wording
from shared.province.policy import Entry, Source

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
