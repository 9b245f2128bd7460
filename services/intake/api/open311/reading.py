"""What everybody may read: requests, their updates, the token of a request."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy.orm import Session

from services.intake.api.open311.formats import V2, Asked, answered
from services.intake.api.open311.queries import MOST, MOST_WHOLE, TRUE, Flag, RequestSearch, Search, known, update_span
from services.intake.api.recent import Recent
from services.intake.api.showing import report_by_typed_code
from services.intake.domain.georeport import Record, told_extensions, told_request, told_update
from services.intake.domain.report import Report
from services.intake.settings import IntakeSettings
from services.intake.store import open311 as store
from shared.province import Province
from shared.web import Desk


def routes(desk: Desk, settings: IntakeSettings, provinces: Recent[str, Province]) -> APIRouter:
    """What needs no key."""
    router = APIRouter(prefix=V2)

    @router.get("/requests.{form}")
    def requests(form: Asked, search: Annotated[RequestSearch, Query()]) -> Response:
        """Requests by their ids, or of at most 90 days; at most 1000 at once, and the rest by pages."""
        of = known(provinces, search.jurisdiction_id)
        with desk.sessions() as session:
            found = _found(session, search, of, desk)
            return answered(form, "service_requests", _told(session, found, of, whole=search.whole, url=settings.public_url))

    @router.get("/requests/{service_request_id}.{form}")
    def request(service_request_id: str, form: Asked, jurisdiction_id: str = "", extensions: Flag = None) -> Response:
        """One request."""
        of = known(provinces, jurisdiction_id)
        with desk.sessions() as session:
            report = report_by_typed_code(session, service_request_id, of)
            return answered(form, "service_requests", _told(session, [report], of, whole=extensions in TRUE, url=settings.public_url))

    @router.get("/tokens/{token}.{form}")
    def token(token: str, form: Asked, jurisdiction_id: str = "") -> Response:
        """The request of a token; ids are given at once here, so each is its own token."""
        of = known(provinces, jurisdiction_id)
        with desk.sessions() as session:
            code = report_by_typed_code(session, token, of).tracking_code
        return answered(form, "service_requests", [{"service_request_id": code, "token": token}])

    @router.get("/servicerequestupdates.{form}")
    def updates(form: Asked, search: Annotated[Search, Query()]) -> Response:
        """What happened to requests, of at most 90 days, the oldest first."""
        of = known(provinces, search.jurisdiction_id)
        codes = search.codes(of)
        limit, offset = search.page_of(MOST)
        if search.service_request_id and not codes:
            return answered(form, "service_request_updates", [])
        with desk.sessions() as session:
            found = store.updates_within(
                session, update_span(search, desk.clock()), codes, unlisted=of.unlisted, limit=limit, offset=offset
            )
        return answered(form, "service_request_updates", [told_update(entry, code, of) for entry, code in found])

    return router


def _found(session: Session, search: RequestSearch, of: Province, desk: Desk) -> list[Report]:
    limit, offset = search.page_of(MOST_WHOLE if search.whole else MOST)
    if search.service_request_id:  # overrides all others
        return store.reports_by_codes(session, search.codes(of))[offset : offset + limit]
    received, updated = search.spans(desk.clock())
    return store.reports_within(
        session,
        received=received,
        updated=updated,
        categories=search.categories(of),
        unlisted=of.unlisted,
        statuses=search.statuses(),
        limit=limit,
        offset=offset,
    )


def _told(session: Session, found: list[Report], of: Province, *, whole: bool, url: str) -> list[Record]:
    ids = [report.report_id for report in found]
    last = store.last_notes(session, ids)
    plain = [told_request(report, last.get(report.report_id), of) for report in found]
    if not whole:
        return plain
    entries = store.timelines(session, ids)
    urls = [f"{url}/{report.tracking_code}" for report in found]
    more = [told_extensions(one, entries.get(one.report_id, []), of, url=url) for one, url in zip(found, urls, strict=True)]
    return [record | extensions for record, extensions in zip(plain, more, strict=True)]
