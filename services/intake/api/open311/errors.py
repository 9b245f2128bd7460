"""Whatever goes wrong under ``/open311`` is told as GeoReport tells it."""

import json
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.intake.api.open311.formats import Format, written

PREFIX = "/open311"
STATUS = {401: 403, 409: 400, 415: 400, 422: 400}  # what is not about the request stays what it is
FIELDS = {  # ours → the specification's
    "category": "service_code",
    "location": "lat and long, address_string or address_id",
    "location.latitude": "lat",
    "location.longitude": "long",
    "location.address": "address_string",
    "location.area": "address_id",
    "contact.email": "email",
    "contact.phone": "phone",
    "contact.name": "first_name, last_name",
    "media_urls": "media_url",
    "text": "description",
}


class SpokenErrors:
    """Around the whole application, so that nothing escapes it: every problem (RFC 9457) of a path here leaves in GeoReport's form."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As any ASGI application."""
        ours = scope["type"] == "http" and f"{scope['path']}/".startswith(f"{PREFIX}/")
        await self.app(scope, receive, _telling(scope["path"], send) if ours else send)


def _telling(path: str, send: Send) -> Send:
    held: list[Message] = []  # the beginning of a problem, then its parts

    async def tell(part: Message) -> None:
        if (part["type"] == "http.response.start" and _is_problem(part)) or held:
            held.append(part)
            if part["type"] == "http.response.body" and not part.get("more_body"):
                for told in _told(path, held[0], b"".join(one.get("body", b"") for one in held)):
                    await send(told)
            return
        await send(part)

    return tell


def _is_problem(start: Message) -> bool:
    return (b"content-type", b"application/problem+json") in start["headers"]


def _told(path: str, start: Message, problem: bytes) -> tuple[Message, Message]:
    form = Format.JSON if path.endswith(".json") else Format.XML
    status = STATUS.get(start["status"], start["status"])
    body = written(form, "errors", [{"code": status, "description": text} for text in _descriptions(json.loads(problem))])
    headers = MutableHeaders(raw=list(start["headers"]))
    headers.update({"content-type": f"{form.media_type}; charset=utf-8", "content-length": str(len(body))})
    del headers["www-authenticate"]  # it belongs to 401
    return {**start, "status": status, "headers": headers.raw}, {"type": "http.response.body", "body": body}


def _descriptions(problem: dict[str, Any]) -> list[str]:
    """One for each wrong field."""
    return [f"{_field(error['field'])}: {error['message']}" for error in problem.get("errors", [])] or [problem["detail"]]


def _field(name: str) -> str:
    first, _, rest = name.partition(".")
    return f"attribute[{rest}]" if first == "attributes" and rest else FIELDS.get(name, FIELDS.get(first, name))
