"""Photos come in: with a report that is there, or announced first and sent to a link; and the operations centre screens them."""

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import AwareDatetime, BaseModel

from services.intake.api.bodies import Body
from services.intake.api.links import ReporterSecret, check_link
from services.intake.api.recent import Recent
from services.intake.api.showing import typed_report
from services.intake.api.strict import StrictRoute
from services.intake.api.uploads import Uploads
from services.intake.domain.media import ARRIVING, REPORTER, AnnounceMedia, KeepMedia, Media, ScreenMedia, TakeMedia
from services.intake.settings import IntakeSettings
from services.intake.store import media
from shared.access import Principal, Role, link_secret
from shared.envelope import new_id
from shared.errors import NotFound
from shared.province import Province
from shared.web import Caller, Desk

UploadSecret = Annotated[str, Header(description="The secret of the upload link")]


class Announcement(Body):
    """``report_id`` for an agency's photo of the result; a portal names the photo in the report it posts."""

    report_id: UUID | None = None


class UploadLink(BaseModel):
    """PUT the bytes to ``url`` (relative to intake's address) with the header ``X-Upload-Secret``, once, before ``expires_at``."""

    media_id: UUID
    url: str
    secret: str
    expires_at: AwareDatetime


class MediaReceipt(BaseModel):
    """Of the copy that was made: upright, without metadata. ``evidence`` is how a result names it."""

    media_id: UUID
    sha256: str
    width: int
    height: int
    evidence: str


class ScreeningBody(Body):
    """``release``: anybody may see it."""

    decision: Literal["release", "withhold"]


def _sends(content: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {content: {"schema": schema}}}}


BYTES = {"type": "string", "format": "binary"}
FORM = {"type": "object", "required": ["file"], "properties": {"file": BYTES}}


def routes(desk: Desk, settings: IntakeSettings, provinces: Recent[str, Province], uploads: Uploads) -> APIRouter:
    """The writing half."""
    router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["media"])

    async def announce(report_id: UUID | None, uploader: str, lasts: timedelta) -> AnnounceMedia:
        media_id, at = new_id(), desk.clock()
        about = {"report_id": report_id or media_id, "media_id": media_id, "at": at}
        announced = AnnounceMedia(**about, uploader=uploader, daily=settings.media_daily, expires_at=at + lasts)
        await desk.say(announced)
        return announced

    @router.post("/reports/{tracking_code}/media", status_code=201, openapi_extra=_sends("multipart/form-data", FORM))
    async def add(tracking_code: str, caller: Caller, request: Request, x_report_secret: ReporterSecret = "") -> MediaReceipt:
        """A photo of a report, in a part called `file`: from the reporter, or from the portal that posted the report."""
        report = await run_in_threadpool(typed_report, desk, tracking_code, provinces)
        if caller.role == Role.REPORTER:
            check_link(settings.link_key, report.report_id, x_report_secret)
        if caller.role == Role.PORTAL and report.portal != caller.name:
            raise NotFound("you posted no such report")
        async with uploads.part(request) as source:
            announced = await announce(report.report_id, _uploader(caller), ARRIVING)
            taken = TakeMedia(report_id=report.report_id, media_id=announced.media_id, at=desk.clock())
            return _receipt(await uploads.arrive(taken, source))

    @router.post("/media", status_code=201)
    async def announce_one(body: Announcement, caller: Caller) -> UploadLink:
        """A link to send a photo to, good for a short time, so that a telephone can send it without anybody's key."""
        announced = await announce(body.report_id, caller.actor, timedelta(minutes=settings.media_link_minutes))
        media_id = announced.media_id
        secret = link_secret(settings.link_key, media_id)
        return UploadLink(media_id=media_id, url=f"/v1/media/{media_id}", secret=secret, expires_at=announced.expires_at)

    @router.put("/media/{media_id}", openapi_extra=_sends("application/octet-stream", BYTES))
    async def send(media_id: UUID, request: Request, x_upload_secret: UploadSecret = "") -> MediaReceipt:
        """The bytes of an announced photo, as they are."""
        check_link(settings.link_key, media_id, x_upload_secret, of="this upload link")
        one = await run_in_threadpool(_linked, desk, media_id)
        async with uploads.body(request) as source:
            taken = TakeMedia(report_id=one.report_id or media_id, media_id=media_id, at=desk.clock())
            return _receipt(await uploads.arrive(taken, source))

    @router.post("/media/{media_id}/screening", status_code=204)
    async def screen(media_id: UUID, body: ScreeningBody, caller: Caller) -> None:
        """Release a photo for anybody to see, or withhold it; the last decision holds."""
        released = body.decision == "release"
        await desk.say(ScreenMedia(report_id=media_id, media_id=media_id, at=desk.clock(), actor=caller.actor, released=released))

    return router


def _uploader(caller: Principal) -> str:
    return REPORTER if caller.role == Role.REPORTER else caller.actor


def _receipt(kept: KeepMedia) -> MediaReceipt:
    about = kept.model_dump(include={"media_id", "sha256", "width", "height"})
    return MediaReceipt(**about, evidence=f"media:{kept.media_id}")


def _linked(desk: Desk, media_id: UUID) -> Media:
    """Raises :class:`Refused` before a body is read in vain."""
    with desk.sessions() as session:
        one = media.of_id(session, media_id)
    one.check_link(desk.clock())
    return one
