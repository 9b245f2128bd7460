"""HTTP of intake: portals post reports, reporters add to them, everybody may see what became of them."""

from datetime import timedelta

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool

from services.intake import store
from services.intake.api import posting, privacy, reporting, showing
from services.intake.api.recent import Recent
from services.intake.settings import IntakeSettings
from shared import province
from shared.access import Principal, key_hash
from shared.limits import NO_LIMIT, Rate
from shared.origins import Origins
from shared.problems import Busy
from shared.province import NoProvince, Province
from shared.web import Desk, PortalOf

FRESH = timedelta(seconds=5)  # how long a withdrawn key or an old province may live on


def routes(desk: Desk, settings: IntakeSettings) -> APIRouter:
    """All of it."""

    def read(_latest: str) -> Province:
        try:
            with desk.sessions() as session:
                return province.current(session)
        except NoProvince:
            raise Busy("no province is loaded here yet", code="no_province") from None

    provinces = Recent(read, lasts=FRESH, clock=desk.clock)
    router = APIRouter()
    router.include_router(posting.routes(desk, settings, provinces), tags=["reports"])
    router.include_router(reporting.routes(desk, settings, provinces))
    router.include_router(showing.routes(desk, provinces), tags=["reports"])
    router.include_router(privacy.routes(desk, settings, provinces))
    return router


def portal_of(desk: Desk, usual: Rate = NO_LIMIT) -> PortalOf:
    """Who holds a key; the keys themselves are not remembered."""

    def read(hashed: str) -> Principal | None:
        with desk.sessions() as session:
            return store.portal_by_hash(session, hashed, desk.clock(), usual=usual)

    portals = Recent(read, lasts=FRESH, clock=desk.clock)

    async def holder(key: str) -> Principal | None:
        hashed = key_hash(key)
        return portals.remembered(hashed) or await run_in_threadpool(portals, hashed)

    return holder


def origins(desk: Desk) -> Origins:
    """Where portals have web pages."""

    def read(_all: str) -> frozenset[str]:
        with desk.sessions() as session:
            return store.origins(session, desk.clock())

    known = Recent(read, lasts=FRESH, clock=desk.clock)

    async def of_all() -> frozenset[str]:
        return await run_in_threadpool(known, "all") or frozenset()

    return of_all
