"""Clocks: how long something may take, and who is told when it takes longer. A clock is a row with the moment it next speaks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.sla.domain.calendar import Calendar
from shared.messages import ClockBreached, ClockEscalated, ClockWarned, Message
from shared.province.data import Allowance, ClockName, Province


@dataclass(kw_only=True, eq=False)
class Clock:
    """``step`` counts how often it spoke; ``next_at`` is None once it is stopped or has nothing more to say."""

    id: UUID
    report_id: UUID
    name: ClockName
    started_at: datetime
    due_at: datetime
    next_at: datetime | None
    step: int = 0
    stopped_at: datetime | None = None
    comment_id: UUID | None = None

    @property
    def running(self) -> bool:
        return self.stopped_at is None

    def stop(self, at: datetime) -> None:
        """For good; a clock that should run again is a new clock."""
        self.stopped_at, self.next_at = at, None


@dataclass(frozen=True, kw_only=True)
class Timekeeper:
    """One version of a province's rules about time, with the calendar they are counted in."""

    version: int
    province: Province
    calendar: Calendar

    def due(self, allowance: Allowance, start: datetime) -> datetime:
        """When ``allowance`` is used up. A working day is a usual day's opening hours."""
        if allowance.time == "wall":
            return start + allowance.wall_time
        working = self.calendar.day * allowance.amount if allowance.unit == "days" else allowance.wall_time
        return self.calendar.add(start, working)

    def allowance(self, name: ClockName, *, sla_class: str = "", urgent: bool = False, unclear: bool = False) -> Allowance:
        """What the policy gives for ``name``."""
        return self.province.policy.allowance(name, sla_class=sla_class, urgent=urgent, unclear=unclear)

    def clock(
        self, name: ClockName, allowance: Allowance, *, id: UUID, report_id: UUID, at: datetime, comment_id: UUID | None = None
    ) -> Clock:
        """A clock that runs from ``at``."""
        due_at = self.due(allowance, at)
        clock = Clock(id=id, report_id=report_id, name=name, started_at=at, due_at=due_at, next_at=None, comment_id=comment_id)
        clock.next_at = self.speaks_at(clock)
        return clock

    def speaks_at(self, clock: Clock) -> datetime | None:
        """When ``clock`` speaks next: at each share of its time, at its end, then at each step of the escalation."""
        shares, ladder = self.province.policy.reminders_percent, self.province.policy.escalation
        if clock.step < len(shares):
            return clock.started_at + (clock.due_at - clock.started_at) * shares[clock.step] / 100
        late = clock.step - len(shares)
        if late == 0:
            return clock.due_at
        if late > len(ladder):
            return None
        after = ladder[late - 1].after
        return self.due(after, clock.due_at) if after else clock.due_at

    def share(self, clock: Clock) -> float | None:
        """The share of its time that ``clock`` has used when it speaks now; None once all is used."""
        shares = self.province.policy.reminders_percent
        return shares[clock.step] / 100 if clock.step < len(shares) else None

    def escalation_step(self, clock: Clock) -> int:
        """0 at the breach itself, then the step of the ladder, from 1."""
        return clock.step - len(self.province.policy.reminders_percent)


def clock_fact(head: dict[str, Any], share: float | None, step: int) -> Message:
    """What a clock says: a warning at ``share`` of its time, then its breach, then the steps of the escalation."""
    if share:
        return ClockWarned(**head, share=share)
    return ClockBreached(**head) if step == 0 else ClockEscalated(**head, step=step)
