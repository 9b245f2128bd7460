"""The HTTP side every service shares: who may enter, how large a body may be, what every answer carries, health and metrics."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as AsgiMessage

from shared import logs, metrics, openapi, problems, tracing
from shared.access import ANYBODY, ROUTES, SCOPES, Denied, Principal, Role, TokenVerifier
from shared.clock import Clock, now
from shared.database import Sessions
from shared.envelope import Envelope
from shared.errors import Refused
from shared.group_commit import GroupCommit
from shared.limits import NO_LIMIT, Buckets, Rate, TooMany, caller_address
from shared.messages import Message
from shared.openapi import Examples
from shared.origins import Origins, Preflight, allowed_origin, no_origins
from shared.settings import Settings
from shared.straight import Answer, Straight
from shared.watchdog import Watchdog

_NO_STRANGERS = (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'")
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(), camera=(), microphone=()"),
]
_STORE_NOTHING = (b"cache-control", b"no-store")
KNOWN_BY_NAME = frozenset({Role.AGENCY, Role.OPERATOR, Role.AUDITOR, Role.ADMIN})
DOCS = {"/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"}
PortalOf = Callable[[str], Awaitable[Principal | None]]  # key → portal, or None
PortalIn = Callable[[Request], Awaitable[Principal | None]]  # for keys that are not in the head


async def no_portals(_key: str) -> Principal | None:
    """For services that portals don't call."""
    return None


async def no_portal(_request: Request) -> Principal | None:
    """For services whose portals have their keys in the head."""
    return None


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What the API of a service works with. ``commit`` handles an envelope and returns after the commit whether it was new."""

    service: str
    sessions: Sessions
    commit: Callable[[Envelope], Awaitable[bool]]
    clock: Clock = now

    async def say(self, message: Message) -> bool:
        """Handle ``message`` under a name of its own."""
        return await self.commit(Envelope.of(message, source=self.service))


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Turns credentials into a principal, looks the route up in the table, and counts how often it is asked.

    ``anonymous`` is the rate of one address, for whoever is no portal and no member of staff; a machine in ``trusted`` that calls for
    itself, and for nobody it forwards, is not counted.
    """

    tokens: TokenVerifier
    portal_of: PortalOf = no_portals
    portal_in: PortalIn = no_portal
    origins: Origins = no_origins
    clock: Clock = now
    anonymous: Rate = NO_LIMIT
    trusted: str = ""
    buckets: Buckets = field(default_factory=Buckets)
    routes: dict[str, frozenset[Role]] = field(default_factory=lambda: dict(ROUTES))

    async def admit(self, request: Request) -> None:
        """As a dependency of every route of FastAPI."""
        await self.enter(request, f"{request.method} {request.scope['route'].path}")

    async def enter(self, request: Request, route: str) -> None:
        """Raises :class:`Denied` and :class:`TooMany`; leaves the principal in ``request.state``."""
        request.state.route = route
        logs.note(request.path_params)
        allowed = self.routes.get(route, frozenset[Role]())
        address = caller_address(request.client.host if request.client else "", request.headers.get("x-forwarded-for", ""), self.trusted)
        try:
            principal = await self._principal(request, allowed)
        except (Denied, Refused):
            self._count(request, address, ANYBODY)  # keys can't be guessed, but guessing costs
            raise
        request.state.answer_headers += await allowed_origin(request, allowed, principal, self.origins)
        self._count(request, address, principal)
        if principal.role not in allowed:
            raise Denied(*_missing(principal))
        if principal.role == Role.PORTAL and Role.PUBLIC not in allowed and SCOPES.get(route) not in principal.scopes:
            raise Denied(403, "scope_missing", f"this key lacks the scope {SCOPES.get(route, 'of this route')}")
        request.state.principal = principal

    def _count(self, request: Request, address: str, principal: Principal) -> None:
        """Staff and agencies are known by name and counted nowhere."""
        of_portal = principal.role == Role.PORTAL
        rate = principal.rate if of_portal else self.anonymous
        if not address or not rate or not rate.per_second or principal.role in KNOWN_BY_NAME:
            return
        bucket = f"portal:{principal.name}" if of_portal else address
        try:
            request.state.answer_headers += self.buckets.take(bucket, rate, self.clock().timestamp())
        except TooMany as refused:
            request.state.answer_headers += refused.headers
            raise

    async def _principal(self, request: Request, allowed: frozenset[Role]) -> Principal:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        key = request.headers.get("x-api-key", "")
        if Role.PUBLIC in allowed and not bearer and not key:
            return await self.portal_in(request) or ANYBODY
        if scheme.lower() == "bearer" and bearer.count(".") == 2:
            return self.tokens.principal(bearer, self.clock())
        if key or (scheme.lower() == "bearer" and bearer):
            return await self._portal(key or bearer)
        if Role.REPORTER in allowed and request.headers.get("x-report-secret"):
            return Principal(role=Role.REPORTER)  # the route itself checks the secret against its report
        return ANYBODY

    async def _portal(self, key: str) -> Principal:
        portal = await self.portal_of(key)
        if portal is None:
            raise Denied(401, "key_invalid", "this portal key is not known here, has expired or was withdrawn")
        return portal


