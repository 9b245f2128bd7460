"""`hoiam notify`: how letters read, and what did not arrive is sent again."""

from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from services.cli.options import BASE, HOME, Folder, PortBase
from services.cli.process import CannotStart
from services.cli.system import database_url, room
from services.cli.up import Layout
from services.notify import handlers, store
from services.notify.domain.audience import OFFICES, TABLE, Line, Reader
from services.notify.domain.letters import BrokenTemplate, check_templates, page
from services.notify.domain.samples import preview
from services.notify.domain.webhooks import Replay
from services.notify.store import sending
from shared.clock import now
from shared.envelope import new_id
from shared.errors import NotFound
from shared.province import read_province
from shared.settings import PROJECT

PROVINCE = PROJECT / "deploy/provinces/quang-tri"
PERSONS = (Reader.REPORTER, Reader.FOLLOWER)
app = typer.Typer(no_args_is_help=True)
Span = Annotated[
    datetime,
    typer.Option(
        help="YYYY-MM-DDTHH:MM:SS+07:00; without an offset, in UTC.", formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]
    ),
]


@app.command()
def replay(
    since: Span,
    until: Span,
    webhook: Annotated[UUID | None, typer.Option(help="Of this webhook only; letters and all webhooks when not given.")] = None,
    delivered: Annotated[
        bool, typer.Option("--delivered", help="Also what the webhook took: under the id it knows. Never letters.")
    ] = False,
    folder: Folder = HOME,
    port_base: PortBase = BASE,
) -> None:
    """Send again what failed about facts from --since to before --until, under the ids it had: who remembers them counts none twice."""
    if _aware(since) >= _aware(until):
        raise CannotStart("--since must be before --until.")
    with room(database_url(Layout(folder.absolute(), port_base)), "notify") as rooms, rooms.begin() as session:
        total, at = 0, now()
        targets = [webhook] if webhook else [hook.id for hook in store.all_webhooks(session)]
        for target in [*targets, *([] if webhook else [None])]:
            asked = Replay(
                report_id=target or new_id(),
                at=at,
                since=_aware(since),
                until=_aware(until),
                failed_only=not delivered,
                to_people=target is None,
            )
            count = sending.count(session, sending.to_replay(asked))
            handlers.replay(asked, session)
            total += count
            typer.echo(f"{f'webhook {target}' if target else 'letters'}: {count}")
    typer.echo(f"{total} notices go out again.")


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=now().tzinfo)


@app.command("preview")
def preview_letter(
    fact: Annotated[str, typer.Argument(help="As docs/notices.md names it: case.resolved, clock.escalated/2, …")],
    to: Annotated[Reader, typer.Option(help="Who reads it.")] = Reader.REPORTER,
    language: Annotated[str, typer.Option(help="vi or en")] = "vi",
    html: Annotated[bool, typer.Option("--html", help="The HTML instead of the text.")] = False,
    province: Annotated[Path, typer.Option("--province", help="Folder of the province's data.", envvar="PROVINCE_DIR")] = PROVINCE,
) -> None:
    """Print the letter about a made-up report, as whoever reads it gets it."""
    if language not in {"vi", "en"}:
        raise CannotStart("--language is vi or en")
    try:
        letter = preview(fact, to, language, read_province(province))
    except NotFound as unknown:
        raise CannotStart(unknown.detail) from None
    typer.echo(page(letter.text, language) if html else f"{letter.subject}\n\n{letter.text}\n(template {letter.version})")


@app.command()
def check() -> None:
    """Check every template: that it is there, can be read, and writes nothing that its facts don't have."""
    try:
        check_templates()
    except BrokenTemplate as broken:
        raise CannotStart(str(broken)) from None
    typer.echo("every template is sound")


def table() -> str:
    """Who hears what, for docs/notices.md."""
    columns = [*PERSONS, *OFFICES]
    head = [
        "| fact | " + " | ".join(column.replace("_", " ") for column in columns) + " | portal |",
        "| --- |" + " --- |" * (len(columns) + 1),
    ]
    return "\n".join([*head, *(_row(key, line) for key, line in TABLE.items())])


def _row(key: str, line: Line) -> str:
    told = [getattr(line, reader) or "" for reader in (*PERSONS, *OFFICES)]
    portal = "" if line.portal is None else f"`{line.portal}`" if line.portal else "yes"
    return f"| `{key}` | " + " | ".join([*told, portal]) + " |"
