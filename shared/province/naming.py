"""How things of a province are named: codes, words in both languages, addresses."""

from typing import Annotated

from pydantic import Field

from shared.province.policy import Entry, Source

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


class Wording(Entry):
    """One text in both languages."""

    vi: Line
    en: Line
