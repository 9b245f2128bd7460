"""What the loops that send claim, and what they record."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from services.notify.domain.notices import Notice, State
from services.notify.domain.webhooks import Webhook
from services.notify.store import contacts, followers, notices, subjects, webhooks


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """A claimed notice, with what is needed to send it. ``sealed_contact`` is of whom the notice is to."""

    notice: Notice
    tracking_code: str
    sealed_contact: str | None
    webhook: Webhook | None


def switch_off(session: Session, webhook_id: UUID) -> None:
    """Nothing more goes there."""
    session.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(active=False))


def claim(session: Session, *, to_portals: bool, at: datetime, until: datetime, limit: int) -> list[Parcel]:
    """Pending notices whose time has come by ``at``, the longest waiting first; nobody else gets them before ``until``."""
    free = or_(notices.c.claimed_until.is_(None), notices.c.claimed_until <= at)
    due = select(Notice).where(notices.c.state == State.PENDING, notices.c.due_at <= at, free)
    mine = due.where(notices.c.webhook_id.is_not(None) if to_portals else notices.c.webhook_id.is_(None))
    claimed = list(session.scalars(mine.order_by(notices.c.due_at).limit(limit).with_for_update(skip_locked=True)))
    if not claimed:
        return []
    session.execute(update(notices).where(notices.c.id.in_([notice.id for notice in claimed])).values(claimed_until=until))
    return _parcels(session, claimed)


def _parcels(session: Session, claimed: Sequence[Notice]) -> list[Parcel]:
    reports = {notice.report_id for notice in claimed}
    codes = select(subjects.c.report_id, subjects.c.tracking_code, contacts.c.sealed).outerjoin_from(
        subjects, contacts, subjects.c.report_id == contacts.c.report_id
    )
    about = {row.report_id: row for row in session.execute(codes.where(subjects.c.report_id.in_(reports)))}
    sealed = select(followers.c.follower_id, followers.c.sealed)
    following = sealed.where(followers.c.follower_id.in_({notice.follower_id for notice in claimed if notice.follower_id}))
    contact_of = {row.follower_id: row.sealed for row in session.execute(following)}
    hooks = select(Webhook).where(webhooks.c.id.in_({notice.webhook_id for notice in claimed if notice.webhook_id}))
    at = {webhook.id: webhook for webhook in session.scalars(hooks)}
    return [
        Parcel(
            notice=notice,
            tracking_code=about[notice.report_id].tracking_code,
            sealed_contact=contact_of.get(notice.follower_id) if notice.follower_id else about[notice.report_id].sealed,
            webhook=at.get(notice.webhook_id) if notice.webhook_id else None,
        )
        for notice in claimed
    ]


def locked_notices(session: Session, ids: Iterable[UUID]) -> dict[UUID, Notice]:
    """By id."""
    statement = select(Notice).where(notices.c.id.in_(set(ids))).order_by(notices.c.id).with_for_update()
    return {notice.id: notice for notice in session.scalars(statement)}
