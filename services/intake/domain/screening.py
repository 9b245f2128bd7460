"""What people write that names people: telephone numbers, e-mail addresses, identity papers, number plates.

Written to miss nothing that a reader could dial: numbers in any grouping, with letters for digits, or spelled in words. A hotline
(1800, 1900) and an emergency number name nobody.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    PHONE = "phone"
    EMAIL = "email"
    IDENTITY = "identity"
    PLATE = "plate"


CONTACTS = frozenset({Kind.PHONE, Kind.EMAIL, Kind.IDENTITY})  # what no agency needs to do its work
EVERYTHING = frozenset(Kind)

_SAID = {
    Kind.PHONE: "[số điện thoại]",
    Kind.EMAIL: "[địa chỉ e-mail]",
    Kind.IDENTITY: "[số giấy tờ]",
    Kind.PLATE: "[biển số xe]",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """``start`` and ``end`` as in a slice of the text."""

    kind: Kind
    start: int
    end: int


_D = r"[0-9oO]"  # people write an O for a nought
_GAP = r"[ \t\u00a0.,\-–_/()]{0,3}"
_ADDRESS = r"[\w.+-]+\s?(?:@|\(at\)|\[at\]|\(a\)|\ba\s?còng\b)\s?[\w-]+(?:\s?(?:\.|\(dot\)|\[dot\]|\bchấm\b)\s?[\w-]+)+"
_NUMBER = r"không|một|mốt|hai|ba|bốn|tư|năm|lăm|sáu|bảy|bẩy|tám|chín|khong|mot|bon|nam|sau|bay|tam|chin"

# 9 digits after the nought (or after +84) for mobiles, 10 for lines with an area code beginning 02 (numbering plan of 2014).
_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (Kind.EMAIL, re.compile(_ADDRESS, re.IGNORECASE)),
    (Kind.PLATE, re.compile(r"(?<![\w])[1-9]\d[ \-]?[A-ZĐ]{1,2}\d?[ \-.]{0,3}(?:\d{3}[.\- ]?\d{2}|\d{4})(?!\d)")),
    (Kind.IDENTITY, re.compile(rf"(?<![\w])0{_GAP}(?:\d{_GAP}){{10}}\d(?!\d)")),
    (Kind.IDENTITY, re.compile(rf"(?i:cmnd|cmt|chứng minh|cccd|căn cước|hộ chiếu)\D{{0,24}}?([A-Z]?(?:\d{_GAP}){{6,11}}\d)")),
    (Kind.PHONE, re.compile(rf"(?<![\w])(?:\(?\+|00)?{_GAP}84{_GAP}(?:0{_GAP})?[235789](?:{_GAP}{_D}){{8,9}}(?!{_D})")),
    (Kind.PHONE, re.compile(rf"(?<![\w])[0oO]{_GAP}2(?:{_GAP}{_D}){{9}}(?!{_D})")),
    (Kind.PHONE, re.compile(rf"(?<![\w])\(?[0oO]{_GAP}[35789](?:{_GAP}{_D}){{8}}(?!{_D})")),
    (Kind.PHONE, re.compile(rf"(?i:\b(?:{_NUMBER})(?:[ ,.\-]+(?:{_NUMBER})){{8,10}}\b)")),
)


def findings(text: str) -> list[Finding]:
    """In the order of the text, none inside another: what is found by an earlier pattern is not looked at again."""
    taken: list[Finding] = []
    for kind, pattern in _PATTERNS:
        taken.extend(found for found in _matches(kind, pattern, text) if not any(_overlap(found, other) for other in taken))
    return sorted(taken, key=lambda finding: finding.start)


def redacted(text: str, kinds: Collection[Kind] = EVERYTHING) -> str:
    """``text`` with a word in brackets for each finding of ``kinds``."""
    for finding in reversed(findings(text)):
        if finding.kind in kinds:
            text = f"{text[: finding.start]}{_SAID[finding.kind]}{text[finding.end :]}"
    return text


def _matches(kind: Kind, pattern: re.Pattern[str], text: str) -> Iterator[Finding]:
    for match in pattern.finditer(text):
        group = 1 if pattern.groups else 0
        yield Finding(kind, match.start(group), match.end(group))


def _overlap(one: Finding, other: Finding) -> bool:
    return one.start < other.end and other.start < one.end
