"""`hoiam scorecard`: the figures in the terminal and as files, compared with the histories they come from, and frozen."""

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from services.cli.options import BASE, HOME, Folder, PortBase
from services.cli.process import CannotStart
from services.cli.system import Say, database_url, room
from services.cli.up import Layout
from services.sla.api import sheets
from services.sla.api.scorecards import month_of, names_of, period
from services.sla.domain import wording
from services.sla.domain.scorecard import Card, Standing, ranked
from services.sla.store import audit, scoring
from shared.clock import now

app = typer.Typer(no_args_is_help=True)
Since = Annotated[str, typer.Option(help="First month of receipt, YYYY-MM.")]
Until = Annotated[str, typer.Option(help="Last month of receipt, YYYY-MM.")]
By = Annotated[str, typer.Option(help="agency, category, area or month")]
EVERY = 10_000  # cases between two words of progress


@app.command("show")
def show(since: Since, until: Until, by: By = "agency", folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Print the figures, each share with what it is a share of, and the ranking."""
    with room(database_url(Layout(folder.absolute(), port_base)), "sla") as rooms, rooms() as session:
        typer.echo(table(session, since, until, by))


@app.command("verify")
def verify_scores(folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Count every case anew from its history and compare with what the scorecards say. Fails when anything differs."""
    if not verify(database_url(Layout(folder.absolute(), port_base)), typer.echo):
        raise typer.Exit(1)


@app.command("freeze")
def freeze(month: str, folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Keep the figures of a month (YYYY-MM) as they stand, for ever, and print their SHA-256: publish it elsewhere."""
    with room(database_url(Layout(folder.absolute(), port_base)), "sla") as rooms, rooms.begin() as session:
        typer.echo(f"{month} {scoring.freeze(session, month_of(month), now())}")


@app.command("export")
def export(file: Path, since: Since, until: Until, by: By = "agency", folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Write them to a file: .xlsx, .csv or .svg, by its name."""
    title = f"Kết quả xử lý phản ánh hiện trường, tiếp nhận từ {since} đến {until}"
    with room(database_url(Layout(folder.absolute(), port_base)), "sla") as rooms, rooms() as session:
        names, cards = names_of(session), _cards(session, since, until, by)
        ranking = _ranking(session, since, until)
    kinds = {
        ".xlsx": lambda: sheets.as_xlsx(title, sheets.rows(cards, (by,), names), ranking, names),
        ".csv": lambda: sheets.as_csv(sheets.rows(cards, (by,), names)).encode(),
        ".svg": lambda: sheets.as_svg(title, cards, by, names),
    }
    if file.suffix not in kinds:
        raise CannotStart(f"{file.name}: the name has to end with one of {', '.join(kinds)}")
    file.write_bytes(kinds[file.suffix]())
    typer.echo(f"{file} holds {len(cards)} scorecards")


def count_all(url: str, say: Say) -> None:
    """Score what moved since it was scored, as the running service does by itself."""
    done = 0
    with room(url, "sla") as rooms:
        while True:
            with rooms.begin() as session:
                some = scoring.score_some(session, limit=1000)
            if not some:
                return
            done += some
            say(f"{done} cases counted")


def verify(url: str, say: Say) -> bool:
    """Whether every score is what its history says. Cases that moved since they were counted are counted first."""
    count_all(url, lambda _: None)
    checked = wrong = 0
    with room(url, "sla") as rooms, rooms() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        total = audit.count_cases(session)
        for number, differences in scoring.compared(session):
            for difference in differences:
                say(difference)
            if checked // EVERY != (checked + number) // EVERY:
                say(f"{checked + number} of {total} cases")
            checked, wrong = checked + number, wrong + len(differences)
    say(f"{checked} cases counted anew, {wrong} differences")
    return not wrong


def table(session: Session, since: str, until: str, by: str) -> str:
    """For a terminal: the province, then a line a card, then the ranking."""
    names = names_of(session)
    total = scoring.cards(session, *period(since, until), ())
    if not total:
        return f"No report was received from {since} to {until}."
    lines = [_figure(total[0], name) for name in wording.FIGURES] + [_share(total[0], name) for name in wording.SHARES]
    cards = [_line(card, names.get(card.about[by], card.about[by])) for card in _cards(session, since, until, by)]
    return "\n".join([*lines, "", *cards, "", *(_place(one, names) for one in _ranking(session, since, until))])


def _figure(card: Card, name: str) -> str:
    return f"{wording.FIGURES[name]!s:70}{card.figures[name]:>10}"


def _share(card: Card, name: str) -> str:
    share = card.shares[name]
    value = "–" if share.value is None else f"{share.value:.1%} (≥ {share.lowest:.1%})"
    return f"{wording.SHARES[name]!s:70}{share.part:>10} / {share.whole} {share.of} = {value}"


def _line(card: Card, name: str) -> str:
    share = card.shares["on_time_of_fallen_due"]
    figures = card.figures
    held = "–" if card.median_hours is None else f"{card.median_hours:.1f} h"
    return f"{name:40}{figures['received']:>7} received  {share.part:>5} / {share.whole} on time of fallen due  median {held}"


def _place(one: Standing, names: dict[str, str]) -> str:
    mark = f"  ({wording.SMALL})" if one.is_small else ""
    name = names.get(one.agency, one.agency)
    return f"{one.adjusted_rank:>3} (raw {one.raw_rank:>3}) {name:40}{one.adjusted:>8.1%} (raw {one.raw:.1%} of {one.cases:.1f}){mark}"


def _cards(session: Session, since: str, until: str, by: str) -> list[Card]:
    if by not in wording.BY:
        raise CannotStart(f"--by {by}: use one of {', '.join(wording.BY)}")
    return scoring.cards(session, *period(since, until), (by,))


def _ranking(session: Session, since: str, until: str) -> list[Standing]:
    return ranked(scoring.cards(session, *period(since, until), ("agency", "category")))
