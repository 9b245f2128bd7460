"""`hoiam backup` and `hoiam restore`: everything that was accepted, in a folder, and back from it.

The database is read in one snapshot, beside work. Queues are in no backup: what was on its way is said again by `restore`, from what each
service keeps of what it sent, and inboxes drop what had been heard (decision 81). Keys are in no backup either: they lie apart.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection, create_engine, text

from services.cli import audit, dumps, manifest
from services.cli.manifest import Manifest
from services.cli.options import BASE, HOME, Folder, PortBase
from services.cli.private_postgres import PrivatePostgres
from services.cli.process import CannotStart
from services.cli.receipts import witnessed
from services.cli.system import HANDLERS, database_url, migrate_all, room, secret
from services.cli.up import Layout
from shared import mailbox
from shared.bus import BusDown
from shared.bus.topology import inbox
from shared.database import psycopg_url

DUMP, MEDIA = "database.dump", "media"
SERVICES = tuple(HANDLERS)
Say = Callable[[str], None]
Target = Annotated[Path, typer.Argument(help="The folder of the backup; it must not be there yet.")]
Source = Annotated[Path, typer.Argument(help="The folder that `hoiam backup` made.")]


def backup(target: Target, folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Save the database and the photos into a new folder, beside running services. Keys are not in it: keep them elsewhere."""
    layout = Layout(folder.absolute(), port_base)
    save(database_url(layout), target.absolute(), media_folder(layout), typer.echo)
    typer.echo(f"Saved in {target}. SEALING_KEYS, LINK_KEY and the signing key are not in it: without them contacts can't be read.")


def restore(source: Source, folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Bring a backup into an empty database, say again what was on its way, and verify every history. Services must not run yet."""
    layout = Layout(folder.absolute(), port_base)
    with _empty_broker(), _database(layout) as url:
        bring_back(url, source.absolute(), media_folder(layout), typer.echo)
        sound = audit.verify(url, typer.echo, {"intake": witnessed(url)})
    if not sound:
        raise CannotStart("The backup is here, but histories in it are not as they were written: see above, and docs/audit.md.")
    typer.echo("Restored. Now: hoiam topology apply, then start the services (embedded: hoiam up).")


def resend(folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Say again what services sent lately, after the database was put back in time by other means than `hoiam restore`. Safe to repeat."""
    _say_again(database_url(Layout(folder.absolute(), port_base)), typer.echo)


def save(url: str, target: Path, media: Path | None, say: Say) -> None:
    """``target`` is there whole or not at all. Raises :class:`CannotStart`."""
    if target.exists():
        raise CannotStart(f"{target} is there already: name a folder that is not, such as one with the date in its name.")
    draft = target.with_name(target.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    with _snapshot(url) as (connection, name):
        noted = manifest.of(connection)
        say(f"database, as of {noted.taken_at:%Y-%m-%d %H:%M:%S %Z}")
        dumps.dump(url, draft / DUMP, schemas=SERVICES, snapshot=name, say=say)
    (draft / DUMP).chmod(0o600)
    photos = _copy(media, draft / MEDIA, say)  # after the snapshot: every photo that it knows is there by now
    manifest.write(draft, noted.model_copy(update={"sha256": manifest.digest(draft / DUMP), "photos": photos}))
    draft.rename(target)


def bring_back(url: str, source: Path, media: Path | None, say: Say) -> None:
    """Into an empty database, then up to this release. Raises :class:`CannotStart` before anything is changed, or when it went wrong."""
    noted = manifest.read(source)
    manifest.check(noted, source / DUMP)
    _refuse_full(url, media)
    say(f"database, as of {noted.taken_at:%Y-%m-%d %H:%M:%S %Z}")
    dumps.load(url, source / DUMP, say=say)
    _compare(url, noted)
    _copy(source / MEDIA, media, say)
    migrate_all(url, say)
    _count_again(url)
    _say_again(url, say)


def media_folder(layout: Layout) -> Path | None:
    """Where photos are; None when that is a bucket, which has copies of its own."""
    given = os.environ.get("MEDIA_URL", str(layout.folder / "media")).removeprefix("file://")
    return None if "://" in given else Path(given).absolute()


def _count_again(url: str) -> None:
    """The planner knows nothing of tables that were just filled."""
    owner = create_engine(psycopg_url(url), isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.execute(text("ANALYZE"))
    owner.dispose()


def _say_again(url: str, say: Say) -> None:
    for service in SERVICES:
        with room(url, service) as rooms, rooms.begin() as session:
            session.execute(text("SET LOCAL statement_timeout = 0"))
            say(f"{service} says {mailbox.send_again(session)} messages again")


@contextmanager
def _snapshot(url: str) -> Iterator[tuple[Connection, str]]:
    """A view of the whole database at one moment, and the name by which others see the same."""
    owner = create_engine(psycopg_url(url))
    try:
        with owner.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            yield connection, str(connection.scalar(text("SELECT pg_export_snapshot()")))
    finally:
        owner.dispose()


@contextmanager
def _database(layout: Layout) -> Iterator[str]:
    """The one that is set, or the embedded one, run for this alone."""
    if given := secret("DATABASE_URL"):
        yield given
    else:
        with PrivatePostgres(layout.postgres, port=layout.database_port) as postgres:
            yield postgres.url


@contextmanager
def _empty_broker() -> Iterator[None]:
    """What waits in a broker from before knows things that the restored database does not."""
    if url := secret("AMQP_URL"):
        from shared.bus.rabbitmq import RabbitBus

        for service in SERVICES:
            if waiting := _depth(RabbitBus(url), inbox(service)):
                raise CannotStart(
                    f"{waiting} messages wait in {inbox(service)}, of a time after the backup. Stop the services, delete the vhost "
                    "and make it anew (docs/deployment.md), then restore."
                )
    yield


def _depth(bus: object, queue: str) -> int:
    try:
        return int(bus.depth(queue))  # type: ignore[attr-defined]
    except LookupError:
        return 0
    except BusDown as error:
        raise CannotStart(f"The broker of AMQP_URL can't be asked whether it is empty: {error}") from None


def _refuse_full(url: str, media: Path | None) -> None:
    with _snapshot(url) as (connection, _):
        found = manifest.schemas(connection)
    if found:
        raise CannotStart(f"This database is not empty (schema {', '.join(found)}): restore into a new one (createdb), and switch over.")
    if media and media.exists() and any(media.iterdir()):
        raise CannotStart(f"{media} is not empty: name another folder in MEDIA_URL, or move what is there.")


def _compare(url: str, noted: Manifest) -> None:
    with _snapshot(url) as (connection, _):
        here = manifest.of(connection).rows
    wrong = {table: (rows, here.get(table)) for table, rows in noted.rows.items() if here.get(table) != rows}
    if wrong:
        raise CannotStart(f"What came back is not what was saved (table: rows then, rows now): {wrong}")


def _copy(source: Path | None, target: Path | None, say: Say) -> int:
    """Every photo's folder; how many. One that goes meanwhile was to be forgotten."""
    if source is None or target is None or not source.exists():
        say("photos: none here (those in a bucket have copies of their own)" if source is None or target is None else "photos: none")
        return 0
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    folders = sorted(path for path in source.iterdir() if path.is_dir())
    for number, photo in enumerate(folders, start=1):
        try:
            shutil.copytree(photo, target / photo.name)
        except (FileNotFoundError, shutil.Error):
            shutil.rmtree(target / photo.name, ignore_errors=True)
        if number % 1000 == 0:
            say(f"  {number} of {len(folders)} photos")
    say(f"photos: {len(folders)}")
    return len(folders)
