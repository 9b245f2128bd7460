"""A case: the debt of an answer. Each method decides, records what happened, and returns what there is to say."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from services.sla.domain import dispatch
from services.sla.domain.clocks import Clock, Timekeeper, clock_fact
from services.sla.domain.history import GENESIS, Move, seal
from services.sla.domain.lifecycle import OPEN, State, after
from shared import messages as say
from shared.errors import Forbidden, NotFound, Refused
from shared.messages import Message, Outcome
from shared.province.data import Allowance, ClockName

SILENCE = "silence"
TIME = "time"


@dataclass(kw_only=True, eq=False)
class Case:
    """``agency`` holds it now (the operations centre until it is routed). ``version`` counts its history; ``moved`` is the version
    of its last change of state or holder: a request that saw less is stale. ``due_at`` is the reporter's deadline, counted from
    ``received_at``; it stays when the case changes hands."""

    report_id: UUID
    tracking_code: str
    category: str
    report: dict[str, Any]
    received_at: datetime
    urgent: bool
    agency: str
    policy_version: int
    state: State = State.RECEIVED
    hop: int = 0
    version: int = 0
    moved: int = 0
    last_hash: str = GENESIS
    sla_class: str = ""
    due_at: datetime | None = None
    submitted_at: datetime | None = None
    outcome: Outcome | None = None
    answer: str = ""
    on_time: bool | None = None
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
            report=received.model_dump(mode="json", include={"description", "location", "attributes", "portal"}),
            received_at=received.at,
            urgent=received.urgent,
            agency=keeper.province.centre,
            policy_version=keeper.version,
        )
        case._record("receive", actor=f"portal:{received.portal}", at=received.at)
        case._start("route", keeper.allowance("route"), keeper, received.at)
        opened = say.CaseOpened(**case._head(received.at), tracking_code=case.tracking_code, category=case.category)
        return case, [opened]

    # --- routing ---------------------------------------------------------------------------------------------------

    def route(self, routed: say.ReportRouted, keeper: Timekeeper, *, actor: str, at: datetime) -> list[Message]:
        """The case gets a (new) holder, whose clocks start ``at`` the moment it is told.

        From work in hand it is a transfer: custody moves, the reporter's deadline stays.
        """
        before = self.agency if self.state != State.RECEIVED else ""
        self._move("route", actor=actor, at=at, agency=routed.agency, rule=routed.rule, hop=routed.hop)
        self.agency, self.hop, self.explanation = routed.agency, routed.hop, routed.explanation
        self.sla_class, self.urgent, self.supporting = routed.sla_class, routed.urgent, list(routed.supporting)
        self._stop("route", at)
        self._stop("take_up", at)
        take_up = self._start("take_up", keeper.allowance("take_up", urgent=self.urgent), keeper, at)
        self._start_resolve(keeper)
        assigned = say.CaseAssigned(**self._head(at), due_at=self._due, hop=self.hop)
        moved_away = [dispatch.transfer(self, at, before=before)] if before not in {"", self.agency} else []
        return [assigned, *moved_away, dispatch.assignment(self, at, keeper, take_up_by=take_up.due_at)]

    def route_by_hand(self, request: say.RouteReport, keeper: Timekeeper) -> list[Message]:
        """The operations centre names the agency, with its reason."""
        self._check_fresh(request)
        if request.agency not in keeper.province.agencies:
            raise NotFound(f"no agency has the code {request.agency!r}", code="no_such_agency")
        routed = dispatch.by_hand(self, request, keeper)
        return self.route(routed, keeper, actor=request.actor, at=request.at)

    def wait_for_triage(self, at: datetime, keeper: Timekeeper, *, explanation: str) -> list[Message]:
        """Nobody could be named: the operations centre has the longer time of unclear competence to route it."""
        self.explanation = explanation
        self._record("triage", actor="routing", at=at, explanation=explanation)
        self._stop("route", at)
        self._start("route", keeper.allowance("route", unclear=True), keeper, at)
        return []

    def give_back(self, request: say.ReturnCase, keeper: Timekeeper) -> list[Message]:
        """Not ours: with a reason and, best, who else. The centre holds it until it is routed again."""
        self._check_holder(request)
        returned = say.CaseReturned(
            **self._moved("return", request, reason=request.reason, proposed=request.proposed_agency),
            reason=request.reason,
            proposed_agency=request.proposed_agency,
            hop=self.hop,
        )
        self._stop("take_up", request.at)
        self.agency = keeper.province.centre
        self._start("route", keeper.allowance("route", unclear=True), keeper, request.at)
        return [returned]

    # --- work --------------------------------------------------------------------------------------------------------

    def accept(self, request: say.Request) -> list[Message]:
        """The agency takes it up."""
        self._check_holder(request)
        return self._accept(request.actor, request.at, silent=False)

    def submit(self, request: say.SubmitResult, keeper: Timekeeper) -> list[Message]:
        """The resolve clock stops at this moment, void if the result is sent back. Handing in a result also takes the case up."""
        self._check_holder(request)
        accepted = self._accept(request.actor, request.at, silent=False) if self.state == State.ROUTED else []
        head = self._moved("submit", request, outcome=request.outcome, answer=request.answer)
        self.submitted_at, self.outcome, self.answer = request.at, request.outcome, request.answer
        self._stop("resolve", request.at)
        self._stop("progress", request.at)
        self._start("approve", keeper.allowance("approve"), keeper, request.at)
        return [*accepted, say.CaseSubmitted(**head, outcome=request.outcome, answer=request.answer)]

    def report_progress(self, request: say.ReportProgress) -> list[Message]:
        """Word for the reporter while the work goes on."""
        self._check_holder(request)
        if self.state not in OPEN:
            raise Refused(f"a case that is {self.state} has no progress to report", code="illegal_move")
        self._record("report_progress", actor=request.actor, at=request.at, text=request.text)
        return [say.CaseProgressed(**self._head(request.at), text=request.text, expected_on=request.expected_on)]

    # --- the operations centre -----------------------------------------------------------------------------------------

    def approve(self, request: say.ApproveResult, keeper: Timekeeper) -> list[Message]:
        """The answer goes to the reporter; whether it was on time counts from when it was handed in."""
        head = self._moved("approve", request)
        assert self.submitted_at
        assert self.outcome
        self._stop("approve", request.at)
        self._start("objection", keeper.allowance("objection"), keeper, request.at)
        self.on_time = self.submitted_at <= self._due
        said = {"outcome": self.outcome, "answer": self.answer, "submitted_at": self.submitted_at}
        return [say.CaseResolved(**head, **said, due_at=self._due, on_time=self.on_time)]

    def send_back(self, request: say.SendBackResult, keeper: Timekeeper) -> list[Message]:
        """The submission is void: the resolve clock runs on to the same deadline as if it had never stopped."""
        head = self._moved("send_back", request, reason=request.reason)
        self.submitted_at, self.outcome, self.answer = None, None, ""
        self._stop("approve", request.at)
        self._start_resolve(keeper)
        return [say.CaseSentBack(**head, reason=request.reason), dispatch.assignment(self, request.at, keeper, take_up_by=request.at)]

    def refuse(self, request: say.RefuseReport) -> list[Message]:
        """Not for this system: with a reason and where to go instead."""
        head = self._moved("refuse", request, reason_code=request.reason_code, reason=request.reason)
        self._stop_all(request.at)
        refused = say.CaseRefused(**head, reason_code=request.reason_code, reason=request.reason, redirect=request.redirect)
        return [refused, *dispatch.withdrawal(self, request.at, request.reason)]

    def cancel(self, *, actor: str, at: datetime, reason: str) -> list[Message]:
        """By the reporter or the centre, while it is open."""
        self._move("cancel", actor=actor, at=at, reason=reason)
        self._stop_all(at)
        return [say.CaseCancelled(**self._head(at), reason=reason), *dispatch.withdrawal(self, at, reason)]

    def hear(self, comment: say.ReportCommented, keeper: Timekeeper) -> list[Message]:
        """Each message of the reporter starts its own answer clock, in any state: it must be answered within a day."""
        self._record("comment", actor="reporter", at=comment.at, comment_id=str(comment.comment_id))
        clock = self._start("answer", keeper.allowance("answer"), keeper, comment.at, comment_id=comment.comment_id)
        return dispatch.comment(self, comment, due_at=clock.due_at)

    def answer_comment(self, request: say.AnswerReporter) -> list[Message]:
        """Only an answer to that message meets its clock."""
        self._check_holder(request)
        clock = next((clock for clock in self.clocks if clock.comment_id == request.comment_id and clock.running), None)
        if clock is None:
            raise NotFound("no message by that comment_id waits for an answer on this case", code="no_such_comment")
        clock.stop(request.at)
        self._record("answer", actor=request.actor, at=request.at, comment_id=str(request.comment_id), answer=request.answer)
        on_time = request.at <= clock.due_at
        return [say.CaseAnswered(**self._head(request.at), comment_id=request.comment_id, answer=request.answer, on_time=on_time)]

    def call_clocks(self, at: datetime, keeper: Timekeeper) -> list[Message]:
        """Let every clock speak that is due by ``at``; after an outage the missed reminders collapse into the latest."""
        due = [clock for clock in self.clocks if clock.next_at is not None and clock.next_at <= at]
        return [said for clock in sorted(due, key=lambda clock: clock.due_at) for said in self._call(clock, at, keeper)]

    def _call(self, clock: Clock, at: datetime, keeper: Timekeeper) -> list[Message]:
        steps = []
        while clock.next_at is not None and clock.next_at <= at:
            steps.append((keeper.share(clock), keeper.escalation_step(clock)))
            clock.step += 1
            clock.next_at = keeper.speaks_at(clock)
        if steps[-1][0] is None and clock.name == "take_up":
            return self._accept(SILENCE, at, silent=True)
        if clock.name == "objection":
            return self._close(clock, at) if steps[-1][0] is None else []
        told = [step for step in steps if step[1] == 0 or step is steps[-1]]
        return [said for share, step in told for said in self._speak(clock, at, share, step)]

    def _close(self, clock: Clock, at: datetime) -> list[Message]:
        clock.stop(at)
        self._move("close", actor=SILENCE, at=at)
        return [say.CaseClosed(**self._head(at))]

    def _speak(self, clock: Clock, at: datetime, share: float | None, step: int) -> list[Message]:
        trigger = "warn" if share else "breach" if step == 0 else "escalate"
        self._record(trigger, actor=TIME, at=at, clock=clock.name, due_at=clock.due_at.isoformat())
        head = {**self._head(at), "clock": clock.name, "due_at": clock.due_at}
        return [clock_fact(head, share, step), *dispatch.reminder(self, clock, at, overdue=not share)]

    def _accept(self, actor: str, at: datetime, *, silent: bool) -> list[Message]:
        self._move("accept", actor=actor, at=at)
        self._stop("take_up", at)
        return [say.CaseAccepted(**self._head(at), due_at=self._due, silent=silent)]

    def _check_holder(self, request: say.Request) -> None:
        if request.actor != f"agency:{self.agency}":
            raise Forbidden(f"this case is with {self.agency}, not with you", code="not_your_case")
        self._check_fresh(request)

    def _check_fresh(self, request: say.Request) -> None:
        if request.version is not None and request.version < self.moved:
            raise Refused(f"you saw version {request.version}; the case moved on at version {self.moved}: read it again", code="stale")

    def _moved(self, trigger: str, request: say.Request, **data: Any) -> dict[str, Any]:
        """Move by ``request``, and the fields every fact about the case begins with."""
        self._check_fresh(request)
        holder = self.agency
        self._move(trigger, actor=request.actor, at=request.at, **data)
        return {**self._head(request.at), "agency": holder}

    def _move(self, trigger: str, *, actor: str, at: datetime, **data: Any) -> None:
        target = after(trigger, self.state)
        self._record(trigger, actor=actor, at=at, target=target, **data)
        self.state, self.moved = target, self.version

    def _record(self, trigger: str, *, actor: str, at: datetime, target: State | None = None, **data: Any) -> None:
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

    def _head(self, at: datetime) -> dict[str, Any]:
        return {"report_id": self.report_id, "at": at, "version": self.version, "agency": self.agency}

    def _start(self, name: ClockName, allowance: Allowance, keeper: Timekeeper, at: datetime, *, comment_id: UUID | None = None) -> Clock:
        id_ = uuid5(self.report_id, f"clock {len(self.clocks)}")
        clock = keeper.clock(name, allowance, id=id_, report_id=self.report_id, at=at, comment_id=comment_id)
        self.clocks.append(clock)
        return clock

    def _start_resolve(self, keeper: Timekeeper) -> None:
        """Unless it runs. It counts from ``received_at``, however often it is started, to the deadline once given."""
        if any(self._running("resolve")):
            return
        clock = self._start("resolve", keeper.allowance("resolve", sla_class=self.sla_class), keeper, self.received_at)
        self.due_at = clock.due_at = self.due_at or clock.due_at
        clock.next_at = keeper.speaks_at(clock)

    @property
    def _due(self) -> datetime:
        assert self.due_at is not None, "a case that was routed has a deadline"
        return self.due_at

    def _running(self, name: ClockName) -> Iterable[Clock]:
        return (clock for clock in self.clocks if clock.name == name and clock.running)

    def _stop(self, name: ClockName, at: datetime) -> None:
        for clock in self._running(name):
            clock.stop(at)

    def _stop_all(self, at: datetime) -> None:
        for clock in self.clocks:
            if clock.running and clock.name != "answer":
                clock.stop(at)
