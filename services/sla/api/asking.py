"""Whatever may be asked of a case over the broker, over HTTP: one route a request."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import APIRouter, Header, Response
from pydantic import ConfigDict, create_model

from services.sla import handlers, store
from services.sla.api.versions import IfMatch, seen, stamp
from services.sla.api.worklists import CaseView
from shared import messages
from shared.envelope import Envelope
from shared.messages import AGENCY_REQUESTS, CENTRE_REQUESTS
from shared.web import Caller, Desk

SET_BY_US = {"report_id", "at", "actor"}


def routes(desk: Desk) -> APIRouter:
    """One for each request that has a handler."""
    router = APIRouter(prefix="/v1/cases", tags=["requests"])
    for kind in (*AGENCY_REQUESTS, *CENTRE_REQUESTS):
        if kind in handlers.HANDLERS:
            router.add_api_route(
                f"/{{report_id}}/{kind.topic}", _door(desk, kind), methods=["POST"], name=kind.topic, description=kind.__doc__ or ""
            )
    return router


def _door(desk: Desk, kind: type[messages.Request]) -> Callable[..., Awaitable[CaseView]]:
    """The HTTP way for one kind of request: its body is the message without what we know ourselves."""
    fields: dict[str, Any] = {name: (f.annotation, f) for name, f in kind.model_fields.items() if name not in SET_BY_US}
    body_model = create_model(f"{kind.__name__}Body", __config__=ConfigDict(extra="forbid"), **fields)

    async def ask(
        report_id: UUID,
        body: body_model,
        caller: Caller,
        response: Response,
        if_match: IfMatch = "",
        idempotency_key: Annotated[str, Header(max_length=255)] = "",
    ) -> CaseView:
        said = body.model_dump()
        said["version"] = _older(seen(if_match), said["version"])
        message = kind(report_id=report_id, at=desk.clock(), actor=caller.actor, **said)
        await desk.commit(_named(message, desk, idempotency_key))
        with desk.sessions() as session:
            view = CaseView.model_validate(store.asked_case(session, report_id))
        stamp(response, view.version)
        return view

    return ask


def _older(one: int | None, other: int | None) -> int | None:
    """Of what the header and the body say was seen."""
    return min((version for version in (one, other) if version is not None), default=None)


def _named(message: messages.Request, desk: Desk, key: str) -> Envelope:
    """The same key of the same caller for the same case and request is the same message."""
    if not key:
        return Envelope.of(message, source=desk.service)
    name = uuid5(NAMESPACE_URL, f"{message.actor}/{message.report_id}/{message.topic}/{key}")
    return Envelope.named(message, name, source=desk.service)
