"""How `hoiam status` looks."""

from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.cli.status.looking import Seen

SECONDS = ((86_400, "d"), (3600, "h"), (60, "min"))
AGENCIES = 5  # of those that let most wait


def screen(seen: Seen, at: datetime) -> RenderableType:
    """One screen, for a terminal of 80 columns."""
    return Group(
        Text(f"Hồi Âm  {at.astimezone():%d/%m/%Y %H:%M:%S}", style="bold"), _services(seen), _cases(seen), _agencies(seen), _end(seen)
    )


def _services(seen: Seen) -> Table:
    table = Table(title="Services", title_justify="left")
    for column in ("", "state", "inbox", "outbox", "oldest", "held", "parked", "release"):
        table.add_column(column, justify="right" if column in {"inbox", "outbox", "oldest", "held", "parked"} else "left")
    for name, is_ready in seen.ready.items():
        names = ("outbox_rows", "outbox_age_seconds", "held_rows", "parked_rows")
        rows, age, held, parked = (_one(seen, f"hoiam_{what}", name) for what in names)
        depth = seen.waiting[name]
        numbers = ("?" if depth is None else str(depth), _count(rows), _duration(age), _count(held), _alarming(parked))
        table.add_row(name, _state(is_ready), *numbers, seen.versions[name])
    return table


def _cases(seen: Seen) -> Table:
    table = Table(title="Cases", title_justify="left")
    shown: dict[str, str | Text] = {
        "open": _count(seen.total("hoiam_open_cases")),
        "overdue": _alarming(seen.total("hoiam_overdue_cases")),
        "oldest": _duration(seen.most("hoiam_oldest_open_case_seconds")),
        "to be placed": _count(seen.total("hoiam_triage_reports")),
        "to be taken up": _count(seen.total("hoiam_agency_waiting_cases")),
        "clocks late by": _duration(seen.most("hoiam_clock_lag_seconds")),
        "notice waits": _duration(seen.most("hoiam_oldest_pending_notice_seconds")),
    }
    for column in shown:
        table.add_column(column, justify="right")
    table.add_row(*shown.values())
    return table


def _agencies(seen: Seen) -> Table:
    table = Table(title="Agencies with most to take up", title_justify="left")
    for column in ("agency", "to be taken up", "since", "overdue", "not in its queue"):
        table.add_column(column, justify="left" if column == "agency" else "right")
    since, overdue, unsent = (
        seen.by("agency", name) for name in ("hoiam_agency_waiting_seconds", "hoiam_overdue_cases", "hoiam_agency_unsent_messages")
    )
    for agency, cases in list(seen.by("agency", "hoiam_agency_waiting_cases").items())[:AGENCIES]:
        late = _alarming(overdue.get(agency, 0))
        table.add_row(agency, _count(cases), _duration(since.get(agency, 0)), late, _alarming(unsent.get(agency, 0)))
    return table


def _end(seen: Seen) -> Text:
    if not seen.troubles:
        return Text("All is well.", style="green")
    return Text("\n".join(["To be done (docs/operations.md says how):", *(f"  {trouble}" for trouble in seen.troubles)]), style="red")


def _one(seen: Seen, name: str, service: str) -> float | None:
    return next(iter(seen.values(name, service)), None)


def _state(is_ready: bool | None) -> Text:
    return {True: Text("ready", style="green"), False: Text("not ready", style="yellow"), None: Text("down", style="red")}[is_ready]


def _count(number: float | None) -> str:
    return "?" if number is None else f"{number:.0f}"


def _alarming(number: float | None) -> Text:
    return Text(_count(number), style="red" if number else "")


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    size, unit = next(((size, unit) for size, unit in SECONDS if seconds >= size), (1, "s"))
    return f"{seconds / size:.0f} {unit}"
