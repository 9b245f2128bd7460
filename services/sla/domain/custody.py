"""Custody: who held a case, from when to when, and how much working time that took of it. Read from its history alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from services.sla.domain.calendar import Calendar
from services.sla.domain.lifecycle import State

REPORTER, NOBODY = "reporter", ""
ENDED = frozenset({State.CLOSED, State.REFUSED, State.CANCELLED, State.MERGED})
OF_THE_CENTRE = frozenset({State.RECEIVED, State.SUBMITTED})  # to be routed, or approved: an agency must not pay for either
OF_THE_REPORTER = frozenset({State.WAITING, State.RESOLVED})  # to be answered, or objected to


class Row(Protocol):
    """What is read of a row of history."""

    @property
    def trigger(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def data(self) -> Mapping[str, Any]: ...
    @property
    def at(self) -> datetime: ...


@dataclass(frozen=True, kw_only=True)
class Stint:
    """``holder`` is an agency's code (the operations centre has one too), ``reporter``, or empty: it was closed or merged, and opened
    again. ``ends`` is None while it goes on."""

    holder: str
    begins: datetime
    ends: datetime | None
    working: timedelta


def stints(moves: Sequence[Row], calendar: Calendar, until: datetime) -> list[Stint]:
    """Without a gap from receipt to the end, or to ``until`` while the case is open: their working times sum to what has passed.

    The time after an answer is the reporter's, the time after the end nobody's; they only count when the case was opened again.
    """
    changes = _changes(moves)
    spans = [(holder, begins, changes[n + 1][1] if n + 1 < len(changes) else None) for n, (holder, begins) in enumerate(changes)]
    if spans and (spans[-1][0] == NOBODY or State(moves[-1].target) == State.RESOLVED):
        spans.pop()
    return [_stint(holder, begins, ends, calendar, until) for holder, begins, ends in spans]


def shares(held: Iterable[Stint]) -> dict[str, timedelta]:
    """The working time each holder took, the reporter left out: nobody is late for the time a reporter took."""
    taken: dict[str, timedelta] = {}
    for stint in held:
        if stint.holder not in {REPORTER, NOBODY}:
            taken[stint.holder] = taken.get(stint.holder, timedelta(0)) + stint.working
    return taken


def _stint(holder: str, begins: datetime, ends: datetime | None, calendar: Calendar, until: datetime) -> Stint:
    working = max(calendar.between(begins, ends or max(until, begins)), timedelta(0))
    return Stint(holder=holder, begins=begins, ends=ends, working=working)


def _changes(moves: Sequence[Row]) -> list[tuple[str, datetime]]:
    """Each change of holder and when. A row is never earlier than the one before it, whatever it states."""
    changes: list[tuple[str, datetime]] = []
    centre = agency = ""
    for move in moves:
        centre = move.data.get("agency", "") if move.trigger == "receive" else centre
        agency = move.data.get("agency", agency) if move.trigger in {"route", "rehome"} else agency
        holder, at = _holder(State(move.target), centre, agency), max([move.at, *(changed for _, changed in changes[-1:])])
        if not changes or changes[-1][0] != holder:
            changes.append((holder, at))
    return changes


def _holder(state: State, centre: str, agency: str) -> str:
    if state in ENDED:
        return NOBODY
    if state in OF_THE_CENTRE:
        return centre
    return REPORTER if state in OF_THE_REPORTER else agency
