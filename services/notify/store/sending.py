"""What the loops that send claim, and what they record."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, case, cast, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as insert_unless_there
from sqlalchemy.orm import Session, defer

from services.notify.domain.endpoints import Endpoint
from services.notify.domain.notices import ABOUT_WEBHOOK, REPORTER, WEBHOOK, Notice, State
from services.notify.domain.webhooks import Replay, Webhook
from services.notify.store import contacts, endpoints, followers, notices, subjects, webhooks
from shared import province

SWITCHED_OFF = "the webhook was switched off"
_CLAIM = text(
    """
    WITH due AS MATERIALIZED (
        SELECT mine.id FROM unnest(CAST(:names AS text[]), CAST(:rooms AS int[])) AS place (name, room)
        CROSS JOIN LATERAL (
            SELECT id FROM notices
            WHERE endpoint = place.name AND state = 'pending' AND due_at <= :at AND (claimed_until IS NULL OR claimed_until <= :at)
            ORDER BY due_at LIMIT place.room FOR UPDATE SKIP LOCKED
        ) AS mine
        LIMIT :limit
    )
    UPDATE notices SET claimed_until = :until FROM due WHERE notices.id = due.id RETURNING notices.*
    """
)


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """A claimed notice, with what is needed to send it. ``sealed_contact`` is of whom the notice is to; ``public_contact``, an e-mail
    address, of the operations centre, which hears what is for the owner of a webhook who left none; ``url`` where the webhook is called."""

    notice: Notice
    tracking_code: str
    sealed_contact: str | None
    webhook: Webhook | None
    url: str = ""
    public_contact: str = ""

    @property
    def endpoint(self) -> str:
        """Where it goes, by the name it has in the table."""
        return str(self.notice.webhook_id or self.notice.channel)


def places(session: Session, channel: str) -> list[Endpoint]:
    """Where notices of ``channel`` may go, and how each has fared: every webhook, or the channel's one server."""
    names = session.scalars(select(cast(webhooks.c.id, Text))).all() if channel == WEBHOOK else [channel]
    known = {place.name: place for place in session.scalars(select(Endpoint).where(endpoints.c.name.in_(names)))}
    return [known.get(name) or Endpoint(name=name) for name in names]


def locked_places(session: Session, names: Iterable[str]) -> dict[str, Endpoint]:
    """By name, in one order; those never in trouble are written down now."""
    rows = [{"name": name, "failures": 0, "last_error": ""} for name in sorted(set(names))]
    if not rows:
        return {}
    session.execute(insert_unless_there(endpoints).values(rows).on_conflict_do_nothing())
    statement = select(Endpoint).where(endpoints.c.name.in_([row["name"] for row in rows])).order_by(endpoints.c.name)
    return {place.name: place for place in session.scalars(statement.with_for_update())}


def unaddressed(session: Session, *, at: datetime, limit: int) -> list[Parcel]:
    """Notices to people for whom no channel was chosen yet, the longest waiting first; locked, and passed over by twins."""
    due = _pending(notices.c.endpoint == REPORTER, at).order_by(notices.c.due_at).limit(limit)
    return _parcels(session, list(session.scalars(due.with_for_update(skip_locked=True))))


def stranded(session: Session, channel: str, *, before: datetime, after: tuple[datetime, UUID], limit: int) -> list[Parcel]:
    """Notices that might have gone by ``channel`` ``before`` that time, behind the one named by its ``due_at`` and id; locked."""
    place = tuple_(notices.c.due_at, notices.c.id)
    waiting = _pending(notices.c.endpoint == channel, before).where(place > after).order_by(notices.c.due_at, notices.c.id)
    return _parcels(session, list(session.scalars(waiting.limit(limit).with_for_update(skip_locked=True))))


def claim(session: Session, rooms: Mapping[str, int], *, at: datetime, until: datetime, limit: int) -> list[Parcel]:
    """Pending notices whose time has come by ``at``, the longest waiting of each endpoint first, no more than there is room for there;
    nobody else gets them before ``until``."""
    asked = {"names": list(rooms), "rooms": list(rooms.values()), "at": at, "until": until, "limit": limit}
    claimed = list(session.scalars(select(Notice).from_statement(_CLAIM), asked)) if any(rooms.values()) else []
    return _parcels(session, sorted(claimed, key=lambda notice: (notice.due_at, notice.created_at)))


def _pending(which: ColumnElement[bool], at: datetime) -> Any:
    free = notices.c.claimed_until.is_(None) | (notices.c.claimed_until <= at)
    return select(Notice).where(which, notices.c.state == State.PENDING, notices.c.due_at <= at, free)


