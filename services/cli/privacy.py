"""`hoiam privacy`: keys changed, contacts forgotten, and what is held about a person told to that person."""

import getpass
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from services.cli import keys
from services.cli.options import BASE, HOME, Folder, PortBase
from services.cli.process import CannotStart
from services.cli.system import database_url, room
from services.cli.up import Layout
from services.intake import handlers
from services.intake import store as intake
from services.intake.api.bodies import Contact, mail_address, telephone
from services.intake.api.uploads import names
from services.intake.domain.privacy import Act, TouchIdentity
from services.intake.domain.report import Report
from services.intake.settings import IntakeSettings
from services.intake.store import media
from services.intake.store import privacy as identity
from services.intake.store.files import Files
from services.notify import store as notify
from shared import mailbox
from shared.clock import now
from shared.errors import NotFound
from shared.handling import Handling
from shared.messages import Tick
from shared.privacy import SealingKeys, lookup_hash
from shared.resealing import reseal, sealed_before

AT_ONCE = 500
app = typer.Typer(no_args_is_help=True)
Say = Callable[[str], None]
Reason = Annotated[str, typer.Option(help="Why; auditors read it.")]
By = Annotated[str, typer.Option(help="Who does it, when it is not the user of this machine.")]


@app.command("reseal")
def reseal_all(folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Seal every contact again under the first of SEALING_KEYS, in intake and notify. Safe beside running services that have that key
    already, and to repeat: what was done stays done."""
    layout = Layout(folder.absolute(), port_base)
    url, seals, link_key = database_url(layout), sealing_keys(layout), _secret("LINK_KEY", layout.keys / keys.LINK)

    def found_again(session: Session, report_id: UUID, text: str) -> None:
        contact = Contact.model_validate_json(text)
        identity.keep_hashes(session, report_id, key=link_key, phone=contact.phone, email=contact.email)

    rooms: Mapping[str, tuple[Table, dict[str, Any]]] = {
        "intake": (intake.reporters, {"where": identity.to_reseal(seals), "noted": found_again}),
        "notify": (notify.contacts, {}),
        "followers": (notify.followers, {}),
        "webhooks": (notify.webhooks, {}),
    }
    for name, (table, how) in rooms.items():
        _reseal(url, name, table, seals, how)
    options = dict(pair.split("=", 1) for pair in _setting("MEDIA_OPTIONS").split())
    _reseal_photos(url, Files(os.environ.get("MEDIA_URL", str(layout.folder / "media")), options), seals)
    days = mailbox.KEEP_SENT.days  # a restored database says again what was sent so lately
    typer.echo(f"An older key may go from SEALING_KEYS in {days} days, if `hoiam parked list` and the outboxes are empty then.")


@app.command()
def expire(
    folder: Folder = HOME,
    port_base: PortBase = BASE,
    days: Annotated[int | None, typer.Option(help="After the end of a report; the setting CONTACT_DAYS when not given.", min=1)] = None,
) -> None:
    """Forget now who reported what has long been over. intake does so by itself all the time; this is for a shorter time, or to see it."""
    url = database_url(Layout(folder.absolute(), port_base))
    forget = handlers.forgetting(days or int(os.environ.get("CONTACT_DAYS", IntakeSettings.model_fields["contact_days"].default)))
    with room(url, "intake") as rooms:
        handling = _handling(rooms)
        forgotten = sum(iter(lambda: handling.run(lambda session: forget(Tick(at=now()), session)), 0))
    typer.echo(f"{forgotten} reporters forgotten")


@app.command()
def erase(tracking_code: str, reason: Reason, by: By = "", folder: Folder = HOME, port_base: PortBase = BASE) -> None:
    """Forget who sent a report, because that person asks for it: the contact goes from intake and notify, and out of every text. The
    report itself stays."""
    with room(database_url(Layout(folder.absolute(), port_base)), "intake") as rooms:
        with rooms() as session:
            report = _report(session, tracking_code)
        asked = _touch(report.report_id, Act.ERASED, by, reason, now())
        _handling(rooms).run(lambda session: handlers.note_access(asked, session))
    typer.echo(f"{report.tracking_code}: who reported is forgotten here, and in notify within seconds")


@app.command()
def export(
    tracking_code: Annotated[str, typer.Argument(help="Of a report; or --phone or --email of a person.")] = "",
    reason: Reason = "",
    by: By = "",
    number: Annotated[str, typer.Option("--phone")] = "",
    address: Annotated[str, typer.Option("--email")] = "",
    folder: Folder = HOME,
    port_base: PortBase = BASE,
) -> None:
    """Print as JSON all that is held about a person, for that person. The look is written down like any other."""
    layout = Layout(folder.absolute(), port_base)
    url = database_url(layout)
    if not reason:
        raise CannotStart("Say why with --reason: auditors read it.")
    with room(url, "intake") as intake_rooms, room(url, "notify") as notify_rooms:
        with intake_rooms() as session:
            found = _wanted(session, tracking_code, number, address, layout)
        for report_id in found:
            asked = _touch(report_id, Act.EXPORTED, by, reason, now())
            _handling(intake_rooms).run(lambda session, asked=asked: handlers.note_access(asked, session))  # type: ignore[misc]  # bound now
        with intake_rooms() as session, notify_rooms() as notices:
            held = [_held(session, notices, report_id, sealing_keys(layout)) for report_id in found]
    typer.echo(json.dumps({"made_at": now().isoformat(), "reports": held}, ensure_ascii=False, indent=2, default=str))


def _reseal(url: str, name: str, table: Table, seals: SealingKeys, how: dict[str, Any]) -> None:
    with room(url, "intake" if name == "intake" else "notify") as rooms:
        old = how.get("where", sealed_before(table, seals))
        with rooms() as session:
            total = session.scalar(select(func.count()).select_from(table).where(old)) or 0
        done = 0
        try:
            while step := _keep(rooms, lambda session: reseal(session, table, seals, limit=AT_ONCE, **how)):
                done += step
                typer.echo(f"{name}: {done} of {total}")
        except ValueError as reason:
            raise CannotStart(f"{name}: {reason}; {done} of {total} are done, and stay so") from None
        if not total:
            typer.echo(f"{name}: nothing to do")


def _reseal_photos(url: str, files: Files, seals: SealingKeys) -> None:
    """Originals, one at a time: which key sealed one is written in it alone, so each is looked at."""
    with room(url, "intake") as rooms:
        with rooms() as session:
            ids = session.scalars(select(media.media.c.id).where(media.media.c.sha256 != "").order_by(media.media.c.id)).all()
        try:
            done = sum(_keep(rooms, lambda session, one=one: _reseal_original(session, one, files, seals)) for one in ids)  # type: ignore[misc]
        except ValueError as reason:
            raise CannotStart(f"photos: {reason}") from None
        typer.echo(f"photos: {done} of {len(ids)}" if done else "photos: nothing to do")


def _reseal_original(session: Session, media_id: UUID, files: Files, seals: SealingKeys) -> int:
    """Locked, so that what is removed meanwhile does not come back."""
    try:
        name = names(media.of_id(session, media_id, lock=True).sha256)[2]
        sealed = files.read(media_id, name)
    except NotFound:
        return 0
    if sealed.startswith(f"{seals.keys[0][0]}:".encode()):
        return 0
    files.keep(media_id, {name: seals.seal_bytes(seals.open_bytes(sealed, about=str(media_id)), about=str(media_id))})
    return 1


def _keep(rooms: Any, work: Callable[[Session], int]) -> int:
    return _handling(rooms).keep(work)


def _handling(rooms: Any) -> Handling:
    return Handling(service="intake", handlers=handlers.HANDLERS, sessions=rooms)


def _touch(report_id: UUID, act: Act, by: str, reason: str, at: datetime) -> TouchIdentity:
    return TouchIdentity(report_id=report_id, at=at, actor=f"cli:{by or getpass.getuser()}", act=act, reason=reason)


def _report(session: Session, tracking_code: str) -> Report:
    report = intake.report_by_code(session, tracking_code.strip().upper())
    if report is None:
        raise CannotStart(f"No report has the tracking code {tracking_code}.")
    return report


def _wanted(session: Session, tracking_code: str, number: str, address: str, layout: Layout) -> list[UUID]:
    """The reports asked for, by one of the three."""
    if tracking_code:
        return [_report(session, tracking_code).report_id]
    try:
        contact = telephone(number) or mail_address(address)
    except ValueError as reason:
        raise CannotStart(f"The contact {reason}.") from None
    if not contact:
        raise CannotStart("Give a tracking code, --phone or --email.")
    return identity.reports_of(session, lookup_hash(_secret("LINK_KEY", layout.keys / keys.LINK), contact))


def _held(session: Session, notices: Session, report_id: UUID, seals: SealingKeys) -> dict[str, Any]:
    report = intake.report_by_id(session, report_id)
    assert report
    reporter = identity.reporter_of(session, report_id)
    at_notify = notify.sealed_contact(notices, report_id)
    return {
        "report": {part.name: getattr(report, part.name) for part in fields(Report) if part.name not in _OURS},
        "contact": _opened(seals, reporter.sealed if reporter else "", report_id),
        "contact_of_notify": _opened(seals, at_notify or "", report_id),
        "timeline": [{"at": entry.at, "topic": entry.topic, **entry.data} for entry in intake.timeline_of(session, report_id)],
        "notices": [
            {name: getattr(notice, name) for name in ("about", "channel", "subject", "body", "state", "created_at", "sent_at")}
            for notice in notify.notices_about(notices, report_id)
            if notice.webhook_id is None and notice.follower_id is None
        ],
        "accesses": [
            {"at": access.at, "actor": access.actor, "act": access.act, "reason": access.reason}
            for access in identity.accesses_after(session, None, limit=10_000, report_id=report_id)
        ],
    }


_OURS = {"key", "fingerprint", "version", "status_version", "due_version"}  # of no meaning to anybody else


def _opened(seals: SealingKeys, sealed: str, report_id: UUID) -> Any:
    return json.loads(seals.open(sealed, about=str(report_id))) if sealed else None


def sealing_keys(layout: Layout) -> SealingKeys:
    """Of the environment, or of the embedded system. Raises :class:`CannotStart`."""
    return SealingKeys.parse(_secret("SEALING_KEYS", layout.keys / keys.SEALING))


def _secret(name: str, path: Path) -> str:
    """From the environment, or the embedded system's own file."""
    try:
        return _setting(name) or path.read_text(encoding="utf-8").strip()
    except OSError:
        raise CannotStart(f"No {name}: set it, or {name}_FILE; the embedded system keeps it in {path}.") from None


def _setting(name: str) -> str:
    """``name``, or what the file holds that ``<name>_FILE`` names."""
    path = os.environ.get(f"{name}_FILE")
    return Path(path).read_text(encoding="utf-8").strip() if path else os.environ.get(name, "")
