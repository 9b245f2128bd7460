"""HTTP of intake: portals post reports, reporters add to them, everybody may see what became of them."""

from collections.abc import Mapping
from datetime import timedelta

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool

from services.intake.api import auditing, bulk, following, listing, media, open311, photos, posting, privacy, reporting, showing, similar
from services.intake.api.recent import Recent
from services.intake.api.uploads import Uploads
from services.intake.settings import IntakeSettings
from services.intake.store import portals
from services.intake.store.files import Files
from shared import province
from shared.access import Principal, key_hash
from shared.limits import NO_LIMIT, Rate
from shared.origins import Origins
from shared.privacy import SealingKeys
from shared.problems import Busy
from shared.province import NoProvince, Province
from shared.straight import Answer
from shared.web import Desk, PortalOf

FRESH = timedelta(seconds=5)  # how long a withdrawn key or an old province may live on


def _provinces(desk: Desk) -> Recent[str, Province]:
    def read(_latest: str) -> Province:
        try:
            with desk.sessions() as session:
                return province.current(session)
        except NoProvince:
            raise Busy("no province is loaded here yet", code="no_province") from None

    return Recent(read, lasts=FRESH, clock=desk.clock)


def straight(desk: Desk, settings: IntakeSettings) -> Mapping[str, Answer]:
    """What every portal asks for all day."""
    return {"POST /v1/reports": posting.straight(desk, settings, _provinces(desk))}


def routes(desk: Desk, settings: IntakeSettings, files: Files) -> APIRouter:
    """All of it."""
    provinces = _provinces(desk)
    seals = SealingKeys.parse(settings.sealing_keys)
    uploads = Uploads(desk=desk, files=files, seals=seals, limit=settings.media_limit, memory=settings.media_memory)
    router = APIRouter()
    router.include_router(posting.routes(desk, settings, provinces), tags=["reports"])
    router.include_router(bulk.routes(desk, settings, provinces), tags=["reports"])
    router.include_router(reporting.routes(desk, settings, provinces))
    router.include_router(listing.routes(desk, provinces), tags=["reports"])
    router.include_router(following.routes(desk, settings, provinces), tags=["followers"])
    router.include_router(similar.routes(desk, provinces), tags=["reports"])
    router.include_router(showing.routes(desk, provinces), tags=["reports"])
    router.include_router(privacy.routes(desk, settings, provinces))
    router.include_router(auditing.routes(desk))
    router.include_router(media.routes(desk, settings, provinces, uploads))
    router.include_router(photos.routes(desk, files, seals))
    router.include_router(open311.routes(desk, settings, provinces))
    return router


def portal_of(desk: Desk, usual: Rate = NO_LIMIT) -> PortalOf:
    """Who holds a key; the keys themselves are not remembered."""

    def read(hashed: str) -> Principal | None:
        with desk.sessions() as session:
            return portals.portal_by_hash(session, hashed, desk.clock(), usual=usual)

    known = Recent(read, lasts=FRESH, clock=desk.clock)

    async def holder(key: str) -> Principal | None:
        hashed = key_hash(key)
        return known.remembered(hashed) or await run_in_threadpool(known, hashed)

    return holder


def origins(desk: Desk) -> Origins:
    """Where portals have web pages."""

    def read(_all: str) -> frozenset[str]:
        with desk.sessions() as session:
            return portals.origins(session, desk.clock())

    known = Recent(read, lasts=FRESH, clock=desk.clock)

    async def of_all() -> frozenset[str]:
        return await run_in_threadpool(known, "all") or frozenset()

    return of_all
