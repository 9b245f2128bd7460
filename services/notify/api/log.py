"""What was said about a report to whom, when and how; and what became of one notice."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel
from sqlalchemy.orm import Session

from services.notify import store
from services.notify.channels import Undelivered
from services.notify.channels.choice import opened
from services.notify.domain.contacts import Contact
from services.notify.domain.notices import Notice
from services.notify.settings import NotifySettings
from shared import province
from shared.errors import NotFound
from shared.openapi import Examples, declared
from shared.privacy import SealingKeys
from shared.web import Desk

FOLLOWER = "follower"  # who it is, even masked, is nobody's business


class NoticeView(BaseModel):
    """``to`` is masked; the reader's own link is not in the body, the public one stands in its place.

    ``state``: held (until ``due_at``), pending, sent, failed, gathered (a digest says it: ``gathered_in``) or unwanted (they had asked for
    no more). What is gathered was ``sent_at`` when its digest was. ``template`` is the version of the words.
    """

    id: UUID
    about: str
    reader: str
    channel: str
    to: str
    language: str
    urgent: bool
    template: str
    subject: str
    body: str
    state: str
    created_at: AwareDatetime
    due_at: AwareDatetime
    attempts: int
    last_error: str
    sent_at: AwareDatetime | None
    gathered_in: UUID | None


class Notices(BaseModel):
    report_id: UUID
    tracking_code: str
    notices: list[NoticeView]


def routes(desk: Desk, settings: NotifySettings) -> APIRouter:
    """Two of them."""
    router, keys = APIRouter(prefix="/v1", tags=["notices"]), SealingKeys.parse(settings.sealing_keys)

    def shown(session: Session, report_id: UUID, found: Sequence[Notice], tracking_code: str) -> list[NoticeView]:
        of = province.current(session)
        hosts = {webhook.id: urlsplit(webhook.url_in(of)).netloc for webhook in store.all_webhooks(session)}
        reporter, link = _masked(keys, store.sealed_contact(session, report_id), report_id), f"{settings.public_url}/{tracking_code}"
        digests = {digest.id: digest for digest in store.notices_of(session, {one.gathered_in for one in found if one.gathered_in})}
        return [_view(notice, reporter, hosts, link, digests) for notice in found]

    @router.get("/notices")
    def notices(report_id: UUID) -> Notices:
        """Everything that was or will be said about a report, oldest first."""
        with desk.sessions() as session:
            subject = store.known_subject(session, report_id)
            if subject is None:
                raise NotFound("no report by that id is known here")
            views = shown(session, report_id, store.notices_about(session, report_id), subject.tracking_code)
        return Notices(report_id=report_id, tracking_code=subject.tracking_code, notices=views)

    @router.get("/notices/{notice_id}", responses=declared({404: "not_found"}))
    def notice(notice_id: UUID) -> NoticeView:
        """One of them."""
        with desk.sessions() as session:
            found = store.notices_of(session, {notice_id})
            if not found:
                raise NotFound("no notice by that id is known here")
            subject = store.known_subject(session, found[0].report_id)
            [view] = shown(session, found[0].report_id, found, subject.tracking_code if subject else "")
        return view

    return router


def _view(notice: Notice, reporter: str, hosts: Mapping[UUID, str], link: str, digests: Mapping[UUID, Notice]) -> NoticeView:
    own = {name: getattr(notice, name) for name in NoticeView.model_fields if name not in {"to", "body"}}
    if notice.gathered_in and (digest := digests.get(notice.gathered_in)):
        own |= {"channel": digest.channel, "sent_at": digest.sent_at, "attempts": digest.attempts, "last_error": digest.last_error}
    return NoticeView(**own, to=_to(notice, reporter, hosts), body=notice.text(link))


def _to(notice: Notice, reporter: str, hosts: Mapping[UUID, str]) -> str:
    if notice.webhook_id:
        return hosts.get(notice.webhook_id, "")
    if notice.follower_id:
        return FOLLOWER
    return Contact.at(notice.address).masked if notice.address else reporter


def _masked(keys: SealingKeys, sealed: str | None, report_id: UUID) -> str:
    if not sealed:
        return ""
    try:
        return opened(keys, sealed, about=str(report_id)).masked
    except Undelivered:
        return "***"


_NOTICE = {
    "id": "019abf6e-0a2b-7cc3-9f2e-2f1a5f6d7c10",
    "about": "case.resolved",
    "reader": "reporter",
    "channel": "email",
    "to": "l***@example.vn",
    "language": "vi",
    "urgent": False,
    "template": "3f9a0c1d2e4b",
    "subject": "Kết quả xử lý phản ánh QT-7K3M-9PXC",
    "body": "Kính gửi ông/bà,\n\nUBND thành phố Đông Hà đã trả lời phản ánh của ông/bà về “Đèn đường hỏng”.\n",
    "state": "sent",
    "created_at": "2026-11-16T01:00:00Z",
    "due_at": "2026-11-16T01:00:00Z",
    "attempts": 0,
    "last_error": "",
    "sent_at": "2026-11-16T01:00:02Z",
    "gathered_in": None,
}
EXAMPLES: Examples = {
    "GET /v1/notices": {
        "answer": {"report_id": "019a8b1c-5e00-7001-8000-000000000001", "tracking_code": "QT-7K3M-9PXC", "notices": [_NOTICE]}
    },
    "GET /v1/notices/{notice_id}": {"answer": _NOTICE},
}
