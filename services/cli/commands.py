"""`hoiam`: run, prepare, look into and measure an installation. Each command is a few lines; the work is in the modules beside."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import OperationalError

from services.cli import (
    agency,
    areas,
    audit,
    backup,
    changes,
    demo,
    doctor,
    forecast,
    keys,
    notices,
    pages,
    parked,
    privacy,
    receipts,
    routing,
    scorecard,
    starting,
    status,
)
from services.cli.bench import commands as bench
from services.cli.options import BASE, HOME, PROVINCE, AmqpUrl, Folder, ManagementUrl, PortBase, Province
from services.cli.process import CannotStart
from services.cli.simulate import simulate
from services.cli.system import apply_embedded, database_url, load_all, migrate_all, room, secret, whole_topology
from services.cli.up import Layout
from services.intake.store import portals
from shared import province as province_data
from shared.access import Scope
from shared.bus import BusDown
from shared.clock import now
from shared.errors import Refused
from shared.limits import Rate
from shared.province import ProvinceError, read_province
from shared.settings import PROJECT

app = typer.Typer(name="hoiam", help="Hồi Âm: phản ánh hiện trường, the reply that comes back.", no_args_is_help=True, add_completion=False)
topology_app, portal_app, audit_app = (typer.Typer(no_args_is_help=True) for _ in range(3))
app.add_typer(topology_app, name="topology", help="Exchanges, queues, bindings and policies of the bus.")
app.add_typer(portal_app, name="portal", help="Portals that may post reports.")
app.add_typer(agency.app, name="agency", help="Agencies: their way to their queue, their work, and who follows them.")
app.add_typer(areas.app, name="areas", help="Where reports are: the borders of areas.")
app.add_typer(parked.app, name="parked", help="Messages that no service could handle.")
app.add_typer(audit_app, name="audit", help="Whether histories are as they were written.")
app.add_typer(scorecard.app, name="scorecard", help="What agencies achieved: shown, exported, verified, frozen.")
app.add_typer(forecast.app, name="forecast", help="Which cases will probably be late soon, and how good forecasts were.")
app.add_typer(privacy.app, name="privacy", help="Who reported: keys changed, contacts forgotten, told to the person itself.")
app.add_typer(notices.app, name="notify", help="What people and portals are told: how it reads, and sent again.")
app.add_typer(routing.app, name="routing", help="The rules that name the agency: checked, explained, tried, put in force, taken back.")
app.add_typer(bench.app, name="bench", help="Measure, beside a yardstick in the same run.")

KeptRoots = Annotated[Path | None, typer.Option("--roots", help="Roots kept elsewhere, as `hoiam audit roots` prints them.")]


app.command("up")(starting.up)


@app.command("prepare", hidden=True)
def prepare(province: Province = PROVINCE, amqp_url: AmqpUrl = "", management_url: ManagementUrl = "") -> None:
    """What `hoiam up` has done before it starts the services: migrate, load, topology apply. Needs the owner's DATABASE_URL."""
    url, data = secret("DATABASE_URL"), read_province(province)
    migrate_all(url, typer.echo)
    load_all(url, data, now(), typer.echo)
    apply(url, data, amqp_url, management_url)


