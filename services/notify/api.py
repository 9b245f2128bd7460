"""HTTP of notify: what a reporter was told, and where portals hear the news."""

import base64
import secrets
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from services.notify import store
from services.notify.channels import Undelivered
from services.notify.channels.choice import opened
from services.notify.domain.notices import Notice
from services.notify.domain.webhooks import AddWebhook, Webhook
from services.notify.settings import NotifySettings
from shared.envelope import new_id
from shared.errors import NotFound, Refused
from shared.privacy import SealingKeys
from shared.web import Desk

FOLLOWER = "follower"  # who it is, even masked, is nobody's business


class NoticeView(BaseModel):
    """``to`` is masked; the reporter's own link is not in the body, the public one stands in its place."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    about: str
    channel: str
    to: str
    language: str
    subject: str
    body: str
    state: str
    created_at: AwareDatetime
    due_at: AwareDatetime
    attempts: int
    last_error: str
    sent_at: AwareDatetime | None


class Notices(BaseModel):
    report_id: UUID
    tracking_code: str
    notices: list[NoticeView]


def _callable(url: str) -> str:
    parts = urlsplit(url)
    _ = parts.port  # raises ValueError itself
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username or parts.password or parts.fragment:
        raise ValueError("must be an https address without user name and fragment")
    return url


class WebhookBody(BaseModel):
    """A portal's address for news."""

    model_config = ConfigDict(extra="forbid")
    portal: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=50)]
    url: Annotated[str, Field(max_length=1000, pattern=r"^[\x21-\x7e]+$"), AfterValidator(_callable)]


class WebhookView(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: UUID
    portal: str
    url: str
    active: bool
    created_at: AwareDatetime


class NewWebhook(BaseModel):
    """``secret`` verifies the signatures (Standard Webhooks). It is shown here once and never again."""

    id: UUID
    portal: str
    url: str
    secret: str


class Webhooks(BaseModel):
    webhooks: list[WebhookView]


def routes(desk: Desk, settings: NotifySettings) -> APIRouter:
    """All of it."""
    router = APIRouter(prefix="/v1", tags=["notices"])
    keys = SealingKeys.parse(settings.sealing_keys)

    @router.get("/notices")
    def notices(report_id: UUID) -> Notices:
        """What was said about a report, when and by which channel."""
        with desk.sessions() as session:
            subject = store.known_subject(session, report_id)
            if subject is None:
                raise NotFound("no report by that id is known here")
            found, sealed = store.notices_about(session, report_id), store.sealed_contact(session, report_id)
            hosts = {webhook.id: urlsplit(webhook.url).netloc for webhook in store.all_webhooks(session)}
        reporter, link = _masked(keys, sealed, report_id), f"{settings.public_url}/{subject.tracking_code}"
        views = [_view(notice, reporter, hosts, link) for notice in found]
        return Notices(report_id=report_id, tracking_code=subject.tracking_code, notices=views)

    @router.post("/webhooks", status_code=201)
    async def add_webhook(body: WebhookBody) -> NewWebhook:
        """From now on the portal hears there what happens to its reports."""
        if not (body.url.startswith("https://") or settings.webhook_allow_loopback):
            raise Refused("a webhook is called over https only", code="https_only")
        id_, secret = new_id(), f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        sealed = keys.seal(secret, about=str(id_))
        await desk.say(AddWebhook(report_id=id_, at=desk.clock(), portal=body.portal, url=body.url, sealed=sealed))
        return NewWebhook(id=id_, portal=body.portal, url=body.url, secret=secret)

    @router.get("/webhooks")
    def webhooks() -> Webhooks:
        """All of them, without their secrets."""
        with desk.sessions() as session:
            return Webhooks(webhooks=[_webhook(webhook) for webhook in store.all_webhooks(session)])

    return router


def _view(notice: Notice, reporter: str, hosts: Mapping[UUID, str], link: str) -> NoticeView:
    to = hosts.get(notice.webhook_id, "") if notice.webhook_id else FOLLOWER if notice.follower_id else reporter
    fields = {name: getattr(notice, name) for name in NoticeView.model_fields if name not in {"to", "body"}}
    return NoticeView(**fields, to=to, body=notice.text(link))


def _masked(keys: SealingKeys, sealed: str | None, report_id: UUID) -> str:
    if not sealed:
        return ""
    try:
        return opened(keys, sealed, about=str(report_id)).masked
    except Undelivered:
        return "***"


def _webhook(webhook: Webhook) -> WebhookView:
    return WebhookView.model_validate(webhook)
