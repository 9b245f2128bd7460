"""What a doctor says: about what, how bad it is, and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """WRONG makes the command fail; ADVICE is for a person to weigh."""

    GOOD = "good"
    ADVICE = "advice"
    WRONG = "WRONG"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """``remedy`` is what to do, empty where nothing is to be done."""

    about: str
    level: Level
    words: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f"\n{'':23}→ {self.remedy}" if self.remedy else ""
        return f"{self.level:8} {self.about:13} {self.words}{remedy}"


def good(about: str, words: str) -> Finding:
    """Nothing to do."""
    return Finding(about, Level.GOOD, words)


def advice(about: str, words: str, remedy: str) -> Finding:
    """Works, and could be better."""
    return Finding(about, Level.ADVICE, words, remedy)


def wrong(about: str, words: str, remedy: str) -> Finding:
    """Does not work, or not safely."""
    return Finding(about, Level.WRONG, words, remedy)
