"""Reports that may be about the same thing as another one: by category, lately, still open, near."""

from collections.abc import Sequence
from datetime import datetime
from math import cos, radians
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, and_, or_, select
from sqlalchemy.orm import Session

from services.intake.domain.duplicates import Matter
from services.intake.domain.report import OPEN, Report
from services.intake.store import public_texts, read, reports, whole
from shared.texts import folded

CANDIDATES = 200  # compared with one report, at the most: the newest
_METRES = 111_000  # in a degree of latitude, a little less than there are: the box is rather too large
_of = reports.c


def candidates(session: Session, matter: Matter, *, category: str, area: str, since: datetime, radius: int) -> list[Matter]:
    """Open reports received ``since``, within ``radius`` metres, or in the same area where one of both has no point."""
    others = and_(_of.category == category, _of.status.in_(OPEN), _of.received_at >= since, _of.report_id != matter.report_id)
    newest = _matters.where(others, _near(matter, area, radius)).order_by(_of.received_at.desc()).limit(CANDIDATES)
    return [_matter(row) for row in session.execute(newest).mappings()]


def matter_of(session: Session, report: Report) -> Matter:
    """What of a report is compared."""
    return _matter(session.execute(_matters.where(_of.report_id == report.report_id)).mappings().one())


def reports_by_id(session: Session, ids: Sequence[UUID]) -> dict[UUID, Report]:
    """Whole, as they are shown."""
    return {report.report_id: report for report in read(session, whole.where(_of.report_id.in_(ids)))}


_matters = select(_of.report_id, _of.received_at, _of.latitude, _of.longitude, _of.location, public_texts.c.folded).join(
    public_texts, public_texts.c.report_id == _of.report_id
)


def _near(matter: Matter, area: str, radius: int) -> ColumnElement[bool]:
    if matter.latitude is None or matter.longitude is None:
        return _of.area == area
    north, east = radius / _METRES, radius / _METRES / cos(radians(matter.latitude))
    latitudes = _of.latitude.between(matter.latitude - north, matter.latitude + north)
    longitudes = _of.longitude.between(matter.longitude - east, matter.longitude + east)
    return or_(and_(latitudes, longitudes), and_(_of.latitude.is_(None), _of.area == area))


def _matter(row: RowMapping) -> Matter:
    return Matter(
        report_id=row["report_id"],
        received_at=row["received_at"],
        words=f"{row['folded']} {folded(row['location'].get('address', ''))}",
        latitude=row["latitude"],
        longitude=row["longitude"],
    )
