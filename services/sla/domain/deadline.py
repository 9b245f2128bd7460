"""How the reporter's deadline came to be and what is left of it. Read from the history: what was decided, not what would be today."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.sla.domain.case import Case
from services.sla.domain.clocks import Timekeeper
from services.sla.domain.custody import ENDED, Row
from services.sla.domain.lifecycle import State
from shared.province import Allowance, Emergency

GRANTED, RENEWED, MOVED = frozenset({"route"}), frozenset({"object", "reopen"}), frozenset({"resume", "extend"})
HANDED_IN = ENDED | {State.SUBMITTED, State.RESOLVED}  # whose result counts until it is sent back, or the case opened again
Measure = Callable[[datetime, datetime], timedelta]


@dataclass(frozen=True, kw_only=True)
class Step:
    """What set the deadline to ``due_at`` or moved it there: the ``trigger`` of its row in the history, and when. ``since`` is from when
    the time was counted; ``added`` is the time of its class, or what the step added (less than none when it took some away)."""

    trigger: str
    at: datetime
    since: datetime
    due_at: datetime
    added: timedelta
    sla_class: str
    reason: str

    @property
    def grants(self) -> bool:
        """Whether it counts the time of a class from its beginning, rather than moving a deadline there is."""
        return self.trigger not in MOVED


@dataclass(frozen=True, kw_only=True)
class Pause:
    """The reporter was asked; ``ends`` is None while the answer is waited for. ``length`` in the time that counts."""

    begins: datetime
    ends: datetime | None
    length: timedelta


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """``used`` and ``left`` (less than none once overdue) are as of the moment asked about, or of when the clock stopped before it:
    together they are what was granted and added since. ``emergency`` is the order the case is under."""

    starts_at: datetime
    due_at: datetime
    sla_class: str
    allowance: Allowance
    emergency: Emergency | None
    steps: list[Step]
    pauses: list[Pause]
    used: timedelta
    left: timedelta

    @property
    def on_the_wall(self) -> bool:
        """Whether every minute counts, nights and days off included."""
        return self.allowance.time == "wall"


def deadline_of(case: Case, moves: Sequence[Row], keeper: Timekeeper, at: datetime) -> Deadline | None:
    """None as long as the case was never routed."""
    steps = _steps(case, moves, keeper)
    if not steps:
        return None
    first = max(n for n, step in enumerate(steps) if step.grants)
    granted, measure = steps[first], measure_of(keeper, steps[first].sla_class)
    emergency = _emergency(case, keeper) if granted.trigger in GRANTED else None
    left = measure(_counted_until(case, moves, at), steps[-1].due_at)
    return Deadline(
        starts_at=granted.since,
        due_at=steps[-1].due_at,
        sla_class=granted.sla_class,
        allowance=keeper.resolution(granted.sla_class, emergency),
        emergency=emergency,
        steps=steps,
        pauses=_pauses(moves, measure, at),
        used=sum((step.added for step in steps[first:]), timedelta(0)) - left,
        left=left,
    )


def _steps(case: Case, moves: Sequence[Row], keeper: Timekeeper) -> list[Step]:
    """Each change of the deadline; a routing that left it where it was is none."""
    steps: list[Step] = []
    current = ""
    for move in moves:
        current = str(move.data.get("sla_class", current))
        if move.trigger not in GRANTED | RENEWED | MOVED:
            continue
        due_at = datetime.fromisoformat(move.data["due_at"])
        if not steps or due_at != steps[-1].due_at:
            steps.append(_step(case, move, due_at, current, steps[-1] if steps else None, keeper))
    return steps


def _step(case: Case, move: Row, due_at: datetime, current: str, last: Step | None, keeper: Timekeeper) -> Step:
    moved = last if move.trigger in MOVED else None
    sla_class = moved.sla_class if moved else current
    since = moved.due_at if moved else (case.received_at if move.trigger in GRANTED else move.at)
    return Step(
        trigger=move.trigger,
        at=move.at,
        since=since,
        due_at=due_at,
        added=measure_of(keeper, sla_class)(since, due_at),
        sla_class=sla_class,
        reason=str(move.data.get("reason", "")),
    )


def measure_of(keeper: Timekeeper, sla_class: str) -> Measure:
    """How long it is from one moment to another, in the time that counts for the class."""
    on_the_wall = keeper.allowance("resolve", sla_class=sla_class).time == "wall"
    return (lambda since, until: until - since) if on_the_wall else keeper.calendar.between


def _emergency(case: Case, keeper: Timekeeper) -> Emergency | None:
    return next((order for order in keeper.province.policy.emergencies if order.order == case.emergency), None)


def _counted_until(case: Case, moves: Sequence[Row], at: datetime) -> datetime:
    """When the clock stopped: at the result, at a question asked in time, at the end; ``at`` while it runs."""
    if case.submitted_at and case.state in HANDED_IN:
        return case.submitted_at
    if case.state == State.WAITING and case.paused_at and not case.is_overdue(case.paused_at):
        return case.paused_at
    return _entered(moves, case.state) if case.state in ENDED else at


def _entered(moves: Sequence[Row], state: State) -> datetime:
    """When the last row that has ``state`` for the first time was written."""
    before = [n for n, move in enumerate(moves) if move.target != state]
    return moves[before[-1] + 1 if before else 0].at


def _pauses(moves: Sequence[Row], measure: Measure, at: datetime) -> list[Pause]:
    pauses: list[Pause] = []
    asked: datetime | None = None
    for move in moves:
        if asked is None and move.target == State.WAITING:
            asked = move.at
        elif asked is not None and move.target != State.WAITING:
            pauses.append(Pause(begins=asked, ends=move.at, length=measure(asked, move.at)))
            asked = None
    return pauses if asked is None else [*pauses, Pause(begins=asked, ends=None, length=measure(asked, max(at, asked)))]
