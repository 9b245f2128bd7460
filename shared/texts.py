"""Text that people wrote, and moments that programs did: normalised, bounded, free of what databases and terminals choke on."""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from pydantic import AfterValidator, AwareDatetime, StringConstraints

LONGEST = 4000  # code points
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a spreadsheet may take for the beginning of one
Cell = TypeVar("Cell")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # Unicode's category Cc, but line breaks and tabs


def clean(text: str) -> str:
    """NFC; raises :class:`ValueError` for control characters other than line breaks and tabs."""
    if _CONTROL.search(text):
        raise ValueError("must not contain control characters")
    return unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    """As people type it in a hurry: small letters without diacritics (đ is d), so that ``den duong`` and ``Đèn đường`` are the same."""
    return without_marks(text.casefold())


def without_marks(text: str) -> str:
    """Without diacritics, đ as d: twice as much of it goes into a short message."""
    letters = unicodedata.normalize("NFD", text).replace("đ", "d").replace("Đ", "D")
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def tame(cell: Cell) -> Cell | str:
    """For a table that a spreadsheet may open: text that it would take for a formula has a quote before it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def in_utc(at: datetime) -> datetime:
    """Offsets may be larger than a database takes. Within a day of the ends of all time, hours don't matter."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return at.replace(tzinfo=UTC)


Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST), AfterValidator(clean)]
