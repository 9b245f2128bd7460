"""`hoiam status`: the whole system on one screen. Fails when something is to be done."""

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from services.cli.doctor.place import Place
from services.cli.options import BASE, HOME, Folder, PortBase
from services.cli.status.looking import look
from services.cli.status.screen import screen
from services.cli.up import Layout
from shared.clock import now

ServicesUrl = Annotated[
    str, typer.Option(help="Where services answer, {} for the name: http://{}:8000; when empty, the embedded ones.", envvar="SERVICES_URL")
]


def status(
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(help="With --watch: seconds between two looks.", min=0.5)] = 2,
    services_url: ServicesUrl = "",
    folder: Folder = HOME,
    port_base: PortBase = BASE,
) -> None:
    """Show whether each service answers, what waits where, and what is to be done; fails when anything is."""
    layout = Layout(folder.absolute(), port_base)
    place, address = Place.found(layout), services_url.format if services_url else layout.url
    seen = look(place, address)
    console = Console()
    if watch:
        with Live(screen(seen, now()), console=console, screen=True, auto_refresh=False) as live:
            try:
                while True:
                    time.sleep(every)
                    seen = look(place, address)
                    live.update(screen(seen, now()), refresh=True)
            except KeyboardInterrupt:
                pass
    console.print(screen(seen, now()))
    if seen.troubles:
        raise typer.Exit(1)
