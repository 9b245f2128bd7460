"""`hoiam up`, which stays as long as the system runs: it loads little, and leaves preparing the database to a process that ends."""

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from services.cli import keys
from services.cli.options import BASE, HOME, PROVINCE, Folder, PortBase, Province
from services.cli.process import CannotStart
from services.cli.up import Layout, Supervisor

app = typer.Typer(name="hoiam", add_completion=False)
app.callback()(lambda: None)  # else the only command would have no name


@app.command()
def up(
    folder: Folder = HOME,
    port_base: PortBase = BASE,
    province: Province = PROVINCE,
    demonstrate: Annotated[bool, typer.Option("--demo", help="When ready, post reports and walk one to its answer.")] = False,
    once: Annotated[bool, typer.Option("--once", help="With --demo: stop when the demonstration is over.")] = False,
) -> None:
    """Run everything on this machine: PostgreSQL and the four services. Ctrl-C stops it all; the data stays.

    With DATABASE_URL set no PostgreSQL is started, with AMQP_URL set the bus is that RabbitMQ.
    """
    layout = Layout(folder.absolute(), port_base)
    environment = {
        "QUIET_HOURS": "",  # who tries it out at night wants to see the letters
        **os.environ,
        "PUBLIC_URL": f"{layout.url('intake')}/v1/reports",
        "OPEN311_URL": f"{layout.url('intake')}/open311/v2",
        "MAILBOX_DIR": str(layout.folder / "mailbox"),
        "MEDIA_URL": str(layout.folder / "media"),
        "WEBHOOK_ALLOW_LOOPBACK": "true",
    }
    told = {"PROVINCE_DIR": str(province.absolute())}
    supervisor = Supervisor(layout, environment, lambda whole: _prepare({**whole, **told}), make_keys=keys.make_keys)

    def ready() -> None:
        if demonstrate:
            from services.cli import demo  # it brings all four services with it

            demo.walk(layout, supervisor.environment["DATABASE_URL"], typer.echo)
        else:
            typer.echo(f"Ready: {layout.url('intake')}/docs   (Ctrl-C stops)")
        if once:
            supervisor.stop()

    supervisor.run(ready)


def main() -> None:
    """`hoiam up`: what a person has to put right is said in words, without a stack trace."""
    try:
        app()
    except CannotStart as reason:
        typer.echo(f"hoiam: {reason}", err=True)
        sys.exit(1)


def _prepare(environment: Mapping[str, str]) -> None:
    """What it says, and why it could not, goes where our own words go."""
    if subprocess.run([sys.executable, "-m", "services.cli", "prepare"], env=environment, check=False).returncode:
        raise CannotStart("the database was not prepared; why is said above")
