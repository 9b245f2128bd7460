"""Which category a text seems to be about, and the words that say so. It proposes; people and rules decide.

Words and pairs of neighbours are counted by category, as typed and without diacritics: in the province's own names and keywords, and in
reports that were decided before. What a word says for a category is how much more usual it is there than on average (a logarithm, never
below nothing), and the less the fewer times it was seen. A text's score is the sum of its words, so every suggestion can be followed.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from shared.province import Category, Province
from shared.texts import folded

KEYWORD = 3  # reports that one keyword counts for
UNSEEN = 0.1  # how often a word is taken to be seen where it never was
DOUBT = 3  # so many times seen, a word says half of what it could
CAUTION = 2  # words of one text say much of the same, so their sum is taken for half
SHOWN = 3  # suggestions, and words for each
CERTAIN = 0.8  # the chance of another category at which the one that was chosen looks wrong


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """``chance`` among all categories, 0 to 1; ``words`` said most for it."""

    category: str
    chance: float
    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Example:
    """A report that was decided: what was written, and what it was about in the end."""

    text: str
    category: str


class Suggester:
    """Learned once from a province and from past decisions, then asked as often as you like."""

    def __init__(self, province: Province, examples: Iterable[Example] = ()) -> None:
        self._seen: dict[str, Counter[str]] = {}
        self._texts: dict[str, int] = {}
        for category in province.categories.values():
            if not category.by_hand:
                self._seen[category.code], self._texts[category.code] = Counter(), 0
                for phrase in _own_phrases(category):
                    self._count(category.code, phrase, KEYWORD)
        for example in examples:
            if example.category in self._seen:
                self._count(example.category, example.text, 1)
        self._says = {word: self._said_by(word) for word in {word for seen in self._seen.values() for word in seen}}

    def suggest(self, text: str) -> list[Suggestion]:
        """The likeliest first; none for a text of which no word is known."""
        said = {word: self._says[word] for word in dict.fromkeys(words_in(text)) if word in self._says}
        scores: Counter[str] = Counter()
        for says in said.values():
            scores.update(says)
        if not scores:
            return []
        best = sorted(scores, key=lambda category: (-scores[category], category))[:SHOWN]
        odds = {category: math.exp((scores[category] - scores[best[0]]) / CAUTION) for category in self._seen}
        whole = sum(odds.values())
        return [Suggestion(category=code, chance=odds[code] / whole, words=_strongest(said, code, text)) for code in best]

    def instead_of(self, category: str, text: str) -> Suggestion | None:
        """Another category that ``text`` is much more probably about than ``category``, which so looks wrong; None when it doesn't."""
        found = self.suggest(text)
        return found[0] if found and found[0].category != category and found[0].chance >= CERTAIN else None

    def _count(self, category: str, text: str, times: int) -> None:
        self._texts[category] += times
        for word in set(words_in(text)):
            self._seen[category][word] += times

    def _said_by(self, word: str) -> Mapping[str, float]:
        """For which categories, and how much."""
        share = {code: (seen[word] + UNSEEN) / (self._texts[code] + 6 * UNSEEN) for code, seen in self._seen.items()}
        usual = sum(share.values()) / len(share)
        counts = {code: self._seen[code][word] for code in share if share[code] > usual and self._seen[code][word]}
        return {code: math.log(share[code] / usual) * count / (count + DOUBT) for code, count in counts.items()}


def words_in(text: str) -> Iterator[str]:
    """The words of ``text`` and pairs of neighbours, all without diacritics, and those that have any as they are, too."""
    typed = re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text).casefold())
    pairs = [f"{one} {other}" for one, other in pairwise(typed)]
    for word in (*typed, *pairs):
        plain = folded(word)
        yield plain
        if plain != word:
            yield word


def _own_phrases(category: Category) -> list[str]:
    choices = [choice.name.vi for attribute in category.attributes for choice in attribute.values]
    return [category.name.vi, *category.keywords, *choices]


def _strongest(said: Mapping[str, Mapping[str, float]], category: str, text: str) -> tuple[str, ...]:
    """As typed in ``text``; a word that is part of a pair already shown says nothing more."""
    typed = {folded(word): word for word in words_in(text)}
    shown: list[str] = []
    for word in sorted((word for word in said if category in said[word]), key=lambda word: (-said[word][category], -len(word), word)):
        if not any(folded(word) in other for other in shown):
            shown.append(folded(word))
    return tuple(typed[word] for word in shown[:SHOWN])
