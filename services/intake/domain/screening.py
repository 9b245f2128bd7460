"""What people write that names people: telephone numbers, e-mail addresses, identity papers, number plates.

Written to miss nothing that a reader could dial: numbers in any grouping, with letters for digits, or spelled in words. A hotline
(1800, 1900) and an emergency number name nobody. Names of persons are not looked for: no list holds them, and what looks like one
may be a street. ``tests/intake/screening.txt`` holds the forms that are known, and what is known to be missed.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Kind(StrEnum):
    PHONE = "phone"
    EMAIL = "email"
    IDENTITY = "identity"
    PLATE = "plate"


CONTACTS = frozenset({Kind.PHONE, Kind.EMAIL, Kind.IDENTITY})  # what no agency needs to do its work
EVERYTHING = frozenset(Kind)

Span = tuple[Kind | None, int, int]  # None: what names nobody
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


_D = r"[0-9oOlI|S]"  # people write letters for digits
_GAP = r"[\s.,\-‐‑‒–—_/()*·\u200b-\u200d\u2060\ufeff]{0,3}"
_GLUED = r"(?i:s[đd]t|[đd]t|tel|zalo|lh|gọi|số|alo)"  # what a number is written at without a blank
_CALLED_PLATE = r"(?i:biển(?: số| kiểm soát)?|bks|bsx)"
_BEGIN = rf"(?:(?<!\w)|(?<!\w){_GLUED})"
_NO_MORE = r"(?![0-9])"

_AT = r"(?:@|＠|[(\[{](?:at|@|a)[)\]}]|\b(?:a\s?còng|acong)\b)"
_DOT = r"(?:\.|[(\[{](?:dot|\.)[)\]}]|\b(?:chấm|cham)\b)"
_MAILBOX = r"(?<![\w.+-])[\w.+-]++"
_ENDING = r"(?:vn|com|net|org|info|edu|gov)\b"
_MAIL_HOST = r"(?:gmail|yahoo|hotmail|outlook|icloud)"

_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_DATE = rf"{_DAY}(?P<sep>[./-])(?:0?[1-9]|1[0-2])(?P=sep)(?:19|20)\d\d(?!(?P=sep)?\d)"
_DAYS = rf"(?i:ngày|từ|đến|hôm|sáng|trưa|chiều|tối|đêm)\s+{_DAY}[./-]\d{{1,2}}(?:[\s,và-]+{_DAY}[./-]\d{{1,2}})*(?:[./-]20\d\d)?(?!\d)"
_TIMES = r"(?<![\d.])[0-2]?\d\.[0-5]\d\s?[-–]\s?[0-2]?\d\.[0-5]\d(?![\d.])"
_MONEY = r"(?<![\d.,])[1-9]\d{0,2}(?:[., ]\d{3})+\s?(?i:đồng|đ|vnđ|vnd|triệu|tỷ|₫)(?!\w)"
_HOTLINE = r"(?<!\w)1[89]00(?:[ .-]?\d{2,4}){1,2}(?!\d)"
_OTHERS_NUMBER = (
    r"(?i:mst|mã số(?: thuế| doanh nghiệp)?|(?:mã|số) (?:hoá đơn|hóa đơn|vận đơn|đơn hàng|hồ sơ|khách hàng|hợp đồng))\W{1,3}\d{8,13}"
)

# 9 digits after the nought (or after +84) for mobiles, 10 for lines with an area code beginning 02 (numbering plan of 2014); the
# old mobiles of 11 digits still stand in people's papers. A pattern without a kind takes what names nobody out of the others' way.
_PATTERNS: tuple[tuple[Kind | None, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (Kind.EMAIL, rf"{_MAILBOX}\s?(?i:{_AT})\s?[\w-]+(?:{_DOT}[\w-]+)*\.[A-Za-z]{{2,}}"),
        (Kind.EMAIL, rf"(?i:{_MAILBOX}\s?{_AT}\s?[\w-]++(?:\s?{_DOT}\s?[\w-]++)*?(?:\s?{_DOT}\s?{_ENDING})+)"),
        (Kind.EMAIL, rf"(?i:{_MAILBOX}\s?{_AT}\s?{_MAIL_HOST}\b(?:[ .]{_ENDING})*)"),
        (Kind.EMAIL, rf"(?i:{_MAILBOX} at [\w-]++(?: dot [\w-]++)* dot {_ENDING})"),
        (None, _DATE),
        (None, _DAYS),
        (None, _TIMES),
        (None, _MONEY),
        (None, _HOTLINE),
        (None, _OTHERS_NUMBER),
        (Kind.PLATE, r"(?<!\w)[1-9]\d[ \-]?(?:[A-ZĐ]{1,2}\d?|MĐ\d)[ \-.]{0,3}(?:\d{3}[.\- ]?\d{2}|\d{4})(?!\d)"),
        (Kind.PLATE, r"(?<!\w)[A-CHKP-QTV][A-Z][ -]?\d{2}-\d{2}(?![\d-])"),
        (Kind.PLATE, r"(?<!\w)[1-9]\d[a-zđ]{1,2}\d?-\d{3}\.\d{2}(?!\d)"),
        (Kind.PLATE, rf"{_CALLED_PLATE}\W{{1,3}}([1-9]\d[ \-]?[a-zđ]{{1,2}}\d?[ \-.]{{0,3}}(?:\d{{3}}[.\- ]?\d{{2}}|\d{{4}}))(?!\d)"),
        (Kind.IDENTITY, rf"{_BEGIN}([0oO]{_GAP}(?:{_D}{_GAP}){{10}}{_D}){_NO_MORE}"),
        (Kind.IDENTITY, rf"(?i:cmnd|cmt|chứng minh|cccd|căn cước|hộ chiếu)\D{{0,24}}?([A-Z]? ?(?:\d{_GAP}){{6,11}}\d)"),
        (Kind.IDENTITY, r"(?<![\w./-])([0-3]\d{8}|[0-3]\d{2} \d{3} \d{3})(?![\w/-])"),
        (Kind.PHONE, rf"{_BEGIN}((?:\(?\+|00)?{_GAP}84{_GAP}(?:0{_GAP})?[235789](?:{_GAP}{_D}){{8,9}}){_NO_MORE}"),
        (Kind.PHONE, rf"{_BEGIN}([0oO]{_GAP}2(?:{_GAP}{_D}){{9}}){_NO_MORE}"),
        (Kind.PHONE, rf"{_BEGIN}(\(?[0oO]{_GAP}[35789](?:{_GAP}{_D}){{8}}){_NO_MORE}"),
        (Kind.PHONE, rf"{_BEGIN}(01{_GAP}[2689](?:{_GAP}\d){{8}}){_NO_MORE}"),
    )
)  # fmt: skip
FEWEST = {None: 4, Kind.PLATE: 4, Kind.IDENTITY: 6, Kind.PHONE: 6}  # true digits: a row of the letters o and l is a word
_SIGN = re.compile(r"[@＠]|[(\[{]a|(?i:a ?còng|acong|\bat\b)")

_WORDS = {
    "không": "0", "một": "1", "mốt": "1", "hai": "2", "ba": "3", "bốn": "4", "tư": "4", "năm": "5", "lăm": "5", "sáu": "6",
    "bảy": "7", "bẩy": "7", "tám": "8", "chín": "9", "khong": "0", "mot": "1", "bon": "4", "tu": "4", "nam": "5", "lam": "5",
    "sau": "6", "bay": "7", "tam": "8", "chin": "9", "o": "0",
}  # fmt: skip
_TOKEN = rf"(?:{'|'.join(_WORDS)}|\d{{1,4}})\b"
_SPELLED = re.compile(rf"\b(?i:(?=[kot084])(?:không|khong|o|0\d{{0,3}}|tám|tam|84?\d{{0,2}})\b(?:[ ,.\-]{{1,3}}{_TOKEN}){{3,}})")
_DIALLED = re.compile(r"0[35789]\d{8}|02\d{9}|84[35789]\d{8}|842\d{9}")
_OTHER_DIGIT = re.compile(r"[^\D0-9]")  # full-width, Arabic and others: read as what they are


@lru_cache(maxsize=64)  # a text is looked at for what agencies read, for what may be searched, for what everybody sees
def findings(text: str) -> Sequence[Finding]:
    """In the order of the text, none inside another: what is found by an earlier pattern is not looked at again."""
    text = _OTHER_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)
    taken: list[Span] = []
    for found in (*_matches(text), *_spelled(text)):
        if not any(found[1] < end and start < found[2] for _, start, end in taken):
            taken.append(found)
    return sorted((Finding(kind, start, end) for kind, start, end in taken if kind), key=lambda finding: finding.start)


def redacted(text: str, kinds: Collection[Kind] = EVERYTHING) -> str:
    """``text`` with a word in brackets for each finding of ``kinds``."""
    for finding in reversed(findings(text)):
        if finding.kind in kinds:
            text = f"{text[: finding.start]}{_SAID[finding.kind]}{text[finding.end :]}"
    return text


def _matches(text: str) -> Iterator[Span]:
    """Most texts have neither a sign of an address nor digits enough for a number, and are not searched for them."""
    digits, addressed = sum(map(text.count, "0123456789")), _SIGN.search(text) is not None
    for kind, pattern in _PATTERNS:
        if not (addressed if kind == Kind.EMAIL else digits >= FEWEST[kind]):
            continue
        group = 0 if not pattern.groups or "sep" in pattern.groupindex else 1
        for match in pattern.finditer(text):
            if kind in {None, Kind.EMAIL} or sum(map(str.isdigit, match[group])) >= FEWEST[kind]:
                yield kind, match.start(group), match.end(group)


def _spelled(text: str) -> Iterator[Span]:
    """Numbers in words, or in words and digits: the first words of a row that make a number that can be dialled, and the next."""
    for row in _SPELLED.finditer(text):
        tokens = [(_WORDS.get(token[0].lower(), token[0]), token.start(), token.end()) for token in re.finditer(r"\w+", row[0])]
        first = 0
        while first < len(tokens):
            last = _dialled(tokens, first)
            if last:
                yield Kind.PHONE, row.start() + tokens[first][1], row.start() + tokens[last - 1][2]
            first = last or first + 1


def _dialled(tokens: list[tuple[str, int, int]], first: int) -> int:
    """Behind which token the number that begins at ``first`` ends; 0 when none does."""
    digits = ""
    for last, (digit, _, _) in enumerate(tokens[first : first + 11], first + 1):
        digits += digit
        if _DIALLED.fullmatch(digits):
            return last
    return 0
