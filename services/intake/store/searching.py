"""Lists and maps of reports. What may be slow is bounded: by an index, by the length of a page, by the newest so many."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select, tuple_
from sqlalchemy.orm import Session, undefer_group

from services.intake.domain.report import Report
from services.intake.domain.searching import Place, Search
from services.intake.store import public_texts, reports
from shared.texts import folded

_of = reports.c
_NEWEST_FIRST = (_of.received_at.desc(), _of.report_id.desc())
MAPPED = 10_000  # reports a map is drawn of, at the most: the newest


def found(session: Session, search: Search, *, after: Place | None, limit: int) -> Sequence[Report]:
    """One page, newest first, beginning behind ``after``."""
    statement = select(Report).options(undefer_group("content")).where(*_conditions(search)).order_by(*_NEWEST_FIRST).limit(limit)
    if after:
        statement = statement.where(tuple_(_of.received_at, _of.report_id) < tuple_(after.received_at, after.report_id))
    return session.scalars(statement).all()


def points(session: Session, search: Search, *, limit: int) -> Sequence[Row[Any]]:
    """The newest reports that have a point: tracking_code, category, status, urgent, received_at, latitude, longitude."""
    columns = (_of.tracking_code, _of.category, _of.status, _of.urgent, _of.received_at, _of.latitude, _of.longitude)
    return session.execute(_on_map(search, *columns).limit(limit)).all()


def clusters(session: Session, search: Search, *, cell: float) -> Sequence[Row[Any]]:
    """Of the newest reports that have a point, by squares of ``cell`` degrees and status: status, count, and the sums of both degrees."""
    newest = _on_map(search, _of.latitude, _of.longitude, _of.status).limit(MAPPED).subquery()
    row, column = func.floor(newest.c.latitude / cell).label("row"), func.floor(newest.c.longitude / cell).label("column")
    sums = func.count().label("count"), func.sum(newest.c.latitude).label("latitudes"), func.sum(newest.c.longitude).label("longitudes")
    return session.execute(select(row, column, newest.c.status, *sums).group_by(row, column, newest.c.status)).all()


def _on_map(search: Search, *columns: ColumnElement[Any]) -> Select[Any]:
    return select(*columns).where(_of.latitude.is_not(None), *_conditions(search)).order_by(*_NEWEST_FIRST)


def _conditions(search: Search) -> Iterator[ColumnElement[bool]]:
    yield from _equalities(search)
    yield from _ranges(search)
    if search.words:
        asked = func.websearch_to_tsquery("simple", folded(search.words))
        yield _of.report_id.in_(select(public_texts.c.report_id).where(public_texts.c.words.op("@@")(asked)))


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
        yield _of.urgent.is_(search.urgent)


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
