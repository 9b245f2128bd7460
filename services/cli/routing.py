"""`hoiam routing`: the rules that name the agency, looked at, tried, put in force and taken back; and how good suggestions are."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.orm import Session

from services.cli import rules
from services.cli.options import BASE, HOME, Folder, PortBase
from services.cli.process import CannotStart
from services.cli.system import Say, database_url, room
from services.cli.up import Layout
from services.routing import store
from services.routing.domain.coverage import defects
from services.routing.domain.matching import Supposed
from services.routing.domain.placement import Placement
from services.routing.domain.replay import Named, Replay
from services.routing.domain.rules import Decision, Rulebook
from services.routing.domain.rulesets import ActivateRules, check_sound
from services.routing.domain.suggesting import Suggester
from services.routing.store import rulesets, suggesting
from shared import province as provinces
from shared.clock import now
from shared.database import Sessions
from shared.envelope import new_id
from shared.messages import Location
from shared.province import read_province
from shared.settings import PROJECT

PROVINCE, SAMPLE = PROJECT / "deploy/provinces/quang-tri", PROJECT / "deploy/samples/labelled-reports.tsv"
AT_ONCE = 500  # reports read together, and between two words of progress
SHOWN = 20  # differences

app = typer.Typer(no_args_is_help=True)
Data = Annotated[Path, typer.Option("--province", help="Folder of the province's data.", envvar="PROVINCE_DIR")]
Day = Annotated[str, typer.Option(help="YYYY-MM-DD, today when empty.")]
Actor = Annotated[str, typer.Option("--by", help="Who says so; goes into the list of versions.")]
Why = Annotated[str, typer.Option(help="Why; goes into the list of versions.")]


@app.command("check")
def check(
    version: Annotated[int | None, typer.Argument(help="Of the database; the province's files when not given.")] = None,
    province: Data = PROVINCE,
    day: Day = "",
    folder: Folder = HOME,
    port_base: PortBase = BASE,
) -> None:
    """Say what is wrong with the rules as a whole: pairs nobody answers, rules that never speak, ties. Fails when anything is."""
    on = date.fromisoformat(day) if day else now().date()
    if version is None:
        sound = rules.check(province, on, typer.echo)
    else:
        with _rooms(folder, port_base) as rooms, rooms() as session:
            sound = rules.check_version(version, rulesets.rulebook_of(session, version).province, on, typer.echo)
    if not sound:
        raise typer.Exit(1)


@app.command("versions")
def versions(last: Annotated[int, typer.Option(help="How many.")] = 20, folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """List the versions of the rules, from the newest on: who made them, when and why, and when they were put in force."""
    with _rooms(folder, port_base) as rooms, rooms() as session:
        typer.echo("\n".join(_versions(session, last)) or "Only the rules that came with the province: none were loaded or edited here.")


@app.command("explain")
def explain(
    category: str,
    area: str = "",
    address: str = "",
    latitude: float | None = None,
    longitude: float | None = None,
    text: Annotated[str, typer.Option(help="What was written.")] = "",
    attribute: Annotated[list[str] | None, typer.Option(help="NAME=value; may be given again.")] = None,
    portal: str = "",
    urgent: bool = False,
    version: Annotated[int | None, typer.Option(help="Of the rules; those in force when not given.")] = None,
    folder: Folder = HOME,
    port_base: PortBase = BASE,
) -> None:
    """Say where a report would go, which rules were considered, and what its text seems to be about."""
    location = Location(area=area, address=address, latitude=latitude, longitude=longitude)
    attributes = dict(_pair(one) for one in attribute or ())
    asked = Supposed(category=category, location=location, attributes=attributes, urgent=urgent, description=text, portal=portal)
    with _rooms(folder, port_base) as rooms, rooms() as session:
        of = store.rulebook(session) if version is None else rulesets.rulebook_of(session, version)
        typer.echo("\n".join(_explained(asked, of, suggesting.suggester(session, now()), now())))


@app.command("replay")
def replay(
    version: Annotated[int | None, typer.Argument(help="Of the database; the province's files when not given.")] = None,
    last: Annotated[int, typer.Option(help="How many reports, the newest.", min=1)] = 1000,
    day: Annotated[str, typer.Option(help="As if they came on that day, YYYY-MM-DD; today when empty.")] = "",
    province: Data = PROVINCE,
    folder: Folder = HOME,
    port_base: PortBase = BASE,
) -> None:
    """Decide the newest reports by other rules, and list what would have changed. Nothing is kept."""
    on = date.fromisoformat(day) if day else now().date()
    with _rooms(folder, port_base) as rooms, rooms() as session:
        theirs = Rulebook(read_province(province)) if version is None else rulesets.rulebook_of(session, version)
        for line in _replayed(session, theirs, last, on, typer.echo):
            typer.echo(line)


@app.command("activate")
def activate(version: int, reason: Why, actor: Actor = "admin:cli", folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Put a version of the rules in force; running services decide by it from the next message on."""
    with _rooms(folder, port_base) as rooms:
        typer.echo(put_in_force(rooms, version, actor=actor, reason=reason))


