"""`hoiam doctor`: looks at everything an installation stands on, and says of each thing that is wrong what to do."""

from collections.abc import Callable, Iterator

import typer

from services.cli.doctor import bus, database, machine
from services.cli.doctor.finding import Finding, Level
from services.cli.doctor.place import Away, Place
from services.cli.options import BASE, HOME, Folder, PortBase
from services.cli.up import Layout

Examination = Callable[[Place], Iterator[Finding]]
EXAMINATIONS: tuple[Examination, ...] = (
    machine.settings,
    machine.keys,
    machine.media,
    database.connection,
    database.clock,
    database.migrations,
    database.roles,
    database.logins,
    database.policies,
    database.sealed,
    bus.queues,
    bus.users,
)


def doctor(folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Check settings, keys, disk, database, clock, migrations, roles, province and bus, and say what to do. Changes nothing; fails when
    anything is wrong."""
    place = Place.found(Layout(folder.absolute(), port_base))
    sick = False
    for finding in findings(place):
        sick |= finding.level is Level.WRONG
        typer.echo(str(finding))
    if sick:
        raise typer.Exit(1)


def findings(place: Place) -> Iterator[Finding]:
    """Of every examination; one that can't be made because of an earlier finding says so."""
    for examine in EXAMINATIONS:
        try:
            yield from examine(place)
        except Away as reason:
            yield Finding(examine.__name__, Level.SKIPPED, f"not looked at: {reason}")
