"""Following somebody else's report: asked for through a portal, begun and ended with the secret of a link that only the follower gets."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header
from fastapi.concurrency import run_in_threadpool

from services.intake.api.bodies import FollowerBody
from services.intake.api.links import check_link
from services.intake.api.recent import Recent
from services.intake.api.showing import typed_report
from services.intake.api.strict import StrictRoute
from services.intake.domain.following import AskToFollow, ConfirmFollower, ForgetFollower
from services.intake.settings import IntakeSettings
from services.intake.store import following
from shared.envelope import new_id
from shared.errors import NotFound
from shared.privacy import SealingKeys, lookup_hash
from shared.province import Province
from shared.web import Desk

Secret = Annotated[str, Header(description="The secret of the follower's link")]


def routes(desk: Desk, settings: IntakeSettings, provinces: Recent[str, Province]) -> APIRouter:
    """Three of them."""
    router = APIRouter(prefix="/v1", route_class=StrictRoute)
    seals = SealingKeys.parse(settings.sealing_keys)

    async def opened(follower_id: UUID, secret: str) -> UUID | None:
        """The report, if the follower is known. Raises :class:`Forbidden` for who doesn't hold the link."""
        check_link(settings.link_key, follower_id, secret, of="this follower's link")
        return await run_in_threadpool(_followed, desk, follower_id)

    @router.post("/reports/{tracking_code}/followers", status_code=202)
    async def follow(tracking_code: str, body: FollowerBody) -> None:
        """Somebody else wants to hear the news. They get one letter, and nothing more unless they confirm by the link in it."""
        report, follower_id = (await run_in_threadpool(typed_report, desk, tracking_code, provinces)).report_id, new_id()
        contact = body.contact.model_dump_json(include={"email", "phone"})
        await desk.say(
            AskToFollow(
                report_id=report,
                at=desk.clock(),
                follower_id=follower_id,
                fingerprint=body.fingerprint(settings.link_key, report),
                sealed=seals.seal(contact, about=str(follower_id)),
                language=body.language,
                person=lookup_hash(settings.link_key, body.contact.email or body.contact.phone),
            )
        )

    @router.post("/followers/{follower_id}/confirmation", status_code=202)
    async def confirm(follower_id: UUID, x_report_secret: Secret = "") -> None:
        """From now on the follower hears the news. Asked by the page that the link leads to, when somebody presses a button there."""
        report = await opened(follower_id, x_report_secret)
        if report is None:
            raise NotFound("this link is no good any more: ask again to follow the report")
        await desk.say(ConfirmFollower(report_id=report, at=desk.clock(), follower_id=follower_id))

    @router.delete("/followers/{follower_id}", status_code=202)
    async def leave(follower_id: UUID, x_report_secret: Secret = "") -> None:
        """The follower is forgotten; the same again says the same."""
        report = await opened(follower_id, x_report_secret)
        if report:
            await desk.say(ForgetFollower(report_id=report, at=desk.clock(), follower_id=follower_id))

    return router


def _followed(desk: Desk, follower_id: UUID) -> UUID | None:
    with desk.sessions() as session:
        follower = following.follower_of(session, follower_id)
    return follower.report_id if follower else None
