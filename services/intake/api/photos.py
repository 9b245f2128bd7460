"""Photos go out: what is released to anybody, the rest to those who work with it, the original to who answers for everything."""

from typing import Annotated, Any, Literal
from uuid import UUID

import structlog
from fastapi import APIRouter, Header, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy.orm import Session

from services.intake import store
from services.intake.api.uploads import names
from services.intake.domain.media import Media, State
from services.intake.store import media
from services.intake.store.files import Files
from shared.access import Principal, Role
from shared.errors import NotFound
from shared.privacy import SealingKeys
from shared.web import Caller, Desk

Responses = dict[int | str, dict[str, Any]]
FENCED = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}
ANYBODYS = FENCED | {"Cache-Control": "public, max-age=604800", "Cross-Origin-Resource-Policy": "cross-origin"}  # a week
SOMEBODYS = FENCED | {"Cache-Control": "private, no-store", "Cross-Origin-Resource-Policy": "same-origin"}
Known = Annotated[str, Header(alias="If-None-Match")]
Size = Literal["full", "thumbnail"]
IMAGE: Responses = {200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}}
SEALED: Responses = {200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}

log = structlog.get_logger()


class MediaView(BaseModel):
    """As those see it who work with it."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    report_id: UUID | None
    uploader: str
    state: State
    sha256: str
    width: int
    height: int
    created_at: AwareDatetime
    screened_by: str
    screened_at: AwareDatetime | None


class MediaPage(BaseModel):
    media: list[MediaView]


def routes(desk: Desk, files: Files, seals: SealingKeys) -> APIRouter:
    """The reading half."""
    router = APIRouter(tags=["media"])

    @router.get("/media/{media_id}.jpg", response_class=Response, responses=IMAGE)
    def released(media_id: UUID, size: Size = "full", if_none_match: Known = "") -> Response:
        """A photo that was released, for anybody."""
        one = _seen(desk, media_id, None)
        headers = ANYBODYS | {"ETag": f'"{size}-{one.sha256}"'}
        if headers["ETag"] in if_none_match:
            return Response(status_code=304, headers=headers)
        return _served(files, one, size, headers)

    @router.get("/v1/media/{media_id}", response_class=Response, responses=IMAGE)
    def copy(media_id: UUID, caller: Caller, size: Size = "full") -> Response:
        """A photo as it was made anew, screened or not. An agency sees those of the reports it holds."""
        return _served(files, _seen(desk, media_id, caller), size, SOMEBODYS)

    @router.get("/v1/media/{media_id}/original", response_class=Response, responses=SEALED)
    def original(media_id: UUID, caller: Caller) -> Response:
        """What was sent, with all that is hidden in it. Who opens it is logged."""
        one = _seen(desk, media_id, caller)
        log.warning("an original photo was opened", media_id=str(media_id), actor=caller.actor)
        opened = seals.open_bytes(files.read(media_id, names(one.sha256)[2]), about=str(media_id))
        attached = {"Content-Disposition": f'attachment; filename="{media_id}.original"'}
        return Response(opened, headers=SOMEBODYS | attached, media_type="application/octet-stream")

    @router.get("/v1/media")
    def listed(caller: Caller, report_id: UUID | None = None, after: UUID | None = None) -> MediaPage:
        """The photos of a report; without one, those nobody has screened yet, oldest first, a page at a time."""
        with desk.sessions() as session:
            found = media.of_report(session, report_id) if report_id else media.unscreened(session, after)
            return MediaPage(media=[MediaView.model_validate(one) for one in found if _is_theirs(session, one, caller)])

    return router


def _seen(desk: Desk, media_id: UUID, caller: Principal | None) -> Media:
    """Raises :class:`NotFound`, also for what is not the caller's (None: anybody's) to see."""
    with desk.sessions() as session:
        one = media.of_id(session, media_id)
        if not (_is_theirs(session, one, caller) if caller else one.state == State.RELEASED):
            raise NotFound("no media has this id")
    return one


def _is_theirs(session: Session, one: Media, caller: Principal) -> bool:
    """An agency's are its own and those of the reports it holds; others who may ask see all. Nobody sees what has no bytes yet."""
    if caller.role != Role.AGENCY or one.uploader == caller.actor:
        return one.is_there
    report = store.report_by_id(session, one.report_id) if one.report_id else None
    return one.is_there and report is not None and report.agency == caller.agency


def _served(files: Files, one: Media, size: str, headers: dict[str, str]) -> Response:
    content = files.read(one.id, names(one.sha256)[size == "thumbnail"])
    inline = {"Content-Disposition": f'inline; filename="{one.id}.jpg"'}
    return Response(content, headers=headers | inline, media_type="image/jpeg")
