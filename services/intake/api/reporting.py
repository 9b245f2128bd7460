"""What the reporter says about the answer, with the secret of the link alone: withdrawn, rated, objected to. Once for each answer."""

from uuid import UUID, uuid5

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool

from services.intake import store
from services.intake.api.bodies import ObjectionBody, RatingBody, WithdrawalBody
from services.intake.api.links import ReporterSecret, check_link
from services.intake.api.recent import Recent
from services.intake.api.showing import typed_report
from services.intake.api.strict import StrictRoute
from services.intake.domain.reporter import ObjectToAnswer, RateAnswer, WithdrawReport
from services.intake.settings import IntakeSettings
from shared.envelope import Envelope
from shared.errors import Refused
from shared.province import Province
from shared.web import Desk

WORDS = UUID("5a6e7d1c-6a53-5ac2-9d39-1d9d2f0e8b03")  # of names made from a report and its answer


class SaidBefore(Refused):
    """One word for each answer."""

    code = "said_before"


def routes(desk: Desk, settings: IntakeSettings, provinces: Recent[str, Province]) -> APIRouter:
    """The reporter's last words."""
    router = APIRouter(prefix="/v1/reports/{tracking_code}", route_class=StrictRoute, tags=["reports"])

    async def reported(tracking_code: str, secret: str) -> UUID:
        """Raises :class:`Forbidden` for who doesn't hold the link."""
        report_id = (await run_in_threadpool(typed_report, desk, tracking_code, provinces)).report_id
        check_link(settings.link_key, report_id, secret)
        return report_id

    async def keep(asked: WithdrawReport | RateAnswer | ObjectToAnswer) -> None:
        """Raises :class:`SaidBefore`."""
        name = uuid5(WORDS, f"{asked.report_id}:{asked.topic}:{await run_in_threadpool(_answers, desk, asked.report_id)}")
        if not await desk.commit(Envelope.named(asked, name, source=desk.service)):
            raise SaidBefore("this was said before, and is kept as it was")

    @router.post("/withdrawal", status_code=202)
    async def withdraw(tracking_code: str, body: WithdrawalBody, x_report_secret: ReporterSecret = "") -> None:
        """The reporter wants no answer any more."""
        report_id = await reported(tracking_code, x_report_secret)
        await keep(WithdrawReport(report_id=report_id, at=desk.clock(), reason=body.reason))

    @router.post("/rating", status_code=202)
    async def rate(tracking_code: str, body: RatingBody, x_report_secret: ReporterSecret = "") -> None:
        """How the answer was. A satisfied word (3 or 4) closes the case."""
        report_id = await reported(tracking_code, x_report_secret)
        await keep(RateAnswer(report_id=report_id, at=desk.clock(), rating=body.rating, reasons=body.reasons))

    @router.post("/objection", status_code=202)
    async def object_to(tracking_code: str, body: ObjectionBody, x_report_secret: ReporterSecret = "") -> None:
        """It was not done: the case opens again, and the credit for the answer is gone until a second one is approved."""
        report_id = await reported(tracking_code, x_report_secret)
        await keep(ObjectToAnswer(report_id=report_id, at=desk.clock(), reason=body.reason))

    return router


def _answers(desk: Desk, report_id: UUID) -> int:
    with desk.sessions() as session:
        return store.answers(session, report_id)
