"""What a case counts for in the scorecards, read from its history alone: the same history gives the same score, whenever it is read.

A case belongs to the month in which the report was received, for ever: leaving it open over the end of a month, or opening it again later,
changes the figures of that month and no other. It counts for the agency that holds or last held it; returns count for who returned, and
lateness for whoever held the case, by the working time it took of each.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Protocol
from zoneinfo import ZoneInfo

from services.sla.domain.calendar import Calendar
from services.sla.domain.custody import Row as HeldRow
from services.sla.domain.custody import shares, stints
from services.sla.domain.lifecycle import State

FINISHED = frozenset({State.RESOLVED, State.CLOSED})
ENDINGS = {State.REFUSED: "refused", State.CANCELLED: "cancelled", State.MERGED: "merged"}
OUTCOMES = ("on_time", "on_time_extended", "late", "open_in_time", "open_overdue", *ENDINGS.values())  # a case is exactly one of these
WHOLE_LATENESS = 1000


class Row(HeldRow, Protocol):
    """What is read of a row of history, with who did it and from which state."""

    @property
    def actor(self) -> str: ...
    @property
    def source(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Score:
    """One case's share of one agency's figures; all are numbers of cases but ``held_minutes`` (working time), the counts of what happened
    (``returned``, ``reopened``, ``comments``, ``answered_…``) and ``late_thousandths`` (of one late case)."""

    agency: str
    category: str
    area: str
    month: date
    received: int = 0
    taken_up: int = 0
    on_time: int = 0
    on_time_extended: int = 0
    late: int = 0
    open_in_time: int = 0
    open_overdue: int = 0
    refused: int = 0
    refused_late: int = 0
    cancelled: int = 0
    cancelled_late: int = 0
    merged: int = 0
    returned: int = 0
    reopened: int = 0
    recategorised: int = 0
    under_emergency: int = 0
    comments: int = 0
    answered_in_a_day: int = 0
    answered_late: int = 0
    rating_1: int = 0
    rating_2: int = 0
    rating_3: int = 0
    rating_4: int = 0
    late_thousandths: int = 0
    held_minutes: int = 0


KEYS = ("agency", "category", "area", "month")
FIGURES = tuple(name for name in Score.__dataclass_fields__ if name not in KEYS)


def scores(rows: Sequence[Row], calendar: Calendar, zone: ZoneInfo) -> list[Score]:
    """One for whom the case counts, one for each other that held or returned it. ``rows`` are in order, the first the receipt."""
    held = shares(stints(rows, calendar, rows[-1].at))
    owner, figures = _owner(rows), defaultdict[str, dict[str, int]](dict)
    figures[owner] = {"received": 1, **_outcome(rows), **_happened(rows), **_answers(rows), **_rating(rows)}
    for agency, working in held.items():
        figures[agency]["held_minutes"] = working // timedelta(minutes=1)
    for agency, times in _returns(rows).items():
        figures[agency]["returned"] = times
    if any(figures[owner].get(name) for name in ("late", "open_overdue", "refused_late", "cancelled_late")):
        for agency, part in _thousandths(held, owner).items():
            figures[agency]["late_thousandths"] = part
    about = {"category": _category(rows), "area": str(rows[0].data.get("area", "")), "month": month_of(rows[0].at, zone)}
    return [Score(agency=agency, **about, **counted) for agency, counted in sorted(figures.items()) if counted]  # type: ignore[arg-type]


def month_of(at: datetime, zone: ZoneInfo) -> date:
    """The first day of the month that ``at`` is in, by the clocks of the province."""
    return at.astimezone(zone).date().replace(day=1)


def _owner(rows: Sequence[Row]) -> str:
    """Who has it or had it last. What an agency gave back, or a merge undid, is the centre's until it is routed anew."""
    centre = owner = str(rows[0].data.get("agency", ""))
    for row in rows:
        if row.trigger in {"route", "rehome"}:
            owner = str(row.data["agency"])
        elif row.trigger in {"return", "unmerge"}:
            owner = centre
    return owner


def _categories(rows: Iterable[Row]) -> list[str]:
    return [str(row.data["category"]) for row in rows if row.data.get("category") and row.trigger in {"receive", "route"}]


