"""Text that people wrote: normalised, bounded, free of what databases and terminals choke on."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

LONGEST = 4000  # code points


def clean(text: str) -> str:
    """NFC; raises :class:`ValueError` for control characters other than line breaks and tabs."""
    if any(unicodedata.category(letter) == "Cc" and letter not in "\n\r\t" for letter in text):
        raise ValueError("must not contain control characters")
    return unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    """As people type it in a hurry: small letters without diacritics (đ is d), so that ``den duong`` and ``Đèn đường`` are the same."""
    letters = unicodedata.normalize("NFD", text.casefold()).replace("đ", "d")
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST), AfterValidator(clean)]
