"""Where the embedded system is: what most commands take, with the same words."""

from pathlib import Path
from typing import Annotated

import typer

from shared.settings import PROJECT

HOME, BASE = PROJECT / ".hoiam", 8310
Folder = Annotated[Path, typer.Option(help="Where the embedded system keeps its data.", envvar="HOIAM_FOLDER")]
PortBase = Annotated[int, typer.Option(help="First of the five ports of the embedded system.", envvar="HOIAM_PORT_BASE")]
