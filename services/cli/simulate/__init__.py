"""`hoiam simulate`: a made-up history through the real services, under a clock that jumps; and the same under another policy."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import psycopg2
import typer

from services.cli import audit, scorecard
from services.cli.private_postgres import PrivatePostgres
from services.cli.process import CannotStart
from services.cli.simulate.agenda import SCENARIOS, plans
from services.cli.simulate.cast import Moments
from services.cli.simulate.difference import difference, seen
from services.cli.simulate.figures import figures, table
from services.cli.simulate.world import play
from shared.province import Province, read_province
from shared.settings import PROJECT

PROVINCE = PROJECT / "deploy/provinces/quang-tri"


def simulate(
    name: Annotated[str, typer.Argument(metavar="SCENARIO", help=", ".join(SCENARIOS))] = "quang-tri-2024",
    seed: Annotated[int, typer.Option(help="The same seed gives the same history.")] = 1,
    what_if: Annotated[Path | None, typer.Option(help="A policy.yaml: everybody does the same again under this policy.")] = None,
    database_url: Annotated[str, typer.Option(help="An empty database; without it, a private one for this run.")] = "",
    keep: Annotated[Path | None, typer.Option(help="Keep the private database here, and running until Ctrl-C.")] = None,
) -> None:
    """Play a history of reports through the real routing and sla, and count from the database what became of them."""
    scenario = SCENARIOS.get(name)
    if scenario is None:
        raise CannotStart(f"no scenario is called {name!r}; there are: {', '.join(SCENARIOS)}")
    province = read_province(PROVINCE)
    other = _with_policy(what_if) if what_if else None
    planned, moments = plans(scenario, province, seed), Moments()
    with _database(database_url, keep) as url:
        began = time.monotonic()
        of = play(url, scenario, planned, province, moments, typer.echo)
        found = figures(url)
        typer.echo(f"{of.handled} acts, {of.ticks} times a clock spoke, {time.monotonic() - began:.0f} s\n\n{table(found)}\n")
        proven = [scorecard.verify(url, typer.echo), audit.verify(url, typer.echo)]
        if other:
            second = _second_database(url)
            again = play(second, scenario, planned, other, moments, typer.echo, patient=True)
            refused = "".join(f"\n{number:>6}  {why}" for why, number in again.refused.most_common())
            typer.echo(f"\nUnder {what_if} {again.refused.total()} requests are refused{refused}")
            typer.echo(f"\n{difference(seen(url), seen(second))}")
        if keep:
            _wait(url)
        if not all(proven):
            raise typer.Exit(1)


def _with_policy(policy: Path) -> Province:
    """The province with another policy, checked as a whole."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "province"
        shutil.copytree(PROVINCE, folder)
        shutil.copyfile(policy, folder / "policy.yaml")
        return read_province(folder)


@contextmanager
def _database(given: str, keep: Path | None) -> Iterator[str]:
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="hoiam-simulation-") as name:
        folder = keep.absolute() if keep else Path(name)
        folder.mkdir(exist_ok=True, parents=True)
        folder.chmod(0o711)  # PostgreSQL runs as another user where this one is root
        postgres = PrivatePostgres(folder / "postgres", durable=False)
        try:
            yield postgres.start().url
        finally:
            postgres.stop() if keep else postgres.remove()


def _second_database(url: str) -> str:
    """Beside the first, with its name and `_what_if`; it must not be there yet."""
    parts = urlsplit(url)
    name = f"{parts.path[1:]}_what_if"
    connection = psycopg2.connect(url)
    connection.autocommit = True  # databases are not made in a transaction
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    return parts._replace(path=f"/{name}").geturl()


def _wait(url: str) -> None:
    typer.echo(f"\nThe history is kept, and can be looked into with\n  export DATABASE_URL={url}\nuntil Ctrl-C.")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(60)
