"""Vietnamese place names as people type them: with or without diacritics, tone marks on either vowel, "Tp." for "Thành phố"."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

TONES = "\u0300\u0301\u0303\u0309\u0323"  # huyền, sắc, ngã, hỏi, nặng
SHORT_FORMS = {
    "tp": ("thành", "phố"), "tx": ("thị", "xã"), "tt": ("thị", "trấn"),
    "p": ("phường",), "h": ("huyện",), "x": ("xã",), "đk": ("đặc", "khu"),
}  # fmt: skip
Words = tuple[str, ...]


def words_of(text: str) -> Words:
    """The words of ``text``, each spelled one way, short forms of kinds of places written out."""
    found = re.findall(r"\b(?:p|tp|tx|tt)(?=\d)|[^\W_]+", unicodedata.normalize("NFC", text).casefold())
    return tuple(spelled(full) for word in found for full in SHORT_FORMS.get(word, (word,)))


def spelled(word: str) -> str:
    """``word`` with its tone behind it, so that hóa and hoá are the same word."""
    letters = unicodedata.normalize("NFD", word)
    tones = "".join(letter for letter in letters if letter in TONES)
    return unicodedata.normalize("NFC", "".join(letter for letter in letters if letter not in TONES)) + tones


def bare(word: str) -> str:
    """``word`` without any diacritics: đ is d, and ơ is o."""
    letters = unicodedata.normalize("NFD", word).replace("đ", "d")
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def same(typed: str, meant: str) -> bool:
    """A word typed without diacritics may mean any; one typed with them means exactly that."""
    return typed == meant or (typed == bare(meant) and typed.isascii())


def by_first_word(names: Iterable[Words]) -> Mapping[str, list[Words]]:
    """``names`` by what their first word looks like without diacritics, so that a text is compared with few of them."""
    index: dict[str, list[Words]] = {}
    for name in names:
        index.setdefault(bare(name[0]), []).append(name)
    return index


def occurrences(typed: Words, index: Mapping[str, list[Words]]) -> Iterator[tuple[int, Words]]:
    """Each place in ``typed`` where one of the names of ``index`` stands."""
    for start, word in enumerate(typed):
        for name in index.get(bare(word), ()):
            part = typed[start : start + len(name)]
            if len(part) == len(name) and all(map(same, part, name)):
                yield start, name


def longest_apart(found: Sequence[tuple[int, Words]]) -> list[tuple[int, Words]]:
    """Of occurrences that overlap only the longest: "Nam Đông Hà" is not "Đông Hà"."""
    kept: list[tuple[int, Words]] = []
    for start, name in sorted(found, key=lambda place: (-len(place[1]), place[0])):
        if all(start + len(name) <= other or other + len(longer) <= start for other, longer in kept):
            kept.append((start, name))
    return kept
