"""What is known of photos. The bytes are in ``store.files``."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, Uuid, delete, func, select
from sqlalchemy.orm import Session

from services.intake.domain.media import Media, Original, State
from services.intake.store import mapper, metadata
from shared.errors import NotFound
from shared.tables import Words, moment

PAGE, SWEPT = 100, 50  # rows at a time
GRACE = timedelta(minutes=2)  # a link may expire while its bytes still come

media = Table(
    "media",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("uploader", Text, nullable=False),
    Column("report_id", Uuid, ForeignKey("reports.report_id", deferrable=True, initially="DEFERRED")),
    Column("state", Words(State), nullable=False),
    moment("created_at"),
    moment("expires_at", nullable=True),
    Column("sha256", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("screened_by", Text, nullable=False),
    moment("screened_at", nullable=True),
    Column("original", Words(Original), nullable=False, server_default=Original.SEALED),
)
_is_unscreened = (media.c.state == State.PRIVATE) & media.c.report_id.is_not(None)
Index("media_of_report", media.c.report_id)
Index("media_by_uploader", media.c.uploader, media.c.created_at)
Index("media_expiring", media.c.expires_at, postgresql_where=media.c.expires_at.is_not(None))
Index("media_unscreened", media.c.id, postgresql_where=_is_unscreened)
Index("media_to_strip", media.c.id, postgresql_where=media.c.original == Original.TO_GO)
mapper.map_imperatively(Media, media)


def of_id(session: Session, media_id: UUID, *, lock: bool = False) -> Media:
    """Raises :class:`NotFound`."""
    found = session.get(Media, media_id, with_for_update=lock or None)
    if found is None:
        raise NotFound("no media has this id")
    return found


def of_ids(session: Session, ids: Collection[UUID]) -> dict[UUID, Media]:
    """Those that are there, locked in one order."""
    if not ids:
        return {}
    statement = select(Media).where(media.c.id.in_(ids)).order_by(media.c.id).with_for_update()
    return {one.id: one for one in session.scalars(statement)}


def drop(session: Session, media_id: UUID) -> None:
    """Forget what never became a photo."""
    session.execute(delete(media).where(media.c.id == media_id, media.c.state.in_([State.ANNOUNCED, State.ARRIVING])))


def of_report(session: Session, report_id: UUID) -> Sequence[Media]:
    """Also those that are still to come."""
    return session.scalars(select(Media).where(media.c.report_id == report_id).order_by(media.c.id)).all()


def announced_since(session: Session, uploader: str, since: datetime) -> int:
    """How many, whatever became of them; those that were refused are not counted."""
    statement = select(func.count()).where(media.c.uploader == uploader, media.c.created_at > since)
    return session.scalar(statement) or 0


def released(session: Session, report_id: UUID, evidence: Collection[UUID]) -> list[Media]:
    """What anybody may see: of the report, and what proves its result (which may be with the report it was merged into)."""
    is_of_it = (media.c.report_id == report_id) | media.c.id.in_(evidence)
    return list(session.scalars(select(Media).where(is_of_it, media.c.state == State.RELEASED).order_by(media.c.id)))


def unscreened(session: Session, after: UUID | None) -> Sequence[Media]:
    """A page of those that wait for a person, the oldest first."""
    statement = select(Media).where(_is_unscreened).order_by(media.c.id).limit(PAGE)
    return session.scalars(statement.where(media.c.id > after) if after else statement).all()


def expired(session: Session, at: datetime) -> Sequence[Media]:
    """Some that nobody will come for any more, locked; those a twin has are left to it."""
    statement = select(Media).where(media.c.expires_at <= at - GRACE).order_by(media.c.expires_at).limit(SWEPT)
    return session.scalars(statement.with_for_update(skip_locked=True)).all()


def to_strip(session: Session) -> Sequence[Media]:
    """Some whose originals have to go, locked; those a twin has are left to it."""
    statement = select(Media).where(media.c.original == Original.TO_GO).order_by(media.c.id).limit(SWEPT)
    return session.scalars(statement.with_for_update(skip_locked=True)).all()


def gauges(session: Session) -> Iterable[GaugeMetricFamily]:
    """How many photos wait to be screened."""
    family = GaugeMetricFamily("hoiam_media_unscreened", "Photos of reports that nobody has screened yet")
    family.add_metric([], float(session.scalar(select(func.count()).select_from(media).where(_is_unscreened)) or 0))
    yield family
