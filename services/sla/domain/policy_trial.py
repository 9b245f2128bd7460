"""What another policy would change, tried before it is in force: nothing here touches a case."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from services.sla.domain.calendar import Calendar
from services.sla.domain.case import Case
from services.sla.domain.clocks import Timekeeper
from services.sla.domain.closures import Kind
from shared.province import Allowance, Policy

AHEAD = 400  # days in which the next long holiday surely is
HOUR, SAME = timedelta(hours=1), timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Change:
    """``place`` as the keys lead to it: ``classes.S3.amount``. None: it was not there, or is no more."""

    place: str
    before: Any
    after: Any


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What runs out at another time when it begins ``at`` (called ``moment``): ``clock`` of a case that is ``kind`` (a class, or normal,
    urgent, unclear)."""

    clock: str
    kind: str
    moment: str
    at: datetime
    before: datetime | None
    after: datetime | None


@dataclass(kw_only=True)
class Replay:
    """Cases answered before, held to another policy. ``left_out``: their deadline had other causes than class and waiting (an extension,
    a re-opening, another class in between), or their class is gone."""

    looked_at: int = 0
    left_out: int = 0
    on_time_before: int = 0
    on_time_after: int = 0
    now_late: list[UUID] = field(default_factory=list)
    now_on_time: list[UUID] = field(default_factory=list)


def patched(document: Any, patch: Any) -> Any:
    """``document`` changed by ``patch`` as RFC 7396 says: what is given replaces, null removes, lists are replaced whole."""
    if not isinstance(document, Mapping) or not isinstance(patch, Mapping):
        return patch
    merged = {key: patched(document.get(key), value) for key, value in patch.items() if value is not None}
    return {key: value for key, value in document.items() if key not in patch} | merged


def changes(before: Any, after: Any, place: str = "") -> list[Change]:
    """Each place where two documents differ; lists are compared whole."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        keys = dict.fromkeys([*before, *after])
        return [change for key in keys for change in changes(before.get(key), after.get(key), f"{place}.{key}".lstrip("."))]
    return [] if before == after else [Change(place=place, before=before, after=after)]


def policy_changes(before: Policy, after: Policy) -> list[Change]:
    """What is written differently."""
    return changes(before.model_dump(mode="json"), after.model_dump(mode="json"))


# --- new cases --------------------------------------------------------------------------------------------------------


def typical_moments(calendar: Calendar, at: datetime) -> dict[str, datetime]:
    """When reports come, from ``at`` on: as work begins, at night, and an hour before a weekend and before the year's longest holiday."""
    at = at.astimezone(calendar.zone)
    days = [at.date() + timedelta(days=n) for n in range(AHEAD)]
    worked = next(day for day in days if calendar.closed(day) is None)
    moments = {"morning": calendar.next_half_day(at), "night": _on(worked, calendar) + 5 * HOUR}
    eves = {"before_weekend": _eve_of_weekend(days, calendar), "before_longest_holiday": _eve_of_longest(days, calendar)}
    return moments | {name: _on(day, calendar) - HOUR for name, day in eves.items() if day}


def _on(day: date, calendar: Calendar) -> datetime:
    """When work ends that day."""
    return datetime.combine(day, calendar.hours[-1][1], calendar.zone)


def _eve_of_weekend(days: Sequence[date], calendar: Calendar) -> date | None:
    weekend = {Kind.WEEKEND, Kind.REST_DAY}
    pairs = pairwise(days)
    return next((day for day, next_ in pairs if not calendar.closed(day) and (off := calendar.closed(next_)) and off.kind in weekend), None)


def _eve_of_longest(days: Sequence[date], calendar: Calendar) -> date | None:
    """The last day worked before the longest row of days off: in Viet Nam that is Tết."""
    rests: dict[date, int] = {}
    eve: date | None = None
    for day in days:
        if calendar.closed(day) is None:
            eve = day
        elif eve:
            rests[eve] = rests.get(eve, 0) + 1
    return max(rests, key=lambda day: rests[day], default=None)


