"""Who reported, looked up, counted out and forgotten; and the log of who looked."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Index, Table, Text, Uuid, and_, exists, or_, select, update
from sqlalchemy.orm import Session

from services.intake.domain.privacy import Access, Act
from services.intake.domain.report import FINAL, Reporter
from services.intake.store import mapper, metadata, reporters, reports, timeline
from services.intake.store.following import followers
from shared.database import APPEND_ONLY
from shared.privacy import SealingKeys, lookup_hash
from shared.resealing import sealed_before
from shared.tables import Words, moment

accesses = Table(
    "accesses",
    metadata,
    Column("id", Uuid, primary_key=True),
    moment("at"),
    Column("actor", Text, nullable=False),
    Column("act", Words(Act), nullable=False),
    Column("report_id", Uuid, nullable=False, index=True),
    Column("tracking_code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    comment=APPEND_ONLY,
)
for _name in ("phone_hash", "email_hash"):
    Index(f"reporters_{_name}", reporters.c[_name], postgresql_where=reporters.c[_name] != "")
mapper.map_imperatively(Access, accesses)


def reporter_of(session: Session, report_id: UUID) -> Reporter | None:
    """Nobody for an anonymous report, and for one whose reporter was forgotten. Locked."""
    return session.get(Reporter, report_id, with_for_update=True)


def reports_of(session: Session, hashed: str) -> list[UUID]:
    """The reports of who left the telephone number or e-mail address with this hash, oldest first."""
    theirs = or_(reporters.c.phone_hash == hashed, reporters.c.email_hash == hashed)
    return list(session.scalars(select(reporters.c.report_id).where(theirs).order_by(reporters.c.report_id)))


def long_over(session: Session, before: datetime, *, limit: int) -> list[UUID]:
    """Reports that ended, about which nothing happened since ``before``, and whose reporters are still known. Locked; what a twin has
    locked is left to it."""
    statement = select(reporters.c.report_id).join(reports, reports.c.report_id == reporters.c.report_id).where(_over(before))
    return list(session.scalars(statement.order_by(reporters.c.report_id).limit(limit).with_for_update(skip_locked=True, of=reporters)))


def followed_long_over(session: Session, before: datetime, *, limit: int) -> list[UUID]:
    """Followers of reports that ended, about which nothing happened since ``before``."""
    statement = select(followers.c.follower_id).join(reports, reports.c.report_id == followers.c.report_id).where(_over(before))
    return list(session.scalars(statement.limit(limit).with_for_update(skip_locked=True, of=followers)))


def accesses_after(session: Session, after: UUID | None, *, limit: int, report_id: UUID | None = None) -> Sequence[Access]:
    """In the order in which it was looked; a page."""
    statement = select(Access).order_by(accesses.c.id).limit(limit)
    if after:
        statement = statement.where(accesses.c.id > after)
    if report_id:
        statement = statement.where(accesses.c.report_id == report_id)
    return session.scalars(statement).all()


def _over(before: datetime) -> ColumnElement[bool]:
    ended = reports.c.status.in_([str(status) for status in FINAL]) & (reports.c.received_at < before)
    return ended & ~exists().where(timeline.c.report_id == reports.c.report_id, timeline.c.at >= before)


def to_reseal(keys: SealingKeys) -> object:
    """Reporters sealed under an older key, or without what finds them."""
    return or_(sealed_before(reporters, keys), and_(reporters.c.phone_hash == "", reporters.c.email_hash == ""))


def keep_hashes(session: Session, report_id: UUID, *, key: str, phone: str, email: str) -> None:
    """What finds this reporter from now on."""
    values = {"phone_hash": lookup_hash(key, phone), "email_hash": lookup_hash(key, email)}
    session.execute(update(reporters).where(reporters.c.report_id == report_id).values(values))
