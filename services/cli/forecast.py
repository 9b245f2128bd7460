"""`hoiam forecast`: which cases will probably break their deadline soon, and how good such forecasts were in the past."""

from collections.abc import Sequence
from datetime import datetime

import typer
from sqlalchemy import text
from sqlalchemy.orm import Session

from services.cli.options import BASE, HOME, Folder, PortBase
from services.cli.process import CannotStart
from services.cli.system import Say, database_url, room
from services.cli.up import Layout
from services.sla import store
from services.sla.api.scorecards import names_of
from services.sla.domain.calibration import Band, Said, Tried, bands, base_rate, brier, each_morning, tried
from services.sla.domain.forecast import Basis, Outlook, Risk
from services.sla.domain.hindsight import Hindsight
from services.sla.store import forecasting
from shared.clock import now

app = typer.Typer(no_args_is_help=True)
SHOWN = 20  # cases
EVERY = 500  # forecasts between two words of progress


@app.command("show")
def show(agency: str = "", folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Print what is to be expected by the end of the next working day, by agency, and the cases most at risk. Made now, not kept."""
    with room(database_url(Layout(folder.absolute(), port_base)), "sla") as rooms, rooms() as session:
        typer.echo(table(session, now(), agency))


@app.command("check")
def check_past(folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Forecast on every past working morning with what was known then, and compare with what happened."""
    typer.echo(check(database_url(Layout(folder.absolute(), port_base)), typer.echo))


def table(session: Session, at: datetime, agency: str = "") -> str:
    """For a terminal: a line an agency, then the cases most at risk."""
    made, names = forecasting.forecast(session, at), names_of(session)
    zone = store.timekeeper(session).calendar.zone
    outlooks = [one for one in made.outlooks if agency in {"", one.agency}]
    risks = [one for one in made.risks if agency in {"", one.kind.agency}]
    head = f"From {made.at.astimezone(zone):%d/%m/%Y %H:%M} to {made.until:%d/%m/%Y %H:%M}: {len(risks)} cases fall due"
    return "\n".join([head, "", *(_outlook(one, names) for one in outlooks), "", *(_risk(one, names) for one in risks[:SHOWN])])


def _outlook(one: Outlook, names: dict[str, str]) -> str:
    said = (
        f"{one.due:>6} due  {one.expected:6.1f} expected late  {one.likely:>4} likely  {one.unknown:>4} unknown  {one.overdue:>5} overdue"
    )
    return f"{names.get(one.agency, one.agency)[:38]:40}{said}"


def _risk(one: Risk, names: dict[str, str]) -> str:
    value = one.chance.value
    chance = f"{value:4.0%} of {one.chance.similar} ({one.chance.basis})" if value is not None else "too few similar cases"
    left = f"{one.left.total_seconds() / 3600:.1f} {'hours' if one.kind.on_the_wall else 'working hours'} left"
    return f"{one.report_id}  {names.get(one.kind.agency, one.kind.agency)[:38]:40}{left:>24}  {chance}"


def check(url: str, say: Say) -> str:
    """What to print about all forecasts of the past. Raises :class:`CannotStart` where none can be judged."""
    with room(url, "sla") as rooms, rooms() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        session.execute(text("SET LOCAL statement_timeout = 0"))  # a large history takes longer to sort than a service may wait
        hindsight = Hindsight(lambda version: store.keeper_of(session, version))
        said = _replayed(session, hindsight, say)
    judged = tried(said, hindsight.broken)
    if not judged:
        raise CannotStart("no past forecast can be judged: there are too few finished cases")
    return "\n".join(_judgement(judged, len(said) - len(judged)))


def _replayed(session: Session, hindsight: Hindsight, say: Say) -> list[Said]:
    """What was said each morning, without the last days: what became of those is not known yet."""
    said: list[Said] = []
    last: datetime | None = None
    for last, some in each_morning(forecasting.all_rows(session), hindsight, store.timekeeper(session).calendar):
        said += some
        if some and len(said) // EVERY != (len(said) - len(some)) // EVERY:
            say(f"{last:%d/%m/%Y}: {len(said)} forecasts")
    return [one for one in said if last and one.until <= last]


def _judgement(judged: Sequence[Tried], unknown: int) -> list[str]:
    usual, broke = base_rate(judged), sum(one.broke for one in judged)
    likely = [one for one in judged if one.is_likely]
    hits = sum(one.broke for one in likely)
    yardstick = usual * (1 - usual)
    skill = f", {1 - brier(judged) / yardstick:.0%} less" if yardstick else ""
    return [
        f"{len(judged)} forecasts with a chance, {unknown} without one (too few similar cases)",
        f"{sum(one.chance for one in judged):.1f} breaches expected, {broke} happened ({usual:.1%})",
        f"likely: {len(likely)}, of which {hits} happened; of the {broke} that happened {hits} were called likely",
        f"Brier score {brier(judged):.4f}; saying {usual:.1%} of every case has {yardstick:.4f}{skill}",
        "",
        "chance        forecasts   said on average   happened",
        *(_band(band) for band in bands(judged)),
        "",
        "by what was similar     forecasts   said on average   happened   Brier score",
        *(line for basis in Basis for line in _by(basis, [one for one in judged if one.basis == basis])),
    ]


def _band(band: Band) -> str:
    return f"{band.least:4.0%} – {band.most:4.0%}{band.number:>12}{band.said:>18.1%}{band.happened:>11.1%}"


def _by(basis: Basis, of: Sequence[Tried]) -> list[str]:
    if not of:
        return []
    said = sum(one.chance for one in of) / len(of)
    return [f"{basis:24}{len(of):>9}{said:>18.1%}{base_rate(of):>11.1%}{brier(of):>14.4f}"]
