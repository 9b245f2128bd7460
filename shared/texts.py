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


Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST), AfterValidator(clean)]
