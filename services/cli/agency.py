"""`hoiam agency`: an agency's way to its queue, what waits for it, and what becomes of its work when it ends."""

from datetime import date, datetime
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit

import typer

from services.cli import calling, rehoming
from services.cli.options import BASE, HOME, PROVINCE, AmqpUrl, Folder, ManagementUrl, PortBase, Province
from services.cli.privacy import sealing_keys
from services.cli.process import CannotStart
from services.cli.system import called, database_url, secret
from services.cli.up import Layout
from shared.bus.management import Management
from shared.bus.rabbitmq import RabbitBus
from shared.bus.topology import topology
from shared.clock import now
from shared.province import Province as Data
from shared.province import read_province

app = typer.Typer(no_args_is_help=True)
NEEDED = "Set AMQP_URL and MANAGEMENT_URL of RabbitMQ (as an administrator)."


@app.command("provision")
def agency_provision(code: str, province: Province = PROVINCE, amqp_url: AmqpUrl = "", management_url: ManagementUrl = "") -> None:
    """Create or rotate an agency's RabbitMQ user, which may read its own queue and ask in its own name only, and make the queue where it is
    missing. Prints the user's URL, once."""
    of = read_province(province)
    check(of, code, now().date())
    is_called = code in called(of)
    typer.echo(provision(code, secret("AMQP_URL", amqp_url), secret("MANAGEMENT_URL", management_url), is_called=is_called))


@app.command("webhook")
def agency_webhook(code: str, folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Make the secret that signs what an agency's webhook gets, or change it: for a day both sign. Prints it, once. The address is in
    agencies.yaml."""
    layout = Layout(folder.absolute(), port_base)
    id_, made = calling.secret_for(database_url(layout), code, sealing_keys(layout))
    typer.echo(f"webhook {id_}\n{made}")


@app.command("revoke")
def agency_revoke(code: str, amqp_url: AmqpUrl = "", management_url: ManagementUrl = "") -> None:
    """Take an agency's RabbitMQ user away and end its connections. Its queue stays; `rehome` gives its open cases to who follows it."""
    with _management(secret("AMQP_URL", amqp_url), secret("MANAGEMENT_URL", management_url)) as management:
        management.revoke_agency(code)
    typer.echo(f"agency.{code} is gone.")


@app.command("rehome")
def agency_rehome(
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Who has ended by then; today when not given.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    folder: Folder = HOME,
    port_base: PortBase = BASE,
) -> None:
    """Give the open cases of agencies that have ended to their successors, as the province in force names them. No clock is reset; safe to
    repeat, and to go on with after it was stopped."""
    url = database_url(Layout(folder.absolute(), port_base))
    rehoming.rehome(url, day.date() if day else None, now(), typer.echo, dry_run=dry_run)


@app.command("redeliver")
def agency_redeliver(
    code: str,
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Given to it on that day or later.")],
    folder: Folder = HOME,
    port_base: PortBase = BASE,
) -> None:
    """Put the assignments of an agency's open cases into its queue again, under the ids they had: for one that lost what it read."""
    rehoming.redeliver(database_url(Layout(folder.absolute(), port_base)), code, since.date(), now(), typer.echo)


def rabbit(amqp_url: str, management_url: str) -> RabbitBus:
    """The broker, with its management API where one is named."""
    return RabbitBus(amqp_url, management_url=management_url)


def check(of: Data, code: str, day: date) -> None:
    """Raises :class:`CannotStart` for who is no agency of the province, or none any more."""
    if code not in of.agencies:
        raise CannotStart(f"no agency has the code {code!r}: agencies.yaml lists them")
    follower = of.agency_on(code, day)
    if of.agencies[code].has_ended(day):
        advice = "nobody alone has its duties" if follower.has_ended(day) else f"its duties are with {follower.code}: provision that one"
        raise CannotStart(f"{code} has ended; {advice}")


def provision(code: str, amqp_url: str, management_url: str, *, is_called: bool = False) -> str:
    """The connection string of agency ``code``, with a new password; its queue is there, and empty when it ``is_called`` instead. Raises
    :class:`CannotStart` without a broker."""
    broker = urlsplit(amqp_url)
    with _management(amqp_url, management_url) as management:
        queues = topology({}, [code], called=[code] if is_called else [])
        rabbit(amqp_url, management_url).apply(queues)  # policies first: a queue keeps the limits it was made under
        password = management.provision_agency(code)
    return f"{broker.scheme}://agency.{code}:{quote(password, safe='')}@{broker.hostname}:{broker.port or 5672}{broker.path}"


def _management(amqp_url: str, management_url: str) -> Management:
    if not amqp_url or not management_url:
        raise CannotStart(NEEDED)
    return Management(management_url, unquote(urlsplit(amqp_url).path[1:]))