@app.command("rollback")
def roll_back(reason: Why, actor: Actor = "admin:cli", folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Put the version in force again that was before the one that is."""
    with _rooms(folder, port_base) as rooms:
        with rooms() as session:
            before = rulesets.before_it(session)
        typer.echo(put_in_force(rooms, before, actor=actor, reason=reason))


@app.command("suggest")
def suggest(
    text: Annotated[str, typer.Argument(help="What was written.")] = "",
    check_sample: Annotated[bool, typer.Option("--check", help="Measure them on labelled reports instead.")] = False,
    sample: Annotated[Path, typer.Option(help="Lines of a category, a tab and a text.")] = SAMPLE,
    province: Data = PROVINCE,
) -> None:
    """Say which categories a text seems to be about, from the province's own words; or how often that is right."""
    suggester = Suggester(read_province(province))
    lines = measured(suggester, sample) if check_sample else _suggested(suggester, text)
    typer.echo("\n".join(lines) or "No word of it is known.")


def put_in_force(rooms: Sessions, version: int, *, actor: str, reason: str) -> str:
    """Raises :class:`Refused`."""
    at = now()
    with rooms.begin() as session:
        of, current = rulesets.rulebook_of(session, version).province, rulesets.in_force(session)
        check_sound(version, defects(of, at.astimezone(ZoneInfo(of.time_zone)).date()))
        loaded = provinces.current_version(session)
        words = {"report_id": new_id(), "at": at, "actor": actor, "reason": reason}
        rulesets.activate(session, ActivateRules(version=version, seen=current, province_version=loaded, **words))
    return f"version {version} is in force, in place of {current}"


def measured(suggester: Suggester, sample: Path) -> list[str]:
    """How often the right category is first, among three, and when the suggestion is sure."""
    lines = [line.split("\t", 1) for line in sample.read_text(encoding="utf-8").splitlines() if "\t" in line]
    if not lines:
        raise CannotStart(f"{sample} has no line of a category, a tab and a text")
    found = [(category, suggester.suggest(text)) for category, text in lines]
    first = sum(bool(said) and said[0].category == category for category, said in found)
    among = sum(any(one.category == category for one in said) for category, said in found)
    sure = [(category, said[0]) for category, said in found if said and said[0].chance >= 0.8]
    sure_hits = sum(one.category == category for category, one in sure)
    alarms = sum(suggester.instead_of(category, text) is not None for category, text in lines)
    return [
        f"{len(lines)} labelled reports of {len({category for category, _ in lines})} categories",
        f"right at first            {first / len(lines):6.1%}",
        f"right among three         {among / len(lines):6.1%}",
        f"right when 80 % sure      {sure_hits / max(len(sure), 1):6.1%} of {len(sure)}",
        f"right category doubted    {alarms / len(lines):6.1%}",
    ]


def _rooms(folder: Path, port_base: int) -> AbstractContextManager[Sessions]:
    return room(database_url(Layout(folder.absolute(), port_base)), "routing")


def _pair(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found:
        raise CannotStart(f"--attribute {text}: write NAME=value")
    return name, value


def _versions(session: Session, last: int) -> Iterator[str]:
    found, current = rulesets.newest_rulesets(session, before=None, limit=last), rulesets.in_force(session)
    put = rulesets.activations_of(session, [one.version for one in found])
    for one in found:
        mark = "*" if one.version == current else " "
        yield f"{mark} {one.version:>5}  of {one.based_on:<5} {one.at:%Y-%m-%d %H:%M}  {len(one.rules):>5} rules  {one.actor}: {one.reason}"
        yield from (
            f"         in force {each.at:%Y-%m-%d %H:%M}  {each.actor}: {each.reason}" for each in put if each.version == one.version
        )


def _explained(asked: Supposed, of: Rulebook, suggester: Suggester, at: datetime) -> Iterator[str]:
    decided = of.decide(asked, at)
    yield decided.explanation
    if isinstance(decided, Decision):
        yield f"-> {decided.agency}, rule {decided.rule}, class {decided.sla_class}{', urgent' if decided.urgent else ''}"
    for entry in of.consider(asked, at):
        mark = "*" if entry.matched else "~" if entry.shadowed else " "
        yield f"{mark} {entry.rule.priority:>4} {entry.rule.code:30} {entry.why.vi} / {entry.why.en}"
    yield from _suggested(suggester, asked.description)


def _suggested(suggester: Suggester, text: str) -> list[str]:
    return [f"? {one.category} {one.chance:5.0%}  {', '.join(one.words)}" for one in suggester.suggest(text)]


def _replayed(session: Session, theirs: Rulebook, last: int, day: date, say: Say) -> Iterator[str]:
    ours, tried = store.rulebook(session), Replay()
    for page in _pages(session, last):
        tried.add(page, ours, theirs, day)
        say(f"{tried.looked_at} reports, {tried.changed} would be different")
    if not tried.looked_at:
        yield "There are no reports yet."
        return
    for one in tried.differences[:SHOWN]:
        yield f"{one.tracking_code:14} {one.category}  {_named(one.before)} -> {_named(one.after)}"
    for (old, new), number in tried.moves.most_common():
        yield f"{number:>6} from {_who(old)} to {_who(new)}"
    yield f"of {tried.settled} with an agency: right at once {tried.right_before} now, {tried.right_after} then"


def _named(one: Named) -> str:
    return f"{_who(one.agency)} by {one.rule}" if one.rule else _who(one.agency)


def _who(agency: str) -> str:
    return agency or "(by hand)"


def _pages(session: Session, last: int) -> Iterator[Sequence[Placement]]:
    before: UUID | None = None
    left = last
    while left and (page := store.newest_placements(session, before=before, limit=min(AT_ONCE, left))):
        yield page
        before, left = page[-1].report_id, left - len(page)
        session.expunge_all()  # a long replay would keep them all
