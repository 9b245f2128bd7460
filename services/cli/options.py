"""What many commands take, with the same words: where the embedded system is, the broker, and the province."""

from pathlib import Path
from typing import Annotated

import typer

from shared.settings import PROJECT

HOME, BASE = PROJECT / ".hoiam", 8310
PROVINCE = PROJECT / "deploy/provinces/quang-tri"
Folder = Annotated[Path, typer.Option(help="Where the embedded system keeps its data.", envvar="HOIAM_FOLDER")]
PortBase = Annotated[int, typer.Option(help="First of the five ports of the embedded system.", envvar="HOIAM_PORT_BASE")]
Province = Annotated[Path, typer.Option("--province", help="Folder of the province's data.", envvar="PROVINCE_DIR")]
AmqpUrl = Annotated[str, typer.Option(help="RabbitMQ as an administrator.", envvar="AMQP_URL")]
ManagementUrl = Annotated[str, typer.Option(help="Its management API, http://user:password@host:15672", envvar="MANAGEMENT_URL")]