def _missing(principal: Principal) -> tuple[int, str, str]:
    if principal.role == Role.PUBLIC:
        return 401, "credentials_missing", "send a token (Authorization: Bearer …), a portal key (X-Api-Key) or the secret of your link"
    return 403, "forbidden", f"the role {principal.role} may not do this"


async def principal_of(request: Request) -> Principal:
    """Who the gate let in."""
    principal: Principal = request.state.principal
    return principal


Caller = Annotated[Principal, Depends(principal_of)]


class Fences:
    """Refuses a body over ``limit`` bytes before it is parsed, puts the security headers on every answer that states none of its own, and
    counts and times every request, whichever way it is answered.

    ``limits`` are those of paths in which a regular expression is found.
    """

    def __init__(self, app: ASGIApp, service: str, limit: int, limits: Mapping[str, int]) -> None:
        self.app, self.service, self.limit, self.limits = app, service, limit, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        scope.setdefault("state", {})["answer_headers"] = []  # what the gate has to say with any answer
        with tracing.request(scope), metrics.request(self.service, scope):
            return await self._fenced(scope, receive, send)

    async def _fenced(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = next((most for path, most in self.limits.items() if re.search(path, scope["path"])), self.limit)
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        if not stated.isdigit() or len(stated) > 18 or int(stated) > limit:
            refusal = problems.problem(413, "too_large", self._words(limit))
            return await refusal(scope, receive, self._guarded(scope, send))
        return await self.app(scope, self._counted(receive, limit), self._guarded(scope, send))

    def _counted(self, receive: Receive, limit: int) -> Receive:
        """For bodies that come in chunks and state no length: FastAPI answers with what is raised here."""
        taken = 0

        async def counted() -> AsgiMessage:
            nonlocal taken
            part = await receive()
            taken += len(part.get("body", b""))
            if taken > limit:
                raise HTTPException(413, self._words(limit))
            return part

        return counted

    @staticmethod
    def _words(limit: int) -> str:
        return f"a request body is at most {limit} bytes here"

    @staticmethod
    def _guarded(scope: Scope, send: Send) -> Send:
        usual = [*SECURITY_HEADERS, _STORE_NOTHING]
        headers = usual if scope["path"] in DOCS else [_NO_STRANGERS, *usual]  # the script of those pages comes from elsewhere

        async def guarded(part: AsgiMessage) -> None:
            if part["type"] == "http.response.start":
                said = part.get("headers", [])
                stated = {name.lower() for name, _ in said}
                scope["state"]["answered"] = part["status"]
                part["headers"] = [*said, *(one for one in headers if one[0] not in stated), *scope["state"]["answer_headers"]]
            await send(part)

        return guarded


class Face(FastAPI):
    """The fences stand outside of everything, so that the answer to what broke has their headers, too; then the straight way."""

    def __init__(
        self, *, service: str, gate: Gate, straight: Mapping[str, Answer], body_limit: int, body_limits: Mapping[str, int], **how: Any
    ) -> None:
        super().__init__(title=f"Hồi Âm: {service}", **how)
        self._outside = Fences(Straight(super().__call__, gate.enter, straight), service, limit=body_limit, limits=body_limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As any ASGI application."""
        await self._outside(scope, receive, send)


def application(
    desk: Desk,
    routers: Sequence[APIRouter],
    gate: Gate,
    settings: Settings,
    group: GroupCommit,
    watchdog: Watchdog,
    *,
    straight: Mapping[str, Answer] | None = None,
    body_limits: Mapping[str, int] | None = None,
    examples: Examples | None = None,
) -> FastAPI:
    """The whole HTTP face of a service. ``body_limits`` as :class:`Fences` has them, ``straight`` as :class:`Straight`."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = max(settings.pool - 3, 1)
        group.start()
        yield
        await anyio.to_thread.run_sync(group.stop)

    docs = {"docs_url": "/docs", "redoc_url": None} if settings.docs else {"docs_url": None, "redoc_url": None, "openapi_url": None}
    app = Face(
        service=desk.service,
        gate=gate,
        straight=straight or {},
        body_limit=settings.body_limit,
        body_limits=body_limits or {},
        version="1",
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # ours knows no addresses and no queries
        **docs,
    )
    problems.install(app)
    app.add_middleware(Preflight, origins=gate.origins)
    for router in (*routers, _health(desk, watchdog)):
        app.include_router(router, dependencies=[Depends(gate.admit)])
    openapi.complete(app, examples or {})
    return app


def _example(answer: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"example": answer}}}


def _health(desk: Desk, watchdog: Watchdog) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/healthz", responses={200: _example({"loops": {"consumer": 0.2, "ticker": 0.9}})})
    def healthz() -> Response:
        """Alive: every loop of this process still turns."""
        return JSONResponse({"loops": watchdog.ages()}, 200 if watchdog.healthy() else 503)

    @router.get("/readyz", responses={200: _example({"ready": True})})
    def readyz() -> Response:
        """Ready: the database answers. The bus is not asked; without it, work waits in the outbox."""
        with desk.sessions() as session:
            session.execute(text("SELECT count(*) FROM province"))
        return JSONResponse({"ready": True})

    @router.get("/metrics", include_in_schema=False)
    def shown() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