def _category(rows: Sequence[Row]) -> str:
    return _categories(rows)[-1]


def _outcome(rows: Sequence[Row]) -> dict[str, int]:
    """The one thing this case is now."""
    state = State(rows[-1].target)
    taken_up = {"taken_up": int(any(row.trigger == "accept" for row in rows) and state not in ENDINGS)}
    if state in ENDINGS:
        return taken_up | _ended(rows, ENDINGS[state])
    return taken_up | {_finished(rows) if state in FINISHED else _open(rows): 1}


def _ended(rows: Sequence[Row], how: str) -> dict[str, int]:
    """Refusing or cancelling after the deadline does not take the lateness away."""
    end = next(row for row in reversed(rows) if row.target != row.source)
    is_late = how != "merged" and (due := _due(rows)) is not None and end.at > due
    return {how: 1, **({f"{how}_late": 1} if is_late else {})}


def _finished(rows: Sequence[Row]) -> str:
    """As it was ruled when the answer was approved, which counts from when it was handed in."""
    ruling = next(row for row in reversed(rows) if row.trigger == "approve")
    if not ruling.data.get("on_time"):
        return "late"
    return "on_time_extended" if any(row.trigger == "extend" for row in rows) else "on_time"


def _open(rows: Sequence[Row]) -> str:
    """Overdue once the deadline that is in force has been called as broken, unless the result is in and waits for approval."""
    due = _due(rows)
    broken = any(row.trigger == "breach" and row.data.get("clock") == "resolve" and _moment(row.data["due_at"]) == due for row in rows)
    return "open_overdue" if broken else "open_in_time"


def _due(rows: Sequence[Row]) -> datetime | None:
    moves = {"route", "resume", "extend", "object", "reopen"}
    return next((_moment(row.data["due_at"]) for row in reversed(rows) if row.trigger in moves and row.data.get("due_at")), None)


def _moment(written: str) -> datetime:
    return datetime.fromisoformat(written)


def _happened(rows: Sequence[Row]) -> dict[str, int]:
    routed = _categories(row for row in rows if row.trigger == "route")
    return {
        "reopened": sum(row.trigger in {"object", "reopen"} for row in rows),
        "recategorised": sum(before != after for before, after in pairwise(routed)),
        "under_emergency": int(any(row.trigger == "emergency" for row in rows)),
    }


def _answers(rows: Sequence[Row]) -> dict[str, int]:
    """Each message of the reporter has its own clock. A breach counts as late from the moment it happens, answered or not."""
    comments = {row.data["comment_id"] for row in rows if row.trigger == "comment"}
    in_time = {row.data["comment_id"] for row in rows if row.trigger == "answer" and row.data.get("on_time")}
    late = {row.data["comment_id"] for row in rows if row.trigger == "answer" and not row.data.get("on_time")}
    late |= {row.data.get("comment_id") for row in rows if row.trigger == "breach" and row.data.get("clock") == "answer"}
    return {"comments": len(comments), "answered_in_a_day": len(in_time & comments), "answered_late": len(late & comments)}


def _rating(rows: Sequence[Row]) -> dict[str, int]:
    """What the reporter said last."""
    rating = next((row.data["rating"] for row in reversed(rows) if row.trigger == "rate"), None)
    return {f"rating_{rating}": 1} if rating else {}


def _returns(rows: Sequence[Row]) -> dict[str, int]:
    times: dict[str, int] = defaultdict(int)
    for row in rows:
        if row.trigger == "return":
            times[row.actor.removeprefix("agency:")] += 1
    return times


def _thousandths(held: dict[str, timedelta], owner: str) -> dict[str, int]:
    """Who is how late: each holder's share of the working time, in whole thousandths that sum to one case (largest remainders first)."""
    total = sum(held.values(), timedelta(0))
    if not total:
        return {owner: WHOLE_LATENESS}
    exact = {agency: WHOLE_LATENESS * (time / total) for agency, time in held.items()}
    whole = {agency: int(part) for agency, part in exact.items()}
    missing = WHOLE_LATENESS - sum(whole.values())
    for agency in sorted(exact, key=lambda agency: (whole[agency] - exact[agency], agency))[:missing]:
        whole[agency] += 1
    return {agency: part for agency, part in whole.items() if part}
