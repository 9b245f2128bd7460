"""What was known at a moment of the past, read from the rows of all histories in the order of time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from services.sla.domain.clocks import Timekeeper
from services.sla.domain.custody import Row as HeldRow
from services.sla.domain.forecast import AT_RISK, Experience, Kind, Risk, Running, risk, time_taken
from services.sla.domain.lifecycle import State

NOTHING = timedelta(0)


class Row(HeldRow, Protocol):
    """A row of history with the version of the policy its case is under."""

    @property
    def report_id(self) -> UUID: ...
    @property
    def policy_version(self) -> int: ...


@dataclass(slots=True, kw_only=True)
class Known:
    """Of one case, so far. ``finished`` is how long it took, once it was approved."""

    report_id: UUID
    keeper: Timekeeper
    centre: str
    agency: str
    category: str
    begins: datetime
    sla_class: str = ""
    due_at: datetime | None = None
    paused: timedelta = NOTHING
    paused_at: datetime | None = None
    submitted_at: datetime | None = None
    finished: tuple[Kind, timedelta] | None = None
    was_reopened: bool = False

    def note(self, row: Row) -> None:
        """What ``row`` changes."""
        if row.trigger in MOVED:
            self.due_at = datetime.fromisoformat(row.data["due_at"])
        if row.trigger in NOTES:
            NOTES[row.trigger](self, row)

    def kind(self) -> Kind:
        """What it may be compared with."""
        on_the_wall = self.keeper.allowance("resolve", sla_class=self.sla_class).time == "wall"
        return Kind(agency=self.agency, category=self.category, sla_class=self.sla_class, on_the_wall=on_the_wall)

    def running(self, due_at: datetime) -> Running:
        """While its resolve clock runs to ``due_at``."""
        return Running(report_id=self.report_id, kind=self.kind(), begins=self.begins, due_at=due_at, paused=self.paused)

    def _route(self, row: Row) -> None:
        self.agency, self.category, self.sla_class = row.data["agency"], row.data["category"], row.data["sla_class"]

    def _rehome(self, row: Row) -> None:
        self.agency = row.data["agency"]

    def _give_back(self, _row: Row) -> None:
        self.agency = self.centre

    def _ask(self, row: Row) -> None:
        self.paused_at = row.at

    def _resume(self, row: Row) -> None:
        """What is asked after a re-opening is not told apart in ``cases`` from what was asked before: it counts as the agency's time."""
        if self.paused_at and not self.was_reopened:
            self.paused += max(self.keeper.calendar.between(self.paused_at, row.at), NOTHING)

    def _submit(self, row: Row) -> None:
        self.submitted_at = row.at

    def _send_back(self, _row: Row) -> None:
        self.submitted_at = None

    def _approve(self, _row: Row) -> None:
        if self.submitted_at:
            kind = self.kind()
            self.finished = kind, time_taken(kind, self.keeper, self.begins, self.submitted_at, self.paused)

    def _reopen(self, row: Row) -> None:
        self.finished, self.submitted_at, self.was_reopened, self.begins, self.paused = None, None, True, row.at, NOTHING


MOVED = frozenset({"route", "resume", "extend", "object", "reopen"})
NOTES: dict[str, Callable[[Known, Row], None]] = {
    "route": Known._route,
    "rehome": Known._rehome,
    "return": Known._give_back,
    "unmerge": Known._give_back,
    "ask": Known._ask,
    "resume": Known._resume,
    "submit": Known._submit,
    "send_back": Known._send_back,
    "approve": Known._approve,
    "object": Known._reopen,
    "reopen": Known._reopen,
}


class Hindsight:
    """``broken``: every deadline that was called as broken, by case."""

    def __init__(self, keeper_of: Callable[[int], Timekeeper]) -> None:
        self._keeper_of = keeper_of
        self._cases: dict[UUID, Known] = {}
        self._at_risk: dict[UUID, Known] = {}
        self._experience = Experience()
        self.broken: dict[UUID, list[datetime]] = {}

    def read(self, row: Row) -> None:
        """The next row of any history."""
        case = self._cases.get(row.report_id) or self._opened(row)
        before = case.finished
        case.note(row)
        self._learn(before, case.finished)
        self._at_risk.pop(case.report_id, None)
        if State(row.target) in AT_RISK:
            self._at_risk[case.report_id] = case
        if row.trigger == "breach" and row.data["clock"] == "resolve":
            self.broken.setdefault(case.report_id, []).append(datetime.fromisoformat(row.data["due_at"]))

    def risks(self, at: datetime, until: datetime) -> list[Risk]:
        """The forecast as it would have been made ``at``: of the cases due after it and by ``until``."""
        due = ((case, case.due_at) for case in self._at_risk.values() if case.due_at)
        return [risk(case.running(due_at), self._experience, case.keeper, at) for case, due_at in due if at < due_at <= until]

    def _opened(self, row: Row) -> Known:
        centre, keeper = row.data["agency"], self._keeper_of(row.policy_version)
        case = Known(report_id=row.report_id, keeper=keeper, centre=centre, agency=centre, category=row.data["category"], begins=row.at)
        self._cases[row.report_id] = case
        return case

    def _learn(self, before: tuple[Kind, timedelta] | None, after: tuple[Kind, timedelta] | None) -> None:
        if before is after:
            return
        if before:
            self._experience.remove(*before)
        if after:
            self._experience.add(*after)