def _parcels(session: Session, claimed: Sequence[Notice]) -> list[Parcel]:
    """Empty values where a notice is about no report: it is about a webhook, to its owner."""
    about = _about(session, {notice.report_id for notice in claimed if not notice.webhook_id})
    contact_of = _followers(session, {notice.follower_id for notice in claimed if notice.follower_id})
    hooks = _webhooks(session, {notice.webhook_id for notice in claimed if notice.webhook_id})
    urls = {hook.id: hook.url or hook.url_in(province.current(session)) for hook in hooks.values()}
    return [
        Parcel(
            notice=notice,
            tracking_code=about.get(notice.report_id, ("", None))[0],
            sealed_contact=contact_of.get(notice.follower_id) if notice.follower_id else about.get(notice.report_id, ("", None))[1],
            webhook=hooks.get(notice.webhook_id) if notice.webhook_id else None,
            url=urls.get(notice.webhook_id, "") if notice.webhook_id else "",
            public_contact=_centre(session) if notice.about == ABOUT_WEBHOOK else "",
        )
        for notice in claimed
    ]


def _centre(session: Session) -> str:
    of = province.current(session)
    return of.agencies[of.centre].email


def _about(session: Session, reports: set[UUID]) -> dict[UUID, tuple[str, str | None]]:
    """Tracking code and sealed contact."""
    if not reports:
        return {}
    codes = session.execute(select(subjects.c.report_id, subjects.c.tracking_code).where(subjects.c.report_id.in_(reports)))
    sealed = session.execute(select(contacts.c.report_id, contacts.c.sealed).where(contacts.c.report_id.in_(reports)))
    code_of, contact_of = {row.report_id: row.tracking_code for row in codes}, {row.report_id: row.sealed for row in sealed}
    return {report_id: (code_of.get(report_id, ""), contact_of.get(report_id)) for report_id in reports}


def _followers(session: Session, ids: set[UUID]) -> dict[UUID, str]:
    if not ids:
        return {}
    sealed = select(followers.c.follower_id, followers.c.sealed).where(followers.c.follower_id.in_(ids))
    return {row.follower_id: row.sealed for row in session.execute(sealed)}


def _webhooks(session: Session, ids: set[UUID]) -> dict[UUID, Webhook]:
    if not ids:
        return {}
    return {webhook.id: webhook for webhook in session.scalars(select(Webhook).where(webhooks.c.id.in_(ids)))}


def locked_notices(session: Session, ids: Iterable[UUID]) -> dict[UUID, Notice]:
    """By id, without their texts."""
    statement = select(Notice).where(notices.c.id.in_(set(ids))).order_by(notices.c.id).with_for_update()
    return {notice.id: notice for notice in session.scalars(statement.options(defer(Notice.body), defer(Notice.news)))}  # type: ignore[arg-type, misc]


def locked_webhook(session: Session, webhook_id: UUID) -> Webhook | None:
    """By id."""
    return session.get(Webhook, webhook_id, with_for_update=True)


def switch_off(session: Session, webhook: Webhook) -> None:
    """Nothing more goes there, and what waits to go there has failed."""
    webhook.active = False
    waiting = (notices.c.endpoint == str(webhook.id)) & (notices.c.state == State.PENDING)
    session.execute(update(notices).where(waiting).values(state=State.FAILED, last_error=SWITCHED_OFF, claimed_until=None))


def to_replay(asked: Replay) -> ColumnElement[bool]:
    """What is pending goes out anyway, what was erased has no text, and no person is sent again what arrived."""
    mine = notices.c.webhook_id.is_(None) if asked.to_people else notices.c.webhook_id == asked.report_id
    states = [State.FAILED] if asked.failed_only or asked.to_people else [State.FAILED, State.SENT]
    span = (notices.c.created_at >= asked.since) & (notices.c.created_at < asked.until)
    return mine & span & notices.c.state.in_(states) & (notices.c.body != "")


def count(session: Session, which: ColumnElement[bool]) -> int:
    """How many."""
    return session.scalar(select(func.count()).select_from(notices).where(which)) or 0


def replay(session: Session, which: ColumnElement[bool], at: datetime) -> None:
    """Send them again from ``at`` on, under the same ids."""
    anew = {"state": State.PENDING, "attempts": 0, "due_at": at, "sent_at": None, "claimed_until": None, "tried": []}
    channel = case((notices.c.webhook_id.is_(None), REPORTER), else_=WEBHOOK)
    session.execute(update(notices).where(which).values(**anew, channel=channel))
