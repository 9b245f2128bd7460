"""Who follows a report, as far as intake knows: not how to reach them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Table, Text, UniqueConstraint, Uuid, delete, select
from sqlalchemy.orm import Session

from services.intake.domain.following import Follower
from services.intake.store import mapper, metadata
from shared.messages import FollowerLeft
from shared.tables import moment

followers = Table(
    "followers",
    metadata,
    Column("follower_id", Uuid, primary_key=True),
    Column("report_id", Uuid, ForeignKey("reports.report_id"), nullable=False),
    Column("fingerprint", Text, nullable=False),
    moment("asked_at"),
    moment("confirmed_at", nullable=True),
    UniqueConstraint("report_id", "fingerprint"),
)
mapper.map_imperatively(Follower, followers)


def by_fingerprint(session: Session, report_id: UUID, fingerprint: str) -> Follower | None:
    """Who left this contact before."""
    return session.scalar(select(Follower).where(followers.c.report_id == report_id, followers.c.fingerprint == fingerprint))


def follower_of(session: Session, follower_id: UUID) -> Follower | None:
    """By id."""
    return session.get(Follower, follower_id)


def forget(session: Session, follower_id: UUID, at: datetime) -> list[FollowerLeft]:
    """Nothing is left; nothing is said of who was not there."""
    gone = delete(followers).where(followers.c.follower_id == follower_id).returning(followers.c.report_id)
    return [FollowerLeft(report_id=report_id, at=at, follower_id=follower_id) for report_id in session.scalars(gone)]
