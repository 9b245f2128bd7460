"""How letters read, and whether they arrive: before anybody's report depends on it."""

import json
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.notify.domain.asking import SendTest
from services.notify.domain.audience import Reader
from services.notify.domain.letters import Letter, page
from services.notify.domain.samples import preview
from shared import province
from shared.envelope import new_id
from shared.openapi import Examples, declared
from shared.web import Desk

Language = Literal["vi", "en"]
PREFIX = {"vi": "[Thử] ", "en": "[Test] "}


class LetterView(BaseModel):
    """Links stand open as `[[link]]` and `[[leave]]`. ``template`` is the version that deliveries keep."""

    subject: str
    text: str
    html: str
    template: str


class TestBody(BaseModel):
    """To one e-mail address, or to one webhook."""

    model_config = ConfigDict(extra="forbid")
    email: Annotated[str, Field(max_length=254, pattern=r"^([^@\s]+@[^@\s]+\.[^@\s]+)?$")] = ""
    webhook_id: UUID | None = None
    fact: Annotated[str, Field(max_length=50)] = "case.resolved"
    to: Reader = Reader.REPORTER
    language: Language = "vi"

    @model_validator(mode="after")
    def _one_of_both(self) -> "TestBody":
        if bool(self.email) == bool(self.webhook_id):
            raise ValueError("name either email or webhook_id")
        return self


class TestSent(BaseModel):
    """``GET /v1/notices/{notice_id}`` tells what becomes of it."""

    notice_id: UUID


def routes(desk: Desk) -> APIRouter:
    """Two of them."""
    router = APIRouter(prefix="/v1", tags=["notices"])

    def letter(fact: str, to: Reader, language: str) -> Letter:
        with desk.sessions() as session:
            return preview(fact, to, language, province.current(session))

    @router.get("/notices:preview", responses=declared({404: "not_told"}))
    def preview_letter(fact: str, to: Reader = Reader.REPORTER, language: Language = "vi") -> LetterView:
        """The letter about a made-up report. ``fact`` as docs/notices.md names it: `case.resolved`, `clock.escalated/2`."""
        read = letter(fact, to, language)
        return LetterView(subject=read.subject, text=read.text, html=page(read.text, language), template=read.version)

    @router.post("/notices:test", status_code=202, responses=declared({404: "not_told not_found"}))
    async def send_test(body: TestBody) -> TestSent:
        """Send the previewed letter, or an event of type `test`, at once."""
        id_, at = new_id(), desk.clock()
        if body.webhook_id:
            event = {"type": "test", "timestamp": at.isoformat(), "data": {}}
            await desk.say(SendTest(report_id=id_, at=at, webhook_id=body.webhook_id, body=json.dumps(event)))
        else:
            read = letter(body.fact, body.to, body.language)
            words = {"subject": PREFIX[body.language] + read.subject, "body": read.text}
            await desk.say(SendTest(report_id=id_, at=at, email=body.email, **words))
        return TestSent(notice_id=id_)

    return router


_ID = "019abf6e-0a2b-7cc3-9f2e-2f1a5f6d7c10"
EXAMPLES: Examples = {
    "GET /v1/notices:preview": {
        "answer": {
            "subject": "Phản ánh QT-7K3M-9PXC đã kết thúc",
            "text": "Kính gửi ông/bà,\n\nPhản ánh của ông/bà về “Đèn đường hỏng” đã kết thúc.\n",
            "html": "<!doctype html>…",
            "template": "3f9a0c1d2e4b",
        }
    },
    "POST /v1/notices:test": {
        "request": {"email": "truc-ban@dh.example", "fact": "case.assigned", "to": "duty_officer", "language": "vi"},
        "answer": {"notice_id": _ID},
    },
}
