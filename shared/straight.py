"""Routes that are asked a thousand times a second: declared to FastAPI for their document, answered without its machinery.

A dozen middlewares, routers within routers and the solving of dependencies cost several times what such a route does itself. Here
stands what of all that it needs: the gate, and a problem for whatever is wrong.
"""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shared import problems

Answer = Callable[[Request], Awaitable[Response]]
Enter = Callable[[Request, str], Awaitable[None]]


class Straight:
    """Answers the routes named in ``answers`` (``POST /v1/reports``); everything else is for ``app``. ``enter`` is the gate's."""

    def __init__(self, app: ASGIApp, enter: Enter, answers: Mapping[str, Answer]) -> None:
        self.app, self.enter, self.answers = app, enter, answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As any ASGI application."""
        route = f"{scope['method']} {scope['path']}" if scope["type"] == "http" else ""
        if route not in self.answers:
            return await self.app(scope, receive, send)
        response = await self._answered(Request(scope, receive), route)
        return await response(scope, receive, send)

    async def _answered(self, request: Request, route: str) -> Response:
        try:
            await self.enter(request, route)
            return await self.answers[route](request)
        except Exception as error:  # noqa: BLE001 - as FastAPI does: whatever breaks here, the caller gets a problem
            return problems.answer_to(request, error)
