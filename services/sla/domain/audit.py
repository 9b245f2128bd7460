"""Whether a history is as it was written: each row sealed to the one before, none missing, none cut off."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from services.sla.domain.history import GENESIS, Move, seal


@dataclass(frozen=True, kw_only=True)
class Break:
    """The first row of a case's history that is not as it should be. ``code``: missing, unlinked, changed or cut_off."""

    report_id: UUID
    seq: int
    code: str

    def __str__(self) -> str:
        says = {
            "missing": "is missing",
            "unlinked": "does not follow from the row before it",
            "changed": "is not what was written",
            "cut_off": "is missing: the history was cut off",
        }
        return f"report {self.report_id}: row {self.seq} {says[self.code]}"


def breaks(rows: Iterable[Move], ends: Iterable[tuple[UUID, int, str]]) -> Iterator[Break | None]:
    """For each case of ``ends`` (report, its version, its last hash) its first break, or None. Both in the order of report ids."""
    chains = groupby(rows, key=attrgetter("report_id"))
    report_id, chain = next(chains, (None, iter(())))
    for case_id, version, last_hash in ends:
        found: Iterable[Move] = chain if report_id == case_id else ()
        yield _first_break(case_id, found, version, last_hash)
        if report_id == case_id:
            report_id, chain = next(chains, (None, iter(())))


def _first_break(report_id: UUID, rows: Iterable[Move], version: int, last_hash: str) -> Break | None:
    seq, before = 0, GENESIS
    for row in rows:
        seq += 1
        code = _wrong(row, seq, before)
        if code:
            return Break(report_id=report_id, seq=seq, code=code)
        before = row.hash
    if seq < version:
        return Break(report_id=report_id, seq=seq + 1, code="cut_off")
    return None if before == last_hash and seq == version else Break(report_id=report_id, seq=seq, code="changed")


def _wrong(row: Move, seq: int, before: str) -> str:
    if row.seq != seq:
        return "missing"
    if row.prev_hash != before:
        return "unlinked"
    written = seal(
        report_id=row.report_id, seq=row.seq, actor=row.actor, trigger=row.trigger, source=row.source, target=row.target,
        data=row.data, at=row.at, prev_hash=before,
    )  # fmt: skip
    return "" if written.hash == row.hash else "changed"
