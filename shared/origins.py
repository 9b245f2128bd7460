"""Which web pages may call from a browser (CORS): every page may read what is public, a portal's own pages may do what the portal may."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shared import problems
from shared.access import Principal, Role

Origins = Callable[[], Awaitable[frozenset[str]]]  # of all portals
Headers = list[tuple[bytes, bytes]]
READS = frozenset({"GET", "HEAD"})
_SENT = "authorization, content-type, idempotency-key, if-match, if-none-match, x-api-key, x-report-secret"
_SHOWN = b"etag, location, idempotent-replayed, ratelimit-limit, ratelimit-remaining, ratelimit-reset, retry-after"


async def no_origins() -> frozenset[str]:
    """For services that portals don't call."""
    return frozenset()


async def allowed_origin(request: Request, allowed: frozenset[Role], principal: Principal, origins: Origins) -> Headers:
    """What lets the page that called see the answer; nothing for a page that may not."""
    origin = request.headers.get("origin")
    if origin is None:
        return []
    if request.method in READS and Role.PUBLIC in allowed:
        return _for(b"*")
    its_own = principal.origins if principal.role == Role.PORTAL else await origins()
    return _for(origin.encode("latin-1")) if origin in its_own else []


def _for(origin: bytes) -> Headers:
    return [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", _SHOWN), (b"vary", b"Origin")]


class Preflight:
    """Answers the question a browser asks before it calls from another page."""

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self.app, self.origins = app, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "OPTIONS":
            return await self.app(scope, receive, send)
        headers = Request(scope).headers
        origin, method = headers.get("origin"), headers.get("access-control-request-method")
        if not origin or not method:
            return await self.app(scope, receive, send)
        return await (await self._answer(origin, method))(scope, receive, send)

    async def _answer(self, origin: str, method: str) -> Response:
        may_read = method in READS  # whether this very answer may be seen is said with the answer
        if not may_read and origin not in await self.origins():
            return problems.problem(403, "origin_unknown", "no portal has pages there: `hoiam portal add --origin` names them")
        headers = {
            "Access-Control-Allow-Origin": "*" if may_read else origin,
            "Access-Control-Allow-Methods": method,
            "Access-Control-Allow-Headers": _SENT,
            "Access-Control-Max-Age": "600",
            "Vary": "Origin",
        }
        return Response(status_code=204, headers=headers)
