"""What the phrases of a province say about a text: that it belongs elsewhere, or that it insults.

Plain rules that can be read, argued about and changed as data: a phrase is found as whole words, in any case and with any blanks
between, and with the tone on either vowel (``tòa``, ``toà``). What is written without accents is found where the province lists it so.
"""

import re
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from services.intake.domain.screening import redacted
from services.intake.domain.timeline import REPORTERS_WORDS, Entry
from shared.province import Province, Redirect, Wording

LEFT_OUT = "[…]"
_VOWELS = "òa oà óa oá ỏa oả õa oã ọa oạ òe oè óe oé ỏe oẻ õe oẽ ọe oẹ ùy uỳ úy uý ủy uỷ ũy uỹ ụy uỵ"  # each both ways
_PAIRS = [pair.split() for pair in re.findall(r"\S+ \S+", _VOWELS)]
_TONES = {one: other for old, new in _PAIRS for one, other in ((old, new), (new, old))}
_EITHER = re.compile("|".join(_TONES))


class Advice(BaseModel):
    """Where to go instead. ``because`` is the phrase that was found; ``urgent``: call now, wait for nobody's answer."""

    code: str
    name: Wording
    text: Wording
    urgent: bool
    because: str


def advice(text: str, of: Province) -> list[Advice]:
    """What seems not to be for this service, the urgent first. It is a hint: the operations centre decides."""
    if not _phrase_in(text, of.redirected):
        return []  # nearly always: one look instead of one for each matter
    found = [_advice(redirect, phrase) for redirect in of.redirects.values() if (phrase := _phrase_in(text, redirect.keywords))]
    return sorted(found, key=lambda one: not one.urgent)


def is_abusive(text: str, of: Province) -> bool:
    """Whether it holds a phrase that the public copy leaves out."""
    return bool(_phrase_in(text, of.abusive))


def public_copy(text: str, of: Province) -> str:
    """``text`` as everybody may read it: without what names people, and without insults."""
    shown = redacted(text)
    return _pattern(of.abusive, re.IGNORECASE).sub(LEFT_OUT, shown) if of.abusive else shown


def public_data(entry: Entry, of: Province) -> dict[str, Any]:
    """What everybody may read of ``entry``: a reporter's own words as a public copy; what an office writes may name its telephone."""
    field = REPORTERS_WORDS.get(entry.topic)
    return {**entry.data, field: public_copy(entry.data[field], of)} if field else entry.data


def _advice(redirect: Redirect, phrase: str) -> Advice:
    return Advice(code=redirect.code, name=redirect.name, text=redirect.text, urgent=redirect.urgent, because=phrase)


def _phrase_in(text: str, phrases: tuple[str, ...]) -> str:
    """The first of them, in small letters; nothing when there is none."""
    found = _pattern(phrases).search(text.lower()) if phrases else None
    return " ".join(found[0].split()) if found else ""


@lru_cache(maxsize=64)  # some versions of a province
def _pattern(phrases: tuple[str, ...], flags: int = 0) -> re.Pattern[str]:
    small = sorted((phrase.lower() for phrase in phrases), key=len, reverse=True)
    written = "|".join(r"\s+".join(_either_tone(word) for word in phrase.split()) for phrase in small)
    first = "".join(sorted({phrase[0] for phrase in small}))  # looked for ahead, which is faster than trying each phrase
    return re.compile(rf"(?<!\w)(?=[{re.escape(first)}])(?:{written})(?!\w)", flags)


def _either_tone(word: str) -> str:
    return _EITHER.sub(lambda vowels: f"(?:{vowels[0]}|{_TONES[vowels[0]]})", re.escape(word))
