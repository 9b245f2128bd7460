"""Webhooks, added, watched, given another secret, switched on again, removed; and what they missed, sent again."""

from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from services.notify import store
from services.notify.channels.signing import new_secret, rotation
from services.notify.domain.contacts import Contact
from services.notify.domain.endpoints import Endpoint
from services.notify.domain.notices import WEBHOOK
from services.notify.domain.webhooks import AddWebhook, RemoveWebhook, Replay, SwitchOn, Webhook
from services.notify.settings import NotifySettings
from services.notify.store import sending
from shared import province
from shared.envelope import new_id
from shared.errors import NotFound, Refused
from shared.openapi import Examples, declared
from shared.privacy import SealingKeys
from shared.texts import Moment
from shared.web import Desk

MOST_AT_ONCE = 50_000  # notices of one replay
NO_SUCH, TOO_MANY = {404: "not_found"}, {404: "not_found", 422: "invalid too_many"}


def _callable(url: str) -> str:
    parts = urlsplit(url)
    _ = parts.port  # raises ValueError itself
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username or parts.password or parts.fragment:
        raise ValueError("must be an https address without user name and fragment")
    return url


class WebhookBody(BaseModel):
    """A portal's address for news. ``contact`` is the e-mail address of who runs it, and hears when it is switched off."""

    model_config = ConfigDict(extra="forbid")
    portal: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=50)]
    url: Annotated[str, Field(max_length=1000, pattern=r"^[\x21-\x7e]+$"), AfterValidator(_callable)]
    contact: Annotated[str, Field(max_length=254, pattern=r"^([^@\s]+@[^@\s]+\.[^@\s]+)?$")] = ""


class WebhookView(BaseModel):
    """Of a ``portal``, or of an ``agency``, whose address is in the registry. ``failing_since`` is the first failure since it last took
    something, ``paused_until``: nothing is sent there before. Until ``old_secret_until`` two secrets sign."""

    id: UUID
    portal: str
    agency: str
    url: str
    active: bool
    created_at: AwareDatetime
    old_secret_until: AwareDatetime | None
    failing_since: AwareDatetime | None
    paused_until: AwareDatetime | None
    last_error: str


class NewWebhook(BaseModel):
    """``secret`` verifies the signatures (Standard Webhooks). It is shown here once and never again."""

    id: UUID
    portal: str
    url: str
    secret: str


class NewSecret(BaseModel):
    """``secret`` is shown here once. The one before signs as well, beside it, until ``old_secret_until``."""

    secret: str
    old_secret_until: AwareDatetime


class Webhooks(BaseModel):
    webhooks: list[WebhookView]


class ReplayBody(BaseModel):
    """What was to be sent about facts from ``since`` to before ``until``; what arrived too, when not ``failed_only``."""

    model_config = ConfigDict(extra="forbid")
    since: Moment
    until: Moment
    failed_only: bool = True

    @model_validator(mode="after")
    def _in_order(self) -> "ReplayBody":
        if self.since >= self.until:
            raise ValueError("since must be before until")
        return self


class Replayed(BaseModel):
    """How many go out again, under the ids they had."""

    notices: int


def routes(desk: Desk, settings: NotifySettings) -> APIRouter:
    """All of it."""
    router, keys = APIRouter(prefix="/v1/webhooks", tags=["webhooks"]), SealingKeys.parse(settings.sealing_keys)
    _listing(router, desk)
    _adding(router, desk, keys, unsafe=settings.webhook_allow_loopback)
    _changing(router, desk, keys)
    _replaying(router, desk)
    return router


def _adding(router: APIRouter, desk: Desk, keys: SealingKeys, *, unsafe: bool) -> None:
    @router.post("", status_code=201, responses=declared({409: "webhook_exists https_only"}))
    async def add_webhook(body: WebhookBody) -> NewWebhook:
        """From now on the portal hears there what happens to its reports."""
        if not (body.url.startswith("https://") or unsafe):
            raise Refused("a webhook is called over https only", code="https_only")
        id_, secret = new_id(), new_secret()
        sealed = keys.seal(secret, about=str(id_))
        contact = keys.seal(Contact(email=body.contact).model_dump_json(), about=str(id_)) if body.contact else ""
        asked = {"portal": body.portal, "url": body.url, "sealed": sealed, "sealed_contact": contact}
        await desk.say(AddWebhook(report_id=id_, at=desk.clock(), **asked))
        return NewWebhook(id=id_, portal=body.portal, url=body.url, secret=secret)


