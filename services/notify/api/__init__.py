"""HTTP of notify: what a reporter was told, and where portals hear the news."""

from collections.abc import Mapping
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.notify import store
from services.notify.api import webhooks
from services.notify.channels import Undelivered
from services.notify.channels.choice import opened
from services.notify.domain.notices import Notice
from services.notify.settings import NotifySettings
from shared.errors import NotFound
from shared.privacy import SealingKeys
from shared.web import Desk

FOLLOWER = "follower"  # who it is, even masked, is nobody's business
EXAMPLES = webhooks.EXAMPLES


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


def routes(desk: Desk, settings: NotifySettings) -> APIRouter:
    """All of it."""
    router = APIRouter()
    router.include_router(_notices(desk, settings))
    router.include_router(webhooks.routes(desk, settings))
    return router


def _notices(desk: Desk, settings: NotifySettings) -> APIRouter:
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
