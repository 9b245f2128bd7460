"""HTTP of notify: what was told to whom, how letters read, who wants which news, and the ways back: replies, and leaving."""

from fastapi import APIRouter

from services.notify.api import leaving, log, previewing, replies, subscriptions, webhooks
from services.notify.settings import NotifySettings
from shared.openapi import Examples
from shared.web import Desk

EXAMPLES: Examples = {**log.EXAMPLES, **previewing.EXAMPLES, **subscriptions.EXAMPLES, **webhooks.EXAMPLES, **replies.EXAMPLES}


def routes(desk: Desk, settings: NotifySettings) -> APIRouter:
    """All of it."""
    router = APIRouter()
    for part in (log, webhooks, leaving, replies):
        router.include_router(part.routes(desk, settings))
    for other in (previewing, subscriptions):
        router.include_router(other.routes(desk))
    return router
