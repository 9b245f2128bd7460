"""What Open311 asks of the tables: reports and updates in the order of an index, and the report that the same content made before."""

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import groupby
from uuid import UUID

from sqlalchemy import select, true, tuple_
from sqlalchemy.orm import Session, aliased

from services.intake.domain.georeport import NOTES
from services.intake.domain.report import Report, Status
from services.intake.domain.timeline import Entry
from services.intake.store import is_keyless, is_update, one, read, reports, timeline, whole

Span = tuple[datetime, datetime]  # from (inclusive), until (exclusive)


def reports_by_codes(session: Session, tracking_codes: Collection[str]) -> list[Report]:
    """Those that exist, the newest first."""
    newest = (reports.c.received_at.desc(), reports.c.report_id.desc())
    return read(session, whole.where(reports.c.tracking_code.in_(tracking_codes)).order_by(*newest))


def reports_within(
    session: Session,
    *,
    received: Span | None,
    updated: Span | None,
    categories: Collection[str],
    unlisted: Collection[str],
    statuses: Collection[Status],
    limit: int,
    offset: int,
) -> list[Report]:
    """The newest first; by their last change, the oldest first, so that who asks for changes goes on from the last one."""
    statement = whole.where(reports.c.category.not_in(unlisted)).limit(limit).offset(offset)
    if received:
        statement = statement.where(reports.c.received_at >= received[0], reports.c.received_at < received[1])
    if updated:
        statement = statement.where(reports.c.updated_at >= updated[0], reports.c.updated_at < updated[1])
    if categories:
        statement = statement.where(reports.c.category.in_(categories))
    if statuses:
        statement = statement.where(reports.c.status.in_(statuses))
    if updated:
        return read(session, statement.order_by(reports.c.updated_at, reports.c.report_id))
    return read(session, statement.order_by(reports.c.received_at.desc(), reports.c.report_id.desc()))


def reports_after(session: Session, seen: tuple[datetime, UUID], until: datetime, *, unlisted: Collection[str], limit: int) -> list[Report]:
    """The next in the order of receipt."""
    place = tuple_(reports.c.received_at, reports.c.report_id)
    statement = whole.where(place > seen, reports.c.received_at < until, reports.c.category.not_in(unlisted))
    return read(session, statement.order_by(reports.c.received_at, reports.c.report_id).limit(limit))


def last_notes(session: Session, report_ids: Iterable[UUID]) -> dict[UUID, Entry]:
    """Of each report, what last said where it stands; looked up one by one by the index, however many there are in all."""
    of_report = (timeline.c.report_id == reports.c.report_id) & timeline.c.topic.in_(sorted(NOTES))
    newest = select(timeline).where(of_report).order_by(timeline.c.version.desc()).limit(1).lateral()
    statement = select(aliased(Entry, newest)).join_from(reports, newest, true()).where(reports.c.report_id.in_(list(report_ids)))
    return {entry.report_id: entry for entry in session.scalars(statement)}


def timelines(session: Session, report_ids: Iterable[UUID]) -> dict[UUID, list[Entry]]:
    """Everything that was told of each report, as it happened."""
    order = (timeline.c.report_id, timeline.c.at, timeline.c.version, timeline.c.topic, timeline.c.id)
    entries = session.scalars(select(Entry).where(timeline.c.report_id.in_(list(report_ids))).order_by(*order))
    return {report_id: list(group) for report_id, group in groupby(entries, lambda entry: entry.report_id)}


def updates_within(
    session: Session, within: Span, tracking_codes: Collection[str], *, unlisted: Collection[str], limit: int, offset: int
) -> list[tuple[Entry, str]]:
    """Entries that are told as updates, the oldest first, with the tracking code of their report; of unlisted ones by their code only."""
    statement = select(Entry, reports.c.tracking_code).join(reports, reports.c.report_id == timeline.c.report_id)
    statement = statement.where(is_update, timeline.c.at >= within[0], timeline.c.at < within[1])
    named = reports.c.tracking_code.in_(tracking_codes) if tracking_codes else reports.c.category.not_in(unlisted)
    statement = statement.where(named)
    rows = session.execute(statement.order_by(timeline.c.at, timeline.c.id).limit(limit).offset(offset))
    return [(entry, code) for entry, code in rows]


def newest_alike(session: Session, portal: str, fingerprint: str) -> Report | None:
    """The last report that a portal sent with this content and no key."""
    same = (reports.c.portal == portal) & (reports.c.fingerprint == fingerprint) & is_keyless
    return one(session, whole.where(same).order_by(reports.c.received_at.desc()).limit(1))
