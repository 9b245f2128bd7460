"""Time: what happens when a clock of a case has something to say."""

from datetime import datetime
from typing import Any

from services.sla.domain import dispatch, working
from services.sla.domain.case import Case
from services.sla.domain.clocks import Clock, Timekeeper, clock_fact
from shared import messages as say
from shared.messages import Message

SILENCE = "silence"
TIME = "time"


def call_clocks(case: Case, at: datetime, keeper: Timekeeper) -> list[Message]:
    """Let every clock speak that is due by ``at``; after an outage the missed reminders collapse into the latest."""
    due = [clock for clock in case.clocks if clock.next_at is not None and clock.next_at <= at]
    return [said for clock in sorted(due, key=lambda clock: clock.due_at) for said in _call(case, clock, at, keeper)]


def _call(case: Case, clock: Clock, at: datetime, keeper: Timekeeper) -> list[Message]:
    first = clock.step
    while clock.next_at is not None and clock.next_at <= at:
        clock.step += 1
        clock.next_at = keeper.speaks_at(clock)
    if clock.name == "objection":
        return _close(case, clock, at)
    if clock.name == "pause":
        return working.resume(case, keeper, actor=TIME, at=at)
    last = clock.step - 1
    if clock.name == "take_up" and keeper.share(last) is None:
        return working.take_up(case, SILENCE, at, silent=True)
    steps = [step for step in range(first, clock.step) if keeper.escalation_step(step) == 0 or step == last]
    return [said for step in steps for said in _speak(case, clock, at, keeper, step)]


def _close(case: Case, clock: Clock, at: datetime) -> list[Message]:
    clock.stop(at)
    case.move("close", actor=SILENCE, at=at)
    return [say.CaseClosed(**case.head(at))]


def _speak(case: Case, clock: Clock, at: datetime, keeper: Timekeeper, step: int) -> list[Message]:
    share, late = keeper.share(step), keeper.escalation_step(step)
    trigger = "warn" if share else "breach" if late == 0 else "escalate"
    about: dict[str, Any] = {"comment_id": str(clock.comment_id)} if clock.comment_id else {}
    case.record(trigger, actor=TIME, at=at, clock=clock.name, due_at=clock.due_at.isoformat(), **about)
    if trigger == "breach" and clock.name == "resolve":
        case.expect_progress(keeper, at)
    head = {**case.head(at), "clock": clock.name, "due_at": clock.due_at, "urgent": case.urgent}
    return [clock_fact(head, share, late), *dispatch.reminder(case, clock, at, keeper, overdue=not share)]
