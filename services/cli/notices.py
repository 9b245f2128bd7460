"""`hoiam notify`: what did not arrive is sent again."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from services.cli.options import BASE, HOME, Folder, PortBase
from services.cli.process import CannotStart
from services.cli.system import database_url, room
from services.cli.up import Layout
from services.notify import handlers, store
from services.notify.domain.webhooks import Replay
from services.notify.store import sending
from shared.clock import now
from shared.envelope import new_id

app = typer.Typer(no_args_is_help=True)
Span = Annotated[
    datetime,
    typer.Option(
        help="YYYY-MM-DDTHH:MM:SS+07:00; without an offset, in UTC.", formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]
    ),
]


@app.callback()
def notify() -> None:
    """Keeps `replay` a word of its own while it is the only one."""


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
