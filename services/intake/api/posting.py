"""What may be sent in: a report by a portal, a comment by the reporter. Nothing is answered before it is safe on disk."""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime, BaseModel
from sqlalchemy.exc import IntegrityError
from uuid_utils.compat import uuid5

from services.intake import store
from services.intake.api.bodies import CommentBody, ReportBody
from services.intake.api.links import ReporterSecret, check_link
from services.intake.api.recent import Recent
from services.intake.api.showing import typed_report
from services.intake.api.strict import StrictRoute, body_of, read_as
from services.intake.domain.checks import Objection, objections
from services.intake.domain.phrases import Advice, advice, is_abusive
from services.intake.domain.report import AddComment, ReceiveReport, Report
from services.intake.domain.tracking import new_code
from services.intake.settings import IntakeSettings
from shared.access import link_secret
from shared.envelope import Envelope, new_id
from shared.errors import Refused
from shared.messages import Location
from shared.privacy import SealingKeys, lookup_hash
from shared.problems import Busy
from shared.province import Province
from shared.straight import Answer
from shared.web import Caller, Desk

REPORTS, COMMENTS = UUID("5a6e7d1c-6a53-5ac2-9d39-1d9d2f0e8b01"), UUID("5a6e7d1c-6a53-5ac2-9d39-1d9d2f0e8b02")  # of names made from keys
KEY = re.compile(r"[\x21-\x7e]{1,255}")
TRIES = 3
IdempotencyKey = Annotated[str, Header(description="1 to 255 visible ASCII characters; the same key and body get the same answer")]


class KeyMissing(Refused):
    """Without a key, a repeated POST would be a second report."""

    status = 400
    code = "idempotency_key_missing"


class KeyReused(Refused):
    """The key was used for something else."""

    status = 422
    code = "idempotency_key_reused"


class Receipt(BaseModel):
    """``link`` is for the reporter alone: who holds its ``secret`` may add to the report. The status is for everybody.

    ``advice``: the words seem to be about something this service does not handle, and where to go with that. The report is received all
    the same. Where ``urgent``, show it before anything else: somebody may be in danger, and nobody here will send help.
    """

    report_id: UUID
    tracking_code: str
    link: str
    secret: str
    status_url: str
    received_at: AwareDatetime
    advice: list[Advice] = []


class CommentReceipt(BaseModel):
    comment_id: UUID


def routes(desk: Desk, settings: IntakeSettings, provinces: Recent[str, Province]) -> APIRouter:
    """The writing half."""
    router = APIRouter(prefix="/v1", route_class=StrictRoute)
    receive_report, keep_comment = report_receiver(desk, settings, provinces), comment_keeper(desk)

    @router.post("/reports", status_code=201)
    async def receive(body: ReportBody, caller: Caller, response: Response, idempotency_key: IdempotencyKey = "") -> Receipt:
        """A citizen's report, safe when this answers. Send it again with the same key whenever no answer came."""
        kept = await receive_report(body, caller.name, checked_key(idempotency_key))
        receipt = receipt_of(kept, settings, await latest(provinces))
        response.headers.update(_headers(kept, receipt))
        return receipt

    @router.post("/reports/{tracking_code}/comments", status_code=201)
    async def comment(
        tracking_code: str,
        body: CommentBody,
        response: Response,
        x_report_secret: ReporterSecret = "",
        idempotency_key: IdempotencyKey = "",
    ) -> CommentReceipt:
        """A word from the reporter, which the agency has to answer within a day."""
        report_id = (await run_in_threadpool(typed_report, desk, tracking_code, provinces)).report_id
        check_link(settings.link_key, report_id, x_report_secret)
        name = uuid5(COMMENTS, f"{report_id}:{checked_key(idempotency_key)}") if idempotency_key else new_id()
        if not await keep_comment(AddComment(report_id=report_id, at=desk.clock(), comment_id=name, text=body.text)):
            response.headers["Idempotent-Replayed"] = "true"
        return CommentReceipt(comment_id=name)

    return router


def straight(desk: Desk, settings: IntakeSettings, provinces: Recent[str, Province]) -> Answer:
    """The same as ``POST /v1/reports`` is declared above, past FastAPI: ``tests/intake/test_straight.py`` compares both."""
    receive_report = report_receiver(desk, settings, provinces)

    async def receive(request: Request) -> Response:
        body, key = read_as(ReportBody, await body_of(request)), request.headers.get("idempotency-key", "")
        kept = await receive_report(body, request.state.principal.name, checked_key(key))
        receipt = receipt_of(kept, settings, await latest(provinces))
        return Response(receipt.model_dump_json(), 201, _headers(kept, receipt), "application/json")

    return receive


def _headers(kept: ReceiveReport | Report, receipt: Receipt) -> dict[str, str]:
    return {"Location": receipt.status_url} | ({"Idempotent-Replayed": "true"} if isinstance(kept, Report) else {})


