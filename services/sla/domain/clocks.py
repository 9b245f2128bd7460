"""Clocks: how long something may take, and who is told when it takes longer. A clock is a row with the moment it next speaks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Literal
from uuid import UUID

from services.sla.domain.calendar import Calendar
from shared.messages import ClockBreached, ClockEscalated, ClockWarned, Message
from shared.province import Agency, Allowance, ClockName, Emergency, Province

Name = ClockName | Literal["pause"]

AT_ITS_END_ONLY = frozenset({"objection", "pause"})  # nobody is reminded of a reporter's time


@dataclass(kw_only=True, eq=False)
class Clock:
    """``step`` counts how often it spoke; ``next_at`` is None once it is stopped or has nothing more to say. ``remind_at``: its holder
    is to be reminded then, together with everything else it is to be reminded of."""

    id: UUID
    report_id: UUID
    name: Name
    started_at: datetime
    due_at: datetime
    next_at: datetime | None
    step: int = 0
    stopped_at: datetime | None = None
    remind_at: datetime | None = None
    comment_id: UUID | None = None

    @property
    def running(self) -> bool:
        return self.stopped_at is None

    def stop(self, at: datetime) -> None:
        """For good; a clock that should run again is a new clock."""
        self.stopped_at, self.next_at, self.remind_at = at, None, None


@dataclass(frozen=True, kw_only=True)
class Timekeeper:
    """One version of a province's rules about time, with the calendar they are counted in.

    ``hours``: calendars of the agencies that keep hours of their own, for what only they are held to. ``latest``: the province in force,
    where that is another version: agencies founded since can be given a case.
    """

    version: int
    province: Province
    calendar: Calendar
    hours: Mapping[str, Calendar] = field(default_factory=dict)
    latest: Province | None = None

    @property
    def agencies(self) -> Mapping[str, Agency]:
        """Those that can be named now."""
        return (self.latest or self.province).agencies

    def due(self, allowance: Allowance, start: datetime, *, agency: str = "") -> datetime:
        """When ``allowance`` is used up, in the hours of ``agency``. A working day is a usual day's opening hours."""
        if allowance.time == "wall":
            return start + allowance.wall_time
        return self.hours.get(agency, self.calendar).add(start, self.working(allowance))

    def working(self, allowance: Allowance) -> timedelta:
        """The working time an allowance stands for."""
        return self.calendar.day * allowance.amount if allowance.unit == "days" else allowance.wall_time

    def allowance(self, name: ClockName, *, sla_class: str = "", urgent: bool = False, unclear: bool = False) -> Allowance:
        """What the policy gives for ``name``."""
        return self.province.policy.allowance(name, sla_class=sla_class, urgent=urgent, unclear=unclear)

    def resolution(self, sla_class: str, emergency: Emergency | None) -> Allowance:
        """The time to resolve, longer under an order of emergency (whole units, rounded up)."""
        usual = self.allowance("resolve", sla_class=sla_class)
        return usual.model_copy(update={"amount": ceil(usual.amount * emergency.percent / 100)}) if emergency else usual

    def emergency(self, *, category: str, area: str, urgent: bool, at: datetime) -> Emergency | None:
        """The order that a report received ``at`` falls under; urgent ones never do."""
        orders = () if urgent else self.province.policy.emergencies
        return next((order for order in orders if order.covers(category=category, area=area, at=at)), None)

    def clock(
        self, id: UUID, name: Name, report_id: UUID, at: datetime, due_at: datetime, comment_id: UUID | None = None, *, step: int = 0
    ) -> Clock:
        """A clock that runs from ``at`` to ``due_at``."""
        clock = Clock(id=id, report_id=report_id, name=name, started_at=at, due_at=due_at, next_at=None, step=step, comment_id=comment_id)
        clock.next_at = self.speaks_at(clock)
        return clock

    def speaks_at(self, clock: Clock) -> datetime | None:
        """When ``clock`` speaks next: at each share of its time, at its end, then at each step of the escalation."""
        if clock.name in AT_ITS_END_ONLY:
            return None if clock.step else clock.due_at
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

    def next_half_day(self, at: datetime, agency: str) -> datetime:
        """When the working hours of ``agency`` begin next: in the morning, or after the break at noon."""
        return self.hours.get(agency, self.calendar).next_half_day(at)

    def share(self, step: int) -> float | None:
        """The share of its time that a clock has used when it speaks for the ``step``-th time (from 0); None once all is used."""
        shares = self.province.policy.reminders_percent
        return shares[step] / 100 if step < len(shares) else None

    def escalation_step(self, step: int) -> int:
        """0 at the breach itself, then the step of the ladder, from 1."""
        return step - len(self.province.policy.reminders_percent)


def clock_fact(head: dict[str, Any], share: float | None, step: int) -> Message:
    """What a clock says: a warning at ``share`` of its time, then its breach, then the steps of the escalation."""
    if share:
        return ClockWarned(**head, share=share)
    return ClockBreached(**head) if step == 0 else ClockEscalated(**head, step=step)
