"""The daily root: one hash over the ends of all histories that grew, made as in RFC 6962, section 2.1, so that one case is proven alone.

A leaf is hashed behind a zero byte and a node behind a one byte, so that neither can pass for the other. Leaf 0 of a day is the root
before it; the others are the ends of histories, in the order of report ids.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Root(BaseModel):
    """The root of a local day. ``size`` counts its leaves, leaf 0 included; ``previous`` is the root before it, zeros before the first."""

    model_config = ConfigDict(frozen=True, from_attributes=True)
    day: date
    at: AwareDatetime
    size: int = Field(ge=1)
    previous: Digest
    root: Digest


class Receipt(BaseModel):
    """That row ``seq`` of a history, and so every row before it, went into the root of ``day``. Holds nothing about anybody."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    form: Literal["hoiam-receipt-1"] = "hoiam-receipt-1"
    report_id: UUID
    seq: int = Field(ge=1)
    hash: Digest
    day: date
    position: int = Field(ge=1)
    size: int = Field(ge=2, le=2**40)
    path: tuple[Digest, ...] = Field(max_length=40)
    root: Digest


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of checking, and whether it was passed."""

    says: str
    passed: bool


@dataclass(frozen=True)
class Tree:
    """``levels[0]`` are the hashes of the leaves, the last level is the root alone."""

    levels: Sequence[Sequence[bytes]]

    @classmethod
    def of(cls, leaves: Iterable[bytes]) -> "Tree":
        """Over the hashes of at least one leaf."""
        levels = [list(leaves)]
        while len(levels[-1]) > 1:
            levels.append(_above(levels[-1]))
        return cls(levels)

    @property
    def root(self) -> str:
        """In hexadecimal."""
        return self.levels[-1][0].hex()

    def path(self, position: int) -> tuple[str, ...]:
        """The hashes that lead from a leaf to the root, the lowest first."""
        places = [(level, (position >> height) ^ 1) for height, level in enumerate(self.levels)]
        return tuple(level[beside].hex() for level, beside in places if beside < len(level))


def _above(level: Sequence[bytes]) -> list[bytes]:
    """The last of an odd number goes up as it is: so the tree splits at the largest power of two, as RFC 6962 says."""
    above = [node(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    return [*above, level[-1]] if len(level) % 2 else above


def node(left: bytes, right: bytes) -> bytes:
    """The hash above two hashes."""
    return sha256(b"\x01" + left + right).digest()


def first_leaf(day: date, previous: str) -> bytes:
    """Leaf 0: the day, and the root before it."""
    return sha256(f"\x00root {day} {previous}".encode()).digest()


def leaf(report_id: UUID, seq: int, end: str) -> bytes:
    """The end of a history: its last row's number and hash."""
    return sha256(f"\x00{report_id} {seq} {end}".encode()).digest()


def tree_of(day: date, previous: str, ends: Iterable[tuple[UUID, int, str]]) -> Tree:
    """The tree of a day over the ends of histories, in their order."""
    return Tree.of([first_leaf(day, previous), *(leaf(*end) for end in ends)])


def climb(lowest: bytes, position: int, size: int, path: Sequence[str]) -> str | None:
    """The root that ``path`` leads to from a leaf; None when a tree of this size has no such path from there."""
    if not 0 <= position < size:
        return None
    here, rest = lowest, list(path)
    while size > 1:
        if position ^ 1 < size:
            if not rest:
                return None
            beside = bytes.fromhex(rest.pop(0))
            here = node(beside, here) if position % 2 else node(here, beside)
        position, size = position // 2, (size + 1) // 2
    return None if rest else here.hex()


def steps(receipt: Receipt, kept: Mapping[date, str] | None = None) -> Iterator[Step]:
    """Check a receipt with nothing else at hand, and its root against those ``kept``, if any; ends at the first step not passed."""
    reached = climb(leaf(receipt.report_id, receipt.seq, receipt.hash), receipt.position, receipt.size, receipt.path)
    yield Step(says=f"a tree of {receipt.size} leaves has such a path from leaf {receipt.position}", passed=reached is not None)
    if reached is None:
        return
    yield Step(
        says=f"row {receipt.seq} of report {receipt.report_id} leads to the root that the receipt names", passed=reached == receipt.root
    )
    if reached != receipt.root or kept is None:
        return
    yield Step(says=f"a root of {receipt.day} was kept", passed=receipt.day in kept)
    if receipt.day in kept:
        yield Step(says=f"the root of {receipt.day} is the one that was kept", passed=kept[receipt.day] == receipt.root)


def first_fault(root: Root, *, previous: str, ends: Iterable[tuple[UUID, int, str]]) -> str:
    """What is wrong with a root, given the one before it and its leaves; empty when nothing is."""
    if root.previous != previous:
        return "does not follow from the root before it"
    tree = tree_of(root.day, root.previous, ends)
    if len(tree.levels[0]) != root.size:
        return f"was made of {root.size} leaves, not of {len(tree.levels[0])}"
    return "" if tree.root == root.root else "is not what its leaves give"


def differing(here: Mapping[date, str], kept: Mapping[date, str]) -> tuple[date, str] | None:
    """The first day whose root is not the one that was kept elsewhere, and what is wrong with it."""
    for day in sorted(kept):
        if day not in here:
            return day, "is missing here"
        if here[day] != kept[day]:
            return day, "is another one here"
    return None


def of_day(day: date, at: datetime, previous: str, tree: Tree) -> Root:
    """The root of ``tree``."""
    return Root(day=day, at=at, size=len(tree.levels[0]), previous=previous, root=tree.root)
