"""A case: the debt of an answer. What it knows, and the few moves all decisions about it are made of.

The decisions are in the files beside this one, by who makes them: ``assigning`` (routing and returns), ``working`` (the agency),
``deciding`` (the operations centre), ``merging`` (the centre, about duplicates), ``hearing`` (the reporter), ``alarms`` (time).
Each takes the case, what was asked, and the timekeeper; it changes the case, records that, and returns what there is to say.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from services.sla.domain.clocks import Clock, Name, Timekeeper
from services.sla.domain.history import GENESIS, Move, seal
from services.sla.domain.lifecycle import State, after
from shared import messages as say
from shared.errors import Forbidden, Refused
from shared.messages import Message, Outcome
from shared.province import Allowance


class Stale(Refused):
    """Decided on what is no longer so: to be read and decided again. Over HTTP a precondition that failed (RFC 9110, 15.5.13)."""

    status = 412
    code = "stale"


@dataclass(kw_only=True, eq=False)
class Case:
    """``agency`` holds it now (the operations centre until it is routed). ``version`` counts its history; ``moved`` is the version
    of its last change of state or holder: a request that saw less is stale. ``due_at`` is the reporter's deadline, counted from
    ``received_at``; it stays when the case changes hands. ``promised_at`` is the deadline first given, ``paused_seconds`` the working time
    spent waiting for the reporter, ``first_on_time`` what a re-opened case had before, ``emergency`` the number of the order it is under,
    ``assigned`` the version under which its agency was last given the work, ``answer_by`` when the first of the reporter's messages must be
    answered that are not.
    """

    report_id: UUID
    tracking_code: str
    category: str
    area: str = ""
    report: dict[str, Any]
    received_at: datetime
    urgent: bool
    agency: str
    policy_version: int
    state: State = State.RECEIVED
    hop: int = 0
    bounces: int = 0
    version: int = 0
    moved: int = 0
    last_hash: str = GENESIS
    sla_class: str = ""
    emergency: str = ""
    due_at: datetime | None = None
    promised_at: datetime | None = None
    extensions: int = 0
    paused_at: datetime | None = None
    paused_seconds: int = 0
    submitted_at: datetime | None = None
    outcome: Outcome | None = None
    answer: str = ""
    evidence: list[str] = field(default_factory=list)
    on_time: bool | None = None
    objections: int = 0
    first_on_time: bool | None = None
    leader_id: UUID | None = None
    followers: int = 0
    answer_by: datetime | None = None
    assigned: int = 0
    supporting: list[str] = field(default_factory=list)
    explanation: str = ""
    clocks: list[Clock] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)

    @classmethod
    def open(cls, received: say.ReportReceived, keeper: Timekeeper) -> "tuple[Case, list[Message]]":
        """The operations centre holds it until it is routed."""
        case = cls(
            report_id=received.report_id,
            tracking_code=received.tracking_code,
            category=received.category,
            area=received.location.area,
            report=received.model_dump(mode="json", include={"description", "location", "attributes", "portal", "media"}),
            received_at=received.at,
            urgent=received.urgent,
            agency=keeper.province.centre,
            policy_version=keeper.version,
        )
        first: dict[str, Any] = {"category": case.category, "area": case.area, "urgent": case.urgent, "agency": case.agency}
        case.record("receive", actor=f"portal:{received.portal}", at=received.at, **first)
        case.start("route", keeper.allowance("route"), keeper, received.at)
        opened = say.CaseOpened(**case.head(received.at), tracking_code=case.tracking_code, category=case.category)
        return case, [opened]

    # --- what may not be done -----------------------------------------------------------------------------------------

    def check_holder(self, request: say.Request) -> None:
        """Only who holds the case may ask this. Raises :class:`Forbidden` or :class:`Stale`."""
        if request.actor != f"agency:{self.agency}":
            raise Forbidden(f"this case is with {self.agency}, not with you", code="not_your_case")
        self.check_fresh(request)

    def check_fresh(self, request: say.Request) -> None:
        """Raises :class:`Stale` when the asker saw the case as it was before its last move, or as it never was."""
        if request.version is not None and not self.moved <= request.version <= self.version:
            raise Stale(f"you saw version {request.version}; the case last moved at version {self.moved}: read it again")

    # --- what is recorded -----------------------------------------------------------------------------------------------

    def moved_by(self, trigger: str, request: say.Request, **data: Any) -> dict[str, Any]:
        """Move as ``request`` wants, and the fields every fact about the case begins with."""
        self.check_fresh(request)
        holder = self.agency
        self.move(trigger, actor=request.actor, at=request.at, **data)
        return {**self.head(request.at), "agency": holder}

    def move(self, trigger: str, *, actor: str, at: datetime, **data: Any) -> None:
        """To the state the table of the lifecycle names. Raises :class:`IllegalMove`, and then nothing has changed."""
        target = after(trigger, self.state)
        self.record(trigger, actor=actor, at=at, target=target, **data)
        self.state, self.moved = target, self.version

    def record(self, trigger: str, *, actor: str, at: datetime, target: State | None = None, **data: Any) -> None:
        """One more row of history, sealed to the last. ``data`` is kept as JSON."""
        source = self.state if self.version else ""
        move = seal(
            report_id=self.report_id,
            seq=self.version + 1,
            actor=actor,
            trigger=trigger,
            source=str(source),
            target=str(target or self.state),
            data=data,
            at=at,
            prev_hash=self.last_hash,
        )
        self.moves.append(move)
        self.version, self.last_hash = move.seq, move.hash

    def head(self, at: datetime) -> dict[str, Any]:
        """The fields every fact about the case begins with."""
        return {"report_id": self.report_id, "at": at, "version": self.version, "agency": self.agency}

    # --- clocks -----------------------------------------------------------------------------------------------------------

    @property
    def due(self) -> datetime:
        """The reporter's deadline of a case that was routed."""
        assert self.due_at is not None, "a case that was routed has a deadline"
        return self.due_at

    def is_overdue(self, at: datetime) -> bool:
        """Whether the reporter's deadline has passed by ``at``."""
        return self.due_at is not None and at > self.due_at

    def start(self, name: Name, allowance: Allowance, keeper: Timekeeper, at: datetime, *, comment_id: UUID | None = None) -> Clock:
        """A new clock that runs from ``at``."""
        return self.watch(keeper.clock(self._clock_id(name), name, self.report_id, at, keeper.due(allowance, at), comment_id))

    def start_until(self, name: Name, due_at: datetime, keeper: Timekeeper, at: datetime, *, step: int = 0) -> Clock:
        """A new clock that runs from ``at`` to a moment known already, having spoken ``step`` times."""
        return self.watch(keeper.clock(self._clock_id(name), name, self.report_id, at, due_at, step=step))

    def watch(self, clock: Clock) -> Clock:
        """Keep ``clock`` as one of this case's."""
        self.clocks.append(clock)
        return clock

    def running(self, name: Name) -> Iterable[Clock]:
        """The clocks of that name that are not stopped."""
        return (clock for clock in self.clocks if clock.name == name and clock.running)

    def stop(self, at: datetime, *names: Name) -> None:
        """The clocks of these names, for good."""
        for clock in self.clocks:
            if clock.name in names and clock.running:
                clock.stop(at)

    def expect_answers(self) -> None:
        """By when the first message is to be answered that waits for it, after one came or was answered."""
        self.answer_by = min((clock.due_at for clock in self.running("answer")), default=None)

    def stop_work(self, at: datetime) -> None:
        """Every clock but those of the reporter's messages: they want their answers however the case ended."""
        self.stop(at, "route", "take_up", "resolve", "approve", "progress", "objection", "pause")

    def resume_clock(self, keeper: Timekeeper, at: datetime) -> None:
        """The resolve clock runs (again) to the deadline, and says nothing twice. Once overdue, word of progress is owed too."""
        stopped = (clock for clock in self.clocks if clock.name == "resolve" and clock.stopped_at)
        last = max(stopped, key=lambda clock: clock.stopped_at or at, default=None)
        before = last.step if last else 0
        if not any(self.running("resolve")):
            self.start_until(
                "resolve",
                self.due,
                keeper,
                last.started_at if last else self.received_at,
                step=before if self.is_overdue(at) else min(before, 2),
            )
        if self.is_overdue(at):
            self.expect_progress(keeper, at)

    def expect_progress(self, keeper: Timekeeper, at: datetime) -> None:
        """From now on, every so often, word and a new date."""
        self.stop(at, "progress")
        self.start("progress", keeper.allowance("progress"), keeper, at)

    def move_deadline(self, due_at: datetime, keeper: Timekeeper) -> None:
        """The reporter's deadline, and the clock that runs to it."""
        self.due_at = due_at
        for clock in self.running("resolve"):
            clock.due_at, clock.next_at = due_at, None
            clock.next_at = keeper.speaks_at(clock)

    def worked(self, keeper: Timekeeper, since: datetime, until: datetime) -> timedelta:
        """Working time between the two, none when they are the wrong way round."""
        return max(keeper.calendar.between(since, until), timedelta(0))

    def _clock_id(self, name: Name) -> UUID:
        return uuid5(self.report_id, f"clock {name} {self.version}")
