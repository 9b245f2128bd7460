"""How much is found, and how much is hidden for nothing, over lines written for the purpose (``screening.txt``)."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.intake.domain.screening import Kind, findings

FLOOR = {Kind.PHONE: (0.97, 0.98), Kind.EMAIL: (0.95, 0.98), Kind.IDENTITY: (0.94, 0.98), Kind.PLATE: (0.98, 0.96)}  # recall, precision
MARK = re.compile(r"⟨(\w+):(.*?)⟩", re.DOTALL)


@dataclass(frozen=True)
class Line:
    """``marked``: kind, start and end of each thing that must be hidden. ``known``: written down as a fault that is left."""

    text: str
    marked: tuple[tuple[str, int, int], ...]
    known: bool

    @classmethod
    def read(cls, written: str) -> "Line":
        text, marked, end = "", [], 0
        body = written.removeprefix("! ")
        for mark in MARK.finditer(body):
            text += body[end : mark.start()]
            marked.append((mark[1], len(text), len(text) + len(mark[2])))
            text, end = text + mark[2], mark.end()
        return cls(text + body[end:], tuple(marked), written.startswith("! "))

    @property
    def missed(self) -> list[str]:
        """Marks of which a digit or letter is left to be read."""
        return [kind for kind, start, end in self.marked if not self._hidden(kind, start, end)]

    @property
    def for_nothing(self) -> list[str]:
        """Findings in which nothing is marked."""
        return [
            found.kind
            for found in findings(self.text)
            if not any(kind == found.kind and start < found.end and found.start < end for kind, start, end in self.marked)
        ]

    def _hidden(self, kind: str, start: int, end: int) -> bool:
        covered = {place for found in findings(self.text) if found.kind == kind for place in range(found.start, found.end)}
        return all(place in covered for place in range(start, end) if self.text[place].isalnum())


def corpus() -> list[Line]:
    text = (Path(__file__).parent / "screening.txt").read_text(encoding="utf-8")
    written = re.split(r"\n(?!\d{6}⟩)", text)  # one number is broken over two lines
    return [Line.read(line) for line in written if line and not line.startswith("#")]


LINES = corpus()


@pytest.fixture(scope="module")
def counted() -> dict[str, Counter[str]]:
    return {
        "marked": Counter(kind for line in LINES for kind, _, _ in line.marked),
        "missed": Counter(kind for line in LINES for kind in line.missed),
        "for nothing": Counter(kind for line in LINES for kind in line.for_nothing),
    }


class TestCorpus:
    def test_is_large_enough_to_say_something(self):
        assert len(LINES) >= 150
        assert sum(not line.marked for line in LINES) >= 50

    @pytest.mark.parametrize("kind", list(Kind))
    def test_little_is_missed_and_little_is_hidden_for_nothing(self, counted, kind):
        marked, missed, for_nothing = (counted[name][kind] for name in ("marked", "missed", "for nothing"))
        recall, precision = 1 - missed / marked, (marked - missed) / (marked - missed + for_nothing)
        print(f"{kind}: {marked} marked, recall {recall:.1%}, precision {precision:.1%}")  # noqa: T201 - seen with -s

        assert (recall >= FLOOR[kind][0], precision >= FLOOR[kind][1]) == (True, True)

    @pytest.mark.parametrize("line", [line for line in LINES if not line.known], ids=lambda line: line.text[:60])
    def test_each_line_is_as_marked_but_for_the_faults_that_are_known(self, line):
        assert (line.missed, line.for_nothing) == ([], [])

    @pytest.mark.parametrize("line", [line for line in LINES if line.known], ids=lambda line: line.text[:60])
    def test_a_known_fault_that_is_mended_loses_its_mark(self, line):
        assert line.missed or line.for_nothing


class TestHostileText:
    @pytest.mark.timeout(5)
    @pytest.mark.parametrize("part", ["a", "0", "0 ", "a.", "gọi", "74A-", "không ", "a@a.", "1.000", "0...", "từ 1/1, "])
    def test_is_read_in_time_that_grows_with_its_length_only(self, part):
        for _ in range(20):
            findings(f"@ {part * 4000}"[:4000])
