"""What portals send in: requests, and updates of their own requests."""

from typing import Annotated, Literal
from uuid import uuid5

from fastapi import APIRouter, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from services.intake.api.bodies import CommentBody
from services.intake.api.open311.formats import V2, Asked, answered
from services.intake.api.open311.forms import Form, form_of, report_body, valid
from services.intake.api.open311.queries import TRUE, Moment, check_jurisdiction
from services.intake.api.posting import COMMENTS, checked_key, comment_keeper, latest, receipt_of, report_receiver
from services.intake.api.recent import Recent
from services.intake.api.showing import report_by_typed_code
from services.intake.domain.georeport import KEYLESS, REPEATED, Record, moment
from services.intake.domain.phrases import advice
from services.intake.domain.report import AddComment, ReceiveReport, Report
from services.intake.settings import IntakeSettings
from services.intake.store import open311 as store
from shared.access import Principal, Role, Scope
from shared.errors import Forbidden
from shared.province import Province
from shared.web import Caller, Desk, PortalIn, PortalOf

SENT_AS_FORM = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "object"}} for kind in ("application/x-www-form-urlencoded", "multipart/form-data")},
    }
}
RECEIVED = "Phản ánh đã được ghi nhận và sẽ được chuyển đến đơn vị có trách nhiệm."
REPEATED_NOTICE = "Phản ánh có nội dung này đã được ghi nhận lúc {at}; gửi lại không tạo phản ánh mới."


class UpdateBody(CommentBody):
    """The status is heard and changes nothing: where a case stands is for its agency and the operations centre to say."""

    update_id: Annotated[str, Field(max_length=255)]
    status: Literal[
        "open", "investigating", "in_progress", "planned", "action_scheduled", "no_further_action", "not_councils_responsibility",
        "duplicate", "internal_referral", "fixed", "closed", "cancelled", "for_triage", "reopen", "unchanged", "",
    ]  # fmt: skip
    updated_datetime: Moment


def portal_in(portal_of: PortalOf) -> PortalIn:
    """The specification has the key in the form; there the gate does not look by itself."""

    async def find(request: Request) -> Principal | None:
        is_sent = request.method == "POST" and request.url.path.startswith(V2)
        key = (await form_of(request))["api_key"] if is_sent else ""
        return await portal_of(key) if key else None

    return find


def routes(desk: Desk, settings: IntakeSettings, provinces: Recent[str, Province]) -> APIRouter:
    """What needs a key."""
    router = APIRouter(prefix=V2)
    receive_report, keep_comment = report_receiver(desk, settings, provinces), comment_keeper(desk)

    async def admitted(request: Request, caller: Principal, scope: Scope) -> tuple[Form, str, Province]:
        """What was sent, and by which portal. Raises :class:`Forbidden`."""
        sent, of = await form_of(request), await latest(provinces)
        if caller.role != Role.PORTAL:
            raise Forbidden("api_key is missing or not known here: send the key of your portal", code="api_key_wrong")
        if scope not in caller.scopes:
            raise Forbidden(f"this key lacks the scope {scope}", code="scope_missing")
        check_jurisdiction(sent["jurisdiction_id"], of)
        return sent, caller.name, of

    @router.post("/requests.{form}", openapi_extra=SENT_AS_FORM)
    async def receive(form: Asked, request: Request, caller: Caller, idempotency_key: Annotated[str, Header()] = "") -> Response:
        """A report, safe when this answers. Sent again within an hour it is the same report, with or without an Idempotency-Key."""
        sent, portal, of = await admitted(request, caller, Scope.REPORT)
        body = report_body(sent, of)
        own = checked_key(idempotency_key) if idempotency_key else ""
        key = own or await run_in_threadpool(_content_key, desk, portal, body.fingerprint(settings.link_key))
        kept = await receive_report(body, portal, key)
        told = _received(kept, of)
        if sent["extensions"] in TRUE:
            told["extended_attributes"] = {"link": receipt_of(kept, settings, of).link}
        return answered(form, "service_requests", [told])

    @router.post("/servicerequestupdates.{form}", openapi_extra=SENT_AS_FORM)
    async def update(form: Asked, request: Request, caller: Caller) -> Response:
        """A word about a request that came through the same portal, which its agency has to answer. The same update_id is the same word."""
        sent, portal, of = await admitted(request, caller, Scope.COMMENT)
        asked = await run_in_threadpool(_comment, desk, sent, portal, of)
        await keep_comment(asked)
        return answered(form, "service_request_updates", [{"update_id": str(asked.comment_id)}])

    return router


def _received(kept: ReceiveReport | Report, of: Province) -> Record:
    notice = REPEATED_NOTICE.format(at=moment(kept.received_at, of)) if isinstance(kept, Report) else RECEIVED
    told = [hint.text.vi for hint in advice(kept.description, of)]  # where to go instead; received it is all the same
    return {"service_request_id": kept.tracking_code, "service_notice": " ".join([*told, notice]), "account_id": None}


def _content_key(desk: Desk, portal: str, fingerprint: str) -> str:
    """The key of what was sent a moment ago with the same content, or a new one named for the one before it.

    So two that come at once have the same name, at whatever moment, and one of them is kept.
    """
    with desk.sessions() as session:
        before = store.newest_alike(session, portal, fingerprint)
    if before and desk.clock() < before.received_at + REPEATED:
        return before.key
    return f"{KEYLESS}{fingerprint} {before.report_id if before else 'first'}"


def _comment(desk: Desk, sent: Form, portal: str, of: Province) -> AddComment:
    """Raises :class:`NotFound`, and :class:`Forbidden` for a request that came another way."""
    sent.required("update_id", "service_request_id", "description")
    body = valid(UpdateBody, {"text": sent["description"], **{name: sent[name] for name in ("update_id", "status", "updated_datetime")}})
    with desk.sessions() as session:
        report = report_by_typed_code(session, sent["service_request_id"], of)
    if report.portal != portal:
        raise Forbidden("this request came through another portal", code="another_portal")
    name = uuid5(COMMENTS, f"{report.report_id}:{portal} {body.update_id}")
    return AddComment(report_id=report.report_id, at=desk.clock(), comment_id=name, text=body.text)
