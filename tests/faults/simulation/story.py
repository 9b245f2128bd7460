"""What is to happen, drawn from a seed; and the shortest part of it that still goes wrong."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

SERVICES = ("intake", "routing", "sla", "notify")
REPORTS = range(6)
STEPS = 120
WEIGHTS = {  # how often each step comes, in a hundred or so
    "post": 8,  # a portal sends a report, or sends it again
    "ask": 24,  # an agency, the centre or a reporter does something about one
    "again": 4,  # somebody who got no answer, or doubts it, asks the same once more
    "relay": 16,
    "deliver": 20,
    "flow": 12,  # everything goes well for a round
    "tick": 6,
    "work": 5,  # scorecards, roots
    "wait": 5,
    "jump": 2,
    "twin": 3,  # the bus delivers something twice
    "shuffle": 3,
    "delay": 3,
}
DEATHS = ("before commit", "after commit")
OF_DELIVERY = (*DEATHS, "before ack", "lost ack", "handler fails", "database away")
OF_RELAY = (
    "before publishing",
    "between two confirms",
    "after publishing",
    "before the deletion",
    "after the deletion",
    "nacked",
    "database away",
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """``what`` happens to service or report ``who``; ``how`` it goes wrong, if it does; ``number`` settles whatever else is open."""

    what: str
    who: Any
    how: str = ""
    number: int = 0

    def __str__(self) -> str:
        return f"{self.what} {self.who}" + (f" – {self.how}" if self.how else "") + f" ({self.number})"


Story = Sequence[Step]


def story(seed: int) -> list[Step]:
    """The same for the same seed."""
    random = Random(seed)
    kinds = random.choices(list(WEIGHTS), weights=list(WEIGHTS.values()), k=STEPS)
    return [_step(kind, random) for kind in kinds]


def _step(kind: str, random: Random) -> Step:
    number = random.getrandbits(30)
    if kind in {"post", "ask", "again"}:
        return Step(what=kind, who=random.choice(REPORTS), how=_perhaps(DEATHS, random), number=number)
    faults = {"relay": OF_RELAY, "deliver": OF_DELIVERY, "tick": (*DEATHS, "handler fails"), "work": DEATHS}.get(kind, ())
    return Step(what=kind, who=random.choice(SERVICES), how=_perhaps(faults, random), number=number)


def _perhaps(faults: Sequence[str], random: Random) -> str:
    return random.choice(faults) if faults and random.random() < 0.4 else ""


def shortest(whole: Story, fails: Callable[[Story], bool], tries: int = 150) -> list[Step]:
    """A part of ``whole`` that still ``fails`` and of which nothing more can be left out, as far as ``tries`` tries tell."""
    kept, size = list(whole), max(len(whole) // 2, 1)
    while tries > 0:
        begin = 0
        while begin < len(kept) and tries > 0:
            shorter = kept[:begin] + kept[begin + size :]
            tries -= 1
            if fails(shorter):
                kept = shorter
            else:
                begin += size
        if size == 1:
            break
        size = max(size // 2, 1)
    return kept
