"""Answers to short messages, as the province's gateway hands them over."""

import hmac
import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.notify.channels import Undelivered
from services.notify.channels.choice import opened
from services.notify.channels.replying import Intake
from services.notify.settings import NotifySettings
from services.notify.store import replying
from services.notify.store.replying import Writer
from shared.errors import Forbidden, NotFound
from shared.openapi import Examples, declared
from shared.privacy import SealingKeys
from shared.texts import Text
from shared.web import Desk

CODE = re.compile(r"\b([A-Z]{2,4})-?([0-9A-Z]{4})-?([0-9A-Z]{4})\b", re.ASCII)
SAME_DIGITS = 9  # at the end of a telephone number, whether it is written +84… or 0…
Number = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{9,15}$")]


class ReplyBody(BaseModel):
    """``id`` is the gateway's own: the same again is the same reply. ``in_reply_to`` is the id of the message that was answered; without
    it the text has to name the tracking code."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    id: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,200}$")]
    number: Number = Field(alias="from")
    text: Text
    in_reply_to: UUID | None = None


def routes(desk: Desk, settings: NotifySettings) -> APIRouter:
    """One of them."""
    router, keys = APIRouter(prefix="/v1", tags=["replies"]), SealingKeys.parse(settings.sealing_keys)
    intake = Intake(settings.intake_url, link_key=settings.link_key)

    def take(body: ReplyBody) -> None:
        writer = _writer(desk, body)
        if writer is None or not _is_theirs(keys, writer, body.number):
            raise NotFound("no report by that name was sent from this number; the text must begin with its code", code="report_unknown")
        intake.say(writer, body.text, name=f"sms-{body.id}"[:200])

    @router.post(
        "/replies", status_code=202, responses=declared({403: "gateway_unknown", 404: "report_unknown", 422: "invalid reply_not_taken"})
    )
    async def reply(body: ReplyBody, x_gateway_secret: Annotated[str, Header(description="REPLY_SECRET")] = "") -> None:
        """A reporter's word, which the agency has to answer within a day. Send it again whenever no answer came."""
        if not settings.reply_secret or not hmac.compare_digest(settings.reply_secret.encode(), x_gateway_secret.encode()):
            raise Forbidden("this gateway is not known here", code="gateway_unknown")
        await run_in_threadpool(take, body)

    return router


def _writer(desk: Desk, body: ReplyBody) -> Writer | None:
    with desk.sessions() as session:
        report_id = replying.report_told(session, body.in_reply_to) if body.in_reply_to else None
        for found in CODE.finditer(body.text[:200].upper()) if report_id is None else ():
            report_id = report_id or replying.report_by_code(session, "-".join(found.groups()))
        return replying.reporter_of(session, report_id) if report_id else None


def _is_theirs(keys: SealingKeys, writer: Writer, number: str) -> bool:
    """The number is what proves who writes, as the token does in an address."""
    try:
        known = opened(keys, writer.sealed, about=str(writer.report_id)).phone
    except Undelivered:
        return False
    return bool(known) and known[-SAME_DIGITS:] == number[-SAME_DIGITS:]


EXAMPLES: Examples = {
    "POST /v1/replies": {
        "request": {"id": "8841207", "from": "+84912345678", "text": "QT-7K3M-9PXC Đèn vẫn chưa sáng", "in_reply_to": None},
    },
}
