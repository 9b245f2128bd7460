"""How long things may take in a province, when people work there, and what a result must show: one versioned policy."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from shared.messages import Outcome

EVERYWHERE = "*"
Percent = Annotated[int, Field(gt=0, lt=100)]
Source = Literal["public", "proposed"]


class Entry(BaseModel):
    """Unknown fields are typing mistakes in a file; in what a newer release stored they are read over (see ``storage``)."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- working hours ------------------------------------------------------------------------------------------------------


def _written_as_text(value: Any) -> Any:
    """YAML reads an unquoted 11:30 as the number 690."""
    if isinstance(value, int | float):
        raise ValueError('must be a time in quotes, such as "07:30"')
    return value


_AS_TEXT = WithJsonSchema({"type": "string", "pattern": r"^\d\d:\d\d(:\d\d)?$"})  # what JSON Schema calls a time has an offset
TimeOfDay = Annotated[time, BeforeValidator(_written_as_text), _AS_TEXT]


class Span(Entry):
    """Part of a day, ``begin`` inclusive, ``end`` exclusive."""

    begin: TimeOfDay
    end: TimeOfDay

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.begin >= self.end:
            raise ValueError(f"begins at {self.begin:%H:%M} but ends at {self.end:%H:%M}")
        return self


class WorkingHours(Entry):
    """``weekdays`` as ISO numbers: 1 Monday to 7 Sunday. ``spans`` in order and apart: no minute counts twice."""

    weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = Field(min_length=1)
    spans: tuple[Span, ...] = Field(min_length=1, max_length=12)

    @model_validator(mode="after")
    def _apart(self) -> Self:
        for one, other in pairwise(self.spans):
            if other.begin < one.end:
                raise ValueError(f"the span from {other.begin:%H:%M} begins before the one until {one.end:%H:%M} is over")
        return self


class Allowance(Entry):
    """So much ``time``: ``working`` counts working hours and working days only, ``wall`` every minute and every day."""

    amount: int = Field(gt=0)
    unit: Literal["minutes", "hours", "days"]
    time: Literal["working", "wall"]

    @property
    def wall_time(self) -> timedelta:
        """The length in plain time; for working days it has no meaning, ask the calendar."""
        return timedelta(**{self.unit: self.amount})


class Clock(Entry):
    """``urgent`` and ``unclear`` are for those cases, where they differ. Without ``normal`` the class of the case decides."""

    normal: Allowance | None = None
    urgent: Allowance | None = None
    unclear: Allowance | None = None


class Escalation(Entry):
    """A breach is told to ``to``, ``after`` so much time (at once when None): head of the agency, operations centre, provincial office."""

    to: Literal["agency", "centre", "arbiter"]
    after: Allowance | None = None


class Holidays(Entry):
    """``country`` as the ``holidays`` library names it; the days listed here win over it."""

    country: str
    closed_days: tuple[date, ...] = ()
    worked_days: tuple[date, ...] = ()


ClockName = Literal["route", "take_up", "resolve", "approve", "answer", "progress", "objection"]
Clocks = Annotated[dict[ClockName, Clock], Field(min_length=7)]


class Emergency(Entry):
    """Ordered in writing ("lệnh", by its number ``order``), as before a typhoon: reports received in its time and scope that are not urgent
    have ``percent`` of the usual time. It ends by itself, is marked in scorecards, and never moves a deadline that already runs."""

    order: Annotated[str, Field(min_length=3)]
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    categories: tuple[str, ...] | Literal["*"] = "*"
    areas: tuple[str, ...] | Literal["*"] = "*"
    percent: int = Field(gt=100, le=1000)

    def covers(self, *, category: str, area: str, at: datetime) -> bool:
        """Whether a report of ``category`` in ``area`` received ``at`` falls under it."""
        scope = (self.categories == EVERYWHERE or category in self.categories) and (self.areas == EVERYWHERE or area in self.areas)
        return scope and self.starts_at <= at < self.ends_at


class Duplicates(Entry):
    """Which reports of one category may be about the same thing: open ones within so many ``metres`` and ``days``, alike by so many
    ``percent`` of nearness and words. Fewer ``percent`` offer more that is something else."""

    metres: int = Field(100, gt=0, le=2000)
    days: int = Field(30, gt=0, le=365)
    percent: Percent = 45

    @property
    def within(self) -> timedelta:
        """The days as a span."""
        return timedelta(days=self.days)


class Policy(Entry):
    """How long things may take. A case keeps the version it was opened under. ``evidence``: outcomes that need a photo of the result."""

    effective_from: date
    source: Source = "proposed"
    classes: dict[Annotated[str, Field(pattern=r"^[A-Z][0-9]{1,2}$")], Allowance]
    urgent_class: str
    clocks: Clocks
    reminders_percent: tuple[Percent, ...]
    escalation: tuple[Escalation, ...]
    pause_limit: Allowance
    extensions: int = Field(ge=0, description="how often a case may be extended, each time by its original allowance at the most")
    bounces: int = Field(ge=1, description="the return that sends a report to the operations centre")
    automatic_approval: bool = False
    evidence: tuple[Outcome, ...] = ()
    emergencies: tuple[Emergency, ...] = ()
    duplicates: Duplicates = Duplicates()
    working_hours: WorkingHours
    holidays: Holidays

    def allowance(self, clock: ClockName, *, sla_class: str, urgent: bool = False, unclear: bool = False) -> Allowance:
        """What ``clock`` allows a case of ``sla_class``. Raises :class:`KeyError` for a class the policy does not have."""
        rule = self.clocks[clock]
        special = (urgent and rule.urgent) or (unclear and rule.unclear) or rule.normal
        return special or self.classes[sla_class]
