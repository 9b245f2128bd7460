"""Who reported: told to the operations centre with a reason, and written down; who looked is told to auditors."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

from services.intake.api.bodies import Body, at_least
from services.intake.api.recent import Recent
from services.intake.api.showing import known, report_by_typed_code
from services.intake.api.strict import StrictRoute
from services.intake.domain.privacy import Act, TouchIdentity
from services.intake.settings import IntakeSettings
from services.intake.store import privacy as store
from shared.errors import NotFound, Refused
from shared.privacy import SealingKeys
from shared.province import Province
from shared.texts import Text
from shared.web import Caller, Desk


class WhyBody(Body):
    """Why the centre has to know who reported; auditors read it."""

    reason: Annotated[Text, AfterValidator(at_least(10))]


class Disclosed(BaseModel):
    """As the reporter left it."""

    name: str = ""
    email: str = ""
    phone: str = ""


class AccessView(BaseModel):
    """``actor`` looked who sent this report, or had it erased; ``retention`` is time itself."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    at: AwareDatetime
    actor: str
    act: Act
    tracking_code: str
    reason: str


class Accesses(BaseModel):
    """``after`` of the next page is the ``next`` of this one; none when this is the last."""

    accesses: list[AccessView]
    next: UUID | None


class Unreadable(Refused):
    """The key that sealed it is not here."""

    status = 503
    code = "key_missing"


def routes(desk: Desk, settings: IntakeSettings, provinces: Recent[str, Province]) -> APIRouter:
    """Both."""
    router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["privacy"])
    seals = SealingKeys.parse(settings.sealing_keys)

    def sealed(tracking_code: str) -> tuple[UUID, str]:
        with desk.sessions() as session:
            report_id = report_by_typed_code(session, tracking_code, known(provinces)).report_id
            reporter = store.reporter_of(session, report_id)
        if reporter is None:
            raise NotFound("nobody is known to have sent this report: it is anonymous, or was made so", code="no_contact")
        return report_id, reporter.sealed

    @router.post("/reports/{tracking_code}/contact:disclose")
    async def disclose(tracking_code: str, body: WhyBody, caller: Caller) -> Disclosed:
        """Who sent a report. The look is on record before the answer is given, and can't be taken off it."""
        report_id, contact = await run_in_threadpool(sealed, tracking_code)
        await desk.say(TouchIdentity(report_id=report_id, at=desk.clock(), actor=caller.actor, act=Act.DISCLOSED, reason=body.reason))
        try:
            return Disclosed.model_validate_json(seals.open(contact, about=str(report_id)))
        except ValueError:
            raise Unreadable("the contact can't be opened with the SEALING_KEYS of this service") from None

    @router.get("/privacy/accesses")
    def accesses(after: UUID | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Accesses:
        """Everybody who looked who reported, the first first."""
        with desk.sessions() as session:
            found = store.accesses_after(session, after, limit=limit)
        views = [AccessView.model_validate(access) for access in found]
        return Accesses(accesses=views, next=views[-1].id if len(views) == limit else None)

    return router