def differences(before: Timekeeper, after: Timekeeper, moments: Mapping[str, datetime]) -> list[Difference]:
    """Which new cases would have another deadline. ``after`` must be countable."""
    ours, theirs = _allowances(before.province.policy), _allowances(after.province.policy)
    found = [
        Difference(
            clock=clock, kind=kind, moment=name, at=at, before=_due(before, ours.get(key), at), after=_due(after, theirs.get(key), at)
        )
        for key in dict.fromkeys([*ours, *theirs])
        for clock, kind in [key]
        for name, at in moments.items()
    ]
    return [one for one in found if one.before != one.after]


def uncountable(keeper: Timekeeper, moments: Mapping[str, datetime]) -> list[tuple[str, ...]]:
    """The places of allowances that reach beyond the years of the calendar."""
    return [place for place, allowance in _places(keeper.province.policy).items() if not _counts(keeper, allowance, moments)]


def _places(policy: Policy) -> dict[tuple[str, ...], Allowance]:
    clocks = {_place(*key): allowance for key, allowance in _allowances(policy).items()}
    steps: dict[tuple[str, ...], Allowance] = {
        ("escalation", str(n), "after"): step.after for n, step in enumerate(policy.escalation) if step.after
    }
    return {**clocks, **steps, ("pause_limit",): policy.pause_limit}


def _place(clock: str, kind: str) -> tuple[str, ...]:
    return ("classes", kind) if clock == "resolve" else ("clocks", clock, kind)


def _counts(keeper: Timekeeper, allowance: Allowance, moments: Mapping[str, datetime]) -> bool:
    try:
        return all(keeper.due(allowance, at) for at in moments.values())
    except (ValueError, OverflowError):
        return False


def _allowances(policy: Policy) -> dict[tuple[str, str], Allowance]:
    classes = {("resolve", name): policy.allowance("resolve", sla_class=name) for name in policy.classes}
    clocks = {(name, kind): getattr(clock, kind) for name, clock in policy.clocks.items() for kind in ("normal", "urgent", "unclear")}
    return classes | {key: allowance for key, allowance in clocks.items() if allowance and key[0] != "resolve"}


def _due(keeper: Timekeeper, allowance: Allowance | None, at: datetime) -> datetime | None:
    return keeper.due(allowance, at) if allowance else None


# --- closed cases -----------------------------------------------------------------------------------------------------


def replayed(cases: Iterable[Case], kept: Callable[[Case], Timekeeper], after: Timekeeper) -> Replay:
    """How many ``cases`` that were answered would have been on time under ``after`` instead of the policy each ``kept`` to."""
    replay = Replay()
    for case in cases:
        replay.looked_at += 1
        was, would = _deadline(case, kept(case)), _deadline(case, after)
        if would is None or was is None or case.due_at is None or case.submitted_at is None or abs(was - case.due_at) >= SAME:
            replay.left_out += 1
            continue
        _count(replay, case.report_id, case.submitted_at <= case.due_at, case.submitted_at <= would)
    return replay


def _count(replay: Replay, report_id: UUID, was_on_time: bool, would_be: bool) -> None:
    replay.on_time_before += was_on_time
    replay.on_time_after += would_be
    if was_on_time != would_be:
        (replay.now_on_time if would_be else replay.now_late).append(report_id)


def _deadline(case: Case, keeper: Timekeeper) -> datetime | None:
    """What the class gives from receipt, and the working time waited for the reporter; None where the policy has no such class."""
    if case.sla_class not in keeper.province.policy.classes:
        return None
    emergency = keeper.emergency(category=case.category, area=case.area, urgent=case.urgent, at=case.received_at)
    due_at = keeper.due(keeper.resolution(case.sla_class, emergency), case.received_at)
    return keeper.calendar.add(due_at, timedelta(seconds=case.paused_seconds))
