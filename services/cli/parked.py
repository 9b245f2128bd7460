"""`hoiam parked`: messages of all services that wait for a person, and what the person does with them."""

import getpass
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.cli.options import BASE, HOME, Folder, PortBase
from services.cli.process import CannotStart
from services.cli.system import HANDLERS, database_url, room
from services.cli.up import Layout
from shared import mailbox
from shared.clock import now
from shared.mailbox import Held

app = typer.Typer(no_args_is_help=True)
Ids = Annotated[list[str] | None, typer.Argument(help="Ids of messages, as `hoiam parked list` shows them.")]
Service = Annotated[str, typer.Option(help="Of this service only: intake, routing, sla or notify.")]
Code = Annotated[str, typer.Option(help="With this code only: not_your_case, crashed, …")]
Topic = Annotated[str, typer.Option(help="Whose routing key ends like this: report.routed, submit_result, …")]
Sender = Annotated[str, typer.Option(help="From this user of the broker only: agency.dh")]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which messages are meant; all of them, when it says nothing."""

    ids: Sequence[str] = ()
    service: str = ""
    code: str = ""
    topic: str = ""
    sender: str = ""

    def __post_init__(self) -> None:
        if self.service not in {"", *HANDLERS}:
            raise CannotStart(f"There is no service {self.service!r}; there are {', '.join(HANDLERS)}.")

    def means(self, held: Any) -> bool:
        """Whether ``held`` (or a row of what was dropped) is one of them."""
        return (
            (not self.ids or held.message_id in self.ids)
            and self.code in {"", held.code}
            and self.sender in {"", held.sender}
            and held.routing_key.endswith(self.topic)
        )

    def named(self) -> "Wanted":
        """Itself, where somebody said what is meant. Raises :class:`CannotStart`: nothing is done to everything by accident."""
        if not (self.ids or self.service or self.code or self.topic or self.sender):
            raise CannotStart("Say which messages: by their ids, or by --service, --code, --topic or --sender.")
        return self


@app.command("list")
def show_all(
    service: Service = "", code: Code = "", topic: Topic = "", sender: Sender = "",
    gone: Annotated[bool, typer.Option("--dropped", help="Those that were dropped instead: when, by whom and why.")] = False,
    folder: Folder = HOME, port_base: PortBase = BASE,
) -> None:  # fmt: skip
    """All of them, a line each."""
    url, wanted = database_url(Layout(folder.absolute(), port_base)), Wanted(service=service, code=code, topic=topic, sender=sender)
    lines = _dropped(url, wanted) if gone else [line(name, held) for name, held in parked(url, wanted)]
    typer.echo("\n".join(lines) or ("Nothing was dropped." if gone else "Nothing is parked."))


@app.command()
def show(ids: Annotated[list[str], typer.Argument()], folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Some of them, whole and readable. What people wrote is in it: look where nobody looks over your shoulder."""
    found = list(parked(database_url(Layout(folder.absolute(), port_base)), Wanted(ids=ids)))
    _check_found(found, ids)
    for name, held in found:
        typer.echo(whole(name, held))


@app.command()
def retry(
    ids: Ids = None, service: Service = "", code: Code = "", topic: Topic = "", sender: Sender = "",
    folder: Folder = HOME, port_base: PortBase = BASE,
) -> None:  # fmt: skip
    """Have them tried again, once what was wrong is mended."""
    wanted = Wanted(ids=ids or (), service=service, code=code, topic=topic, sender=sender).named()
    for name, held in do(database_url(Layout(folder.absolute(), port_base)), wanted, try_again(now())):
        typer.echo(f"{name} tries {held.message_id} again at its next tick.")


@app.command()
def drop(
    reason: Annotated[str, typer.Option(help="Why; it is kept.")],
    ids: Ids = None, service: Service = "", code: Code = "", topic: Topic = "", sender: Sender = "",
    person: Annotated[str, typer.Option("--by", help="Who drops them; whoever is logged in, when not given.")] = "",
    folder: Folder = HOME, port_base: PortBase = BASE,
) -> None:  # fmt: skip
    """Forget them for good. What was in them goes; that they were there, who dropped them and why is kept (`list --dropped`)."""
    wanted = Wanted(ids=ids or (), service=service, code=code, topic=topic, sender=sender).named()
    if not reason.strip():
        raise CannotStart("Say why (--reason): it is kept for whoever asks later.")
    forget = forgetting(now(), person=person or getpass.getuser(), reason=reason)
    for name, held in do(database_url(Layout(folder.absolute(), port_base)), wanted, forget):
        typer.echo(f"{name} has forgotten {held.message_id}.")


Deed = Callable[[Session, Held], object]


def try_again(at: datetime) -> Deed:
    """Another round of tries, from ``at`` on."""
    return lambda session, held: mailbox.retry(session, held.message_id, at)


def forgetting(at: datetime, *, person: str, reason: str) -> Deed:
    """Dropped at ``at``."""
    return lambda session, held: mailbox.drop(session, held, at, person=person, reason=reason)


def do(url: str, wanted: Wanted, deed: Deed) -> list[tuple[str, Held]]:
    """``deed`` to each that is meant, a transaction for each service. Raises :class:`CannotStart` for none, or for an unknown id."""
    found = list(parked(url, wanted))
    _check_found(found, wanted.ids)
    for service in {name for name, _ in found}:
        with room(url, service) as rooms, rooms.begin() as session:
            for held in (held for name, held in found if name == service):
                deed(session, held)
    return found


def parked(url: str, wanted: Wanted | None = None) -> Iterator[tuple[str, Held]]:
    """Service and message, the oldest first in each service."""
    asked = wanted or Wanted()
    for service in HANDLERS:
        if asked.service in {"", service}:
            with room(url, service) as rooms, rooms() as session:
                yield from ((service, held) for held in mailbox.parked(session) if asked.means(held))


def line(service: str, held: Held) -> str:
    """One message on one line."""
    who = held.sender or "-"
    name = f"{held.received_at:%Y-%m-%d %H:%M:%S}  {service:8} {held.message_id}"
    return f"{name}  {held.routing_key:24} from {who:16} {held.code}: {held.reason}"


def whole(service: str, held: Held) -> str:
    """Everything about one message. The body may hold what people wrote: it is shown to the operator who asks, and never logged."""
    try:
        body = json.dumps(json.loads(held.body), ensure_ascii=False, indent=2)
    except ValueError:
        body = repr(held.body[:2000])
    return f"{line(service, held)}\nattempts: {held.attempts}\n{body}"


def _dropped(url: str, wanted: Wanted) -> list[str]:
    lines = []
    for service in HANDLERS:
        if wanted.service in {"", service}:
            with room(url, service) as rooms, rooms() as session:
                rows = session.execute(select(mailbox.dropped).order_by(mailbox.dropped.c.id))
                lines += [
                    _dropped_line(service, row) for row in rows if wanted.code in {"", row.code} and wanted.sender in {"", row.sender}
                ]
    return lines


def _dropped_line(service: str, row: Any) -> str:
    name = f"{row.dropped_at:%Y-%m-%d %H:%M:%S}  {service:8} {row.message_id}"
    return f"{name}  {row.routing_key:24} {row.code}, dropped by {row.person}: {row.reason}"


def _check_found(found: Sequence[tuple[str, Held]], ids: Sequence[str]) -> None:
    missing = set(ids) - {held.message_id for _, held in found}
    if missing or not found:
        which = f"No message {', '.join(sorted(missing))} is parked" if missing else "No such message is parked"
        raise CannotStart(f"{which}: `hoiam parked list` shows which are.")
