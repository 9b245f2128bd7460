"""How long each stage of a case took, read from the clocks that its newest moves stopped."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from services.sla.domain.case import Case
from services.sla.domain.clocks import Clock
from services.sla.domain.history import Move

CLOCK_OF = {"route": "route", "accept": "take_up", "approve": "approve", "answer": "answer"}  # by the move that stops it
STAGES = {"route": "routing", "accept": "taking_up", "submit": "working", "approve": "approving", "answer": "answering"}
IN_HAND_AFTER = frozenset({"take_up", "approve", "objection"})  # clocks whose end gives the case to the agency to work on


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage that ended, of the agency and category the case has now."""

    name: str
    agency: str
    category: str
    begins: datetime
    ends: datetime


def ended(case: Case) -> Iterator[Stage]:
    """What the moves since the case was read brought to an end; what was not begun (a transfer, a second word) is no stage."""
    for move in case.moves:
        begins = _begin(case, move)
        if begins:
            yield Stage(name=STAGES[move.trigger], agency=case.agency, category=case.category, begins=begins, ends=move.at)


def _begin(case: Case, move: Move) -> datetime | None:
    if move.trigger == "submit":
        return _in_hand_since(case, move.at)
    stopped = (clock for clock in case.clocks if clock.name == CLOCK_OF.get(move.trigger) and clock.stopped_at == move.at)
    clock = next((clock for clock in stopped if _is_about(clock, move)), None)
    return _first_of(case, clock) if clock else None


def _is_about(clock: Clock, move: Move) -> bool:
    return clock.comment_id is None or str(clock.comment_id) == move.data.get("comment_id")


def _first_of(case: Case, clock: Clock) -> datetime:
    """Where one clock took over from another of its name, as the longer time of triage does, the stage began with the first."""
    before = next((other for other in case.clocks if other.name == clock.name == "route" and other.stopped_at == clock.started_at), None)
    return _first_of(case, before) if before and before is not clock else clock.started_at


def _in_hand_since(case: Case, at: datetime) -> datetime | None:
    ends = (clock.stopped_at for clock in case.clocks if clock.name in IN_HAND_AFTER and clock.started_at < at)
    return max((end for end in ends if end and end <= at), default=None)