def report_receiver(
    desk: Desk, settings: IntakeSettings, provinces: Recent[str, Province]
) -> Callable[[ReportBody, str, str], Awaitable[ReceiveReport | Report]]:
    """What every door does with a report of a portal under a key."""
    seals, keep = SealingKeys.parse(settings.sealing_keys), _report_keeper(desk)

    async def receive(body: ReportBody, portal: str, key: str) -> ReceiveReport | Report:
        """What was kept now, or under this key before. Raises :class:`KeyReused`, and ``RequestValidationError`` for what doesn't fit."""
        of = await latest(provinces)
        asked = _asked(body, settings, portal=portal, key=key, of=of, seals=seals, desk=desk)
        wrong = list(objections(of, category=body.category, area=body.location.area, urgent=body.urgent, attributes=body.attributes))
        if wrong and await run_in_threadpool(_sent_before, desk, asked) is None:
            raise _unfit(wrong)
        return await keep(asked)

    return receive


def _report_keeper(desk: Desk) -> Callable[[ReceiveReport], Awaitable[ReceiveReport | Report]]:
    async def keep(asked: ReceiveReport) -> ReceiveReport | Report:
        """What was kept now, or what this key had kept before. Raises :class:`KeyReused`."""
        for _ in range(TRIES):
            try:
                if await desk.commit(Envelope.named(asked, uuid5(REPORTS, f"{asked.portal}:{asked.key}"), source=desk.service)):
                    return asked
            except IntegrityError:
                pass  # the key is older than the inbox's memory, or another report bears the code
            before = await run_in_threadpool(_sent_before, desk, asked)
            if before:
                return _same(before, asked)
            asked = asked.model_copy(update={"tracking_code": new_code(asked.tracking_code.partition("-")[0])})
        raise Busy("no room was found for this report; send the same request again")

    return keep


def comment_keeper(desk: Desk) -> Callable[[AddComment], Awaitable[bool]]:
    """What every door does with a reporter's word."""

    def text_before(asked: AddComment) -> str:
        with desk.sessions() as session:
            entry = store.comment_by_id(session, asked.report_id, asked.comment_id)
            return str(entry.data["text"]) if entry else ""

    async def keep(asked: AddComment) -> bool:
        """Whether it is new. Raises :class:`KeyReused`."""
        if await desk.commit(Envelope.named(asked, asked.comment_id, source=desk.service)):
            return True
        if await run_in_threadpool(text_before, asked) != asked.text:
            raise KeyReused("this Idempotency-Key was used for another comment")
        return False

    return keep


def _asked(
    body: ReportBody, settings: IntakeSettings, *, portal: str, key: str, of: Province, seals: SealingKeys, desk: Desk
) -> ReceiveReport:
    report_id, contact = new_id(), body.contact
    return ReceiveReport(
        report_id=report_id,
        at=desk.clock(),
        tracking_code=new_code(of.tracking_prefix),
        portal=portal,
        key=key,
        fingerprint=body.fingerprint(settings.link_key),
        location=Location.model_validate(body.location, from_attributes=True),
        sealed=seals.seal(contact.model_dump_json(), about=str(report_id)) if contact else "",
        phone_hash=lookup_hash(settings.link_key, contact.phone) if contact else "",
        email_hash=lookup_hash(settings.link_key, contact.email) if contact else "",
        advice=tuple(hint.code for hint in advice(body.description, of)),
        abusive=is_abusive(body.description, of),
        **{name: value for name, value in body if name not in {"location", "contact"}},  # what another door adds to a report, too
    )


def _same(before: Report, asked: ReceiveReport) -> Report:
    if before.fingerprint != asked.fingerprint:
        raise KeyReused("this Idempotency-Key was used for another report; each report has a key of its own")
    return before


def receipt_of(kept: ReceiveReport | Report, settings: IntakeSettings, of: Province) -> Receipt:
    """The secret stands behind a # of the link: browsers keep that to themselves, and no log of a server gets it."""
    received_at = kept.received_at if isinstance(kept, Report) else kept.at
    secret = link_secret(settings.link_key, kept.report_id)
    url = f"{settings.public_url}/{kept.tracking_code}"
    return Receipt(
        report_id=kept.report_id,
        tracking_code=kept.tracking_code,
        link=f"{url}#{secret}",
        secret=secret,
        status_url=url,
        received_at=received_at,
        advice=advice(kept.description, of) if isinstance(kept, Report) or kept.advice else [],
    )


def checked_key(key: str) -> str:
    """``key``. Raises :class:`KeyMissing` for what is none."""
    if not KEY.fullmatch(key):
        raise KeyMissing("send an Idempotency-Key header of 1 to 255 visible ASCII characters, a new one for each report")
    return key


def _unfit(wrong: list[Objection]) -> RequestValidationError:
    return RequestValidationError([{"type": "unfit", "loc": ("body", *path), "msg": message} for path, message in wrong])


async def latest(provinces: Recent[str, Province]) -> Province:
    """The province, without a thread when it was read a moment ago."""
    province = provinces.remembered("latest") or await run_in_threadpool(provinces, "latest")
    assert province
    return province


def _sent_before(desk: Desk, asked: ReceiveReport) -> Report | None:
    with desk.sessions() as session:
        return store.report_by_key(session, asked.portal, asked.key)