@app.command("demo")
def demonstrate(folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Post a few reports to the running embedded system and walk one to its answer."""
    layout = Layout(folder.absolute(), port_base)
    demo.walk(layout, database_url(layout), typer.echo)


@app.command()
def migrate(folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Bring the database up to date. Needs the owner's DATABASE_URL; safe to repeat, and beside running services."""
    migrate_all(database_url(Layout(folder.absolute(), port_base)), typer.echo)


@app.command()
def load(
    province: Province = PROVINCE,
    folder: Folder = HOME,
    port_base: PortBase = BASE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check, and say what would change; change nothing.")] = False,
) -> None:
    """Check a province's data and put it in force in every service; running services use it from the next message on."""
    do = changes.preview if dry_run else load_all
    do(database_url(Layout(folder.absolute(), port_base)), read_province(province), now(), typer.echo)


@app.command("keys")
def make_keys(folder: Annotated[Path, typer.Argument(help="Where the key files go.")] = HOME / "keys") -> None:
    """Make the keys an installation needs, where they are missing."""
    for name, path in keys.make_keys(folder).items():
        typer.echo(f"{name}={path}")


@app.command()
def token(
    role: Annotated[str, typer.Option(help="operator, auditor, admin or agency:<code>")],
    name: Annotated[str, typer.Option(help="Who will use it; goes into histories.")],
    hours: Annotated[float, typer.Option(help="How long it is good.")] = 8,
    key: Annotated[Path, typer.Option(help="The private signing key.", envvar="JWT_PRIVATE_KEY_FILE")] = HOME / "keys" / keys.PRIVATE,
) -> None:
    """Print a token for a person of the operations centre or for an agency's system."""
    typer.echo(keys.token(key, role=role, name=name, at=now(), hours=hours))


@app.command("pages")
def write_pages() -> None:
    """Make the pages that come from the code anew: events, settings, roles, lifecycle."""
    for path in pages.write_pages():
        typer.echo(f"{path.relative_to(PROJECT)} is new")


@topology_app.command("apply")
def topology_apply(
    province: Province = PROVINCE,
    amqp_url: AmqpUrl = "",
    management_url: ManagementUrl = "",
    folder: Folder = HOME,
    port_base: PortBase = BASE,
) -> None:
    """Declare every exchange, queue and binding, with their policies. Safe to repeat; services declare nothing themselves."""
    url = database_url(Layout(folder.absolute(), port_base))
    apply(url, read_province(province), secret("AMQP_URL", amqp_url), secret("MANAGEMENT_URL", management_url))


@portal_app.command("add")
def portal_add(
    code: str,
    name: str,
    scope: Annotated[list[Scope] | None, typer.Option(help="What the key is for; may be given again. All but bulk when not given.")] = None,
    origin: Annotated[list[str] | None, typer.Option(help="Of its web pages, https://app.example.vn; may be given again.")] = None,
    rate: Annotated[float | None, typer.Option(help="Calls a second; the setting PORTAL_RATE when not given, 0: no limit.", min=0)] = None,
    burst: Annotated[int, typer.Option(help="With --rate: how many at once.", min=1)] = 200,
    folder: Folder = HOME,
    port_base: PortBase = BASE,
) -> None:
    """Let a portal post reports; prints its key, once. Adding it again gives it a second key, so that keys can be changed without a gap."""
    url = database_url(Layout(folder.absolute(), port_base))
    own = None if rate is None else Rate(rate, burst)
    try:
        with room(url, "intake") as rooms, rooms.begin() as session:
            scopes = scope or portals.USUAL_SCOPES
            typer.echo(portals.add_portal(session, code, name, now(), scopes=scopes, origins=origin or (), rate=own))
    except ValueError as reason:
        raise CannotStart(str(reason)) from None


@audit_app.command("verify")
def audit_verify(roots: KeptRoots = None, folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Walk through every case's history and name each one's first row that was changed, removed or put in; then through the daily roots,
    compared with those that intake witnessed and those kept in a file. Fails when anything is not as it was."""
    url = database_url(Layout(folder.absolute(), port_base))
    elsewhere = {"intake": receipts.witnessed(url)} | ({roots.name: receipts.kept_in(roots)} if roots else {})
    if not audit.verify(url, typer.echo, elsewhere):
        raise typer.Exit(1)


@audit_app.command("roots")
def audit_roots(folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Print all daily roots, one a line: keep them where nobody here can reach them."""
    for line in receipts.lines(database_url(Layout(folder.absolute(), port_base))):
        typer.echo(line)


@audit_app.command("receipt")
def audit_receipt(report: str, folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Print the proof that a report's case (by id or tracking code) is in a daily root, as far as its history went then."""
    typer.echo(receipts.receipt(database_url(Layout(folder.absolute(), port_base)), report))


@audit_app.command("check")
def audit_check(file: Path, roots: KeptRoots = None) -> None:
    """Check a receipt with nothing but itself, neither database nor network, and say which step fails."""
    if not receipts.check(file, typer.echo, receipts.kept_in(roots) if roots else None):
        raise typer.Exit(1)


app.command("simulate")(simulate)
app.command("backup")(backup.backup)
app.command("doctor")(doctor.doctor)
app.command("restore")(backup.restore)
app.command("resend")(backup.resend)
app.command("status")(status.status)


def apply(url: str, of: province_data.Province, amqp_url: str, management_url: str) -> None:
    """The queues of the bus in use."""
    if amqp_url:
        agency.rabbit(amqp_url, management_url).apply(whole_topology(of), prune=True)
    else:
        apply_embedded(url, of)
    typer.echo(f"queues are ready, {len(of.agencies)} of them for agencies")


def main() -> None:
    """The console script: what a person has to put right is said in words, without a stack trace."""
    try:
        app()
    except (CannotStart, ProvinceError, BusDown, Refused) as reason:
        typer.echo(f"hoiam: {reason}", err=True)
        sys.exit(1)
    except OperationalError as reason:
        typer.echo(f"hoiam: the database can't be used: {str(reason.orig).strip()}\nCheck DATABASE_URL, and that it runs.", err=True)
        sys.exit(1)
