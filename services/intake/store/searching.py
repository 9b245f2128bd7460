"""Lists and maps of reports. What may be slow is bounded: by an index, by the length of a page, by the newest so many."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Boolean, ColumnElement, RowMapping, Select, func, select, tuple_
from sqlalchemy.orm import Session

from services.intake.domain.report import Report
from services.intake.domain.searching import Place, Search
from services.intake.store import public_texts, read, reports, whole
from shared.texts import folded

_of = reports.c
_NEWEST_FIRST = (_of.received_at.desc(), _of.report_id.desc())
FEW = 1000  # reports with certain words: so many are sorted as they are
MAPPED = 2_500  # reports a map is drawn of, at the most: the newest


def found(session: Session, search: Search, *, after: Place | None, limit: int) -> Sequence[Report]:
    """One page, newest first, beginning behind ``after``."""
    conditions = [*_conditions(search), *_worded(session, search)]
    statement = whole.where(*conditions).order_by(*_NEWEST_FIRST).limit(limit)
    if after:
        statement = statement.where(tuple_(_of.received_at, _of.report_id) < tuple_(after.received_at, after.report_id))
    return read(session, statement)


def points(session: Session, search: Search, *, limit: int) -> Sequence[RowMapping]:
    """The newest reports that have a point: tracking_code, category, status, urgent, received_at, latitude, longitude."""
    columns = (_of.tracking_code, _of.category, _of.status, _of.urgent, _of.received_at, _of.latitude, _of.longitude)
    return session.execute(_on_map(session, search, *columns).limit(limit)).mappings().all()


def clusters(session: Session, search: Search, *, cell: float) -> Sequence[RowMapping]:
    """Of the newest reports that have a point, by squares of ``cell`` degrees and status: status, count, and the sums of both degrees."""
    newest = _on_map(session, search, _of.latitude, _of.longitude, _of.status).limit(MAPPED).subquery()
    row, column = func.floor(newest.c.latitude / cell).label("row"), func.floor(newest.c.longitude / cell).label("column")
    sums = func.count().label("count"), func.sum(newest.c.latitude).label("latitudes"), func.sum(newest.c.longitude).label("longitudes")
    return session.execute(select(row, column, newest.c.status, *sums).group_by(row, column, newest.c.status)).mappings().all()


def _on_map(session: Session, search: Search, *columns: ColumnElement[Any]) -> Select[Any]:
    conditions = [_of.latitude.is_not(None), *_conditions(search), *_worded(session, search)]
    return select(*columns).where(*conditions).order_by(*_NEWEST_FIRST)


def _worded(session: Session, search: Search) -> Iterator[ColumnElement[bool]]:
    """A rare word is looked up, a common one met on the way through the newest: PostgreSQL can't tell them apart, so it is told."""
    if not search.words:
        return
    matches = public_texts.c.words.op("@@", return_type=Boolean)(func.websearch_to_tsquery("simple", folded(search.words)))
    looked_up = select(public_texts.c.report_id).where(matches)
    count = session.scalar(select(func.count()).select_from(looked_up.limit(FEW + 1).subquery())) or 0
    met = select(matches).where(public_texts.c.report_id == _of.report_id).scalar_subquery()
    yield _of.report_id.in_(looked_up.limit(FEW)) if count <= FEW else met


def _conditions(search: Search) -> Iterator[ColumnElement[bool]]:
    yield from _equalities(search)
    yield from _ranges(search)


def _equalities(search: Search) -> Iterator[ColumnElement[bool]]:
    for column, value in ((_of.area, search.area), (_of.agency, search.agency), (_of.portal, search.portal)):
        if value:
            yield column == value
    if search.categories is not None:
        yield _of.category.in_(search.categories)
    if search.unlisted:
        yield _of.category.not_in(search.unlisted)
    if search.statuses:
        yield _of.status.in_(search.statuses)
    if search.urgent is not None:
        yield _of.urgent if search.urgent else ~_of.urgent


def _ranges(search: Search) -> Iterator[ColumnElement[bool]]:
    for column, begin, end in (
        (_of.received_at, search.received_from, search.received_to),
        (_of.updated_at, search.updated_from, search.updated_to),
    ):
        if begin:
            yield column >= begin
        if end:
            yield column < end
    if box := search.box:
        yield _of.latitude.between(box.south, box.north)
        yield _of.longitude.between(box.west, box.east)