def _changing(router: APIRouter, desk: Desk, keys: SealingKeys) -> None:
    @router.delete("/{webhook_id}", status_code=204, responses=declared(NO_SUCH))
    async def remove_webhook(webhook_id: UUID) -> None:
        """Nothing more goes there; its address, its secrets and the contact of its owner are forgotten."""
        await desk.say(RemoveWebhook(report_id=webhook_id, at=desk.clock()))

    @router.post("/{webhook_id}/secret", responses=declared({404: "not_found", 409: "secret_changed secret_unreadable"}))
    async def rotate_secret(webhook_id: UUID) -> NewSecret:
        """A new secret. For a day both sign, so that its owner can change over without missing anything."""
        secret, asked = rotation(keys, _known(desk, webhook_id), desk.clock())
        await desk.say(asked)
        return NewSecret(secret=secret, old_secret_until=asked.old_until)

    @router.post("/{webhook_id}/activation", status_code=204, responses=declared(NO_SUCH))
    async def switch_on(webhook_id: UUID) -> None:
        """It works again: news goes there from now on. What it missed is sent again when that is asked for (`replay`)."""
        await desk.say(SwitchOn(report_id=webhook_id, at=desk.clock()))


def _replaying(router: APIRouter, desk: Desk) -> None:
    @router.post("/{webhook_id}/replay", status_code=202, responses=declared(TOO_MANY))
    async def replay(webhook_id: UUID, body: ReplayBody) -> Replayed:
        """Send news again, under the same `webhook-id`s: a portal that remembers them counts nothing twice."""
        _known(desk, webhook_id)
        asked = Replay(report_id=webhook_id, at=desk.clock(), **body.model_dump())
        with desk.sessions() as session:
            count = sending.count(session, sending.to_replay(asked))
        if count > MOST_AT_ONCE:
            raise _TooMany(f"that would be {count} notices; at most {MOST_AT_ONCE} are sent again at once: ask for a shorter time")
        await desk.say(asked)
        return Replayed(notices=count)


def _listing(router: APIRouter, desk: Desk) -> None:
    @router.get("")
    def webhooks() -> Webhooks:
        """All of them and how they fare, without their secrets."""
        with desk.sessions() as session:
            places = {place.name: place for place in sending.places(session, WEBHOOK)}
            of, found = province.current(session), store.all_webhooks(session)
            return Webhooks(webhooks=[_view(webhook, places[str(webhook.id)], webhook.url_in(of)) for webhook in found])


def _known(desk: Desk, webhook_id: UUID) -> Webhook:
    with desk.sessions() as session:
        webhook = session.get(Webhook, webhook_id)
    if webhook is None or webhook.is_removed:
        raise NotFound("there is no webhook of that id")
    return webhook


class _TooMany(Refused):
    status, code = 422, "too_many"


def _view(webhook: Webhook, place: Endpoint, url: str) -> WebhookView:
    own = {name: getattr(webhook, name) for name in ("id", "portal", "agency", "active", "created_at")} | {"url": url}
    fares = {"failing_since": place.failing_since, "paused_until": place.shut_until, "last_error": place.last_error}
    return WebhookView(**own, **fares, old_secret_until=webhook.old_until)


_ID, _SECRET = "019abf6e-0a2b-7cc3-9f2e-2f1a5f6d7c10", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
EXAMPLES: Examples = {
    "POST /v1/webhooks": {
        "request": {"portal": "app", "url": "https://app.example.vn/hoiam/news", "contact": "duty@app.example.vn"},
        "answer": {"id": _ID, "portal": "app", "url": "https://app.example.vn/hoiam/news", "secret": _SECRET},
    },
    "GET /v1/webhooks": {
        "answer": {
            "webhooks": [
                {
                    "id": _ID,
                    "portal": "app",
                    "agency": "",
                    "url": "https://app.example.vn/hoiam/news",
                    "active": True,
                    "created_at": "2026-11-16T01:00:00Z",
                    "old_secret_until": None,
                    "failing_since": "2026-11-20T02:14:07Z",
                    "paused_until": "2026-11-20T02:24:07Z",
                    "last_error": "nobody answers: ConnectError",
                }
            ]
        }
    },
    "POST /v1/webhooks/{webhook_id}/secret": {"answer": {"secret": _SECRET, "old_secret_until": "2026-11-17T01:00:00Z"}},
    "POST /v1/webhooks/{webhook_id}/replay": {
        "request": {"since": "2026-11-20T00:00:00Z", "until": "2026-11-21T00:00:00Z", "failed_only": True},
        "answer": {"notices": 42},
    },
}
