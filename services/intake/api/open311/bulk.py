"""GeoReport Bulk: all requests as a table, for open data portals. It is read as it is sent, a batch at a time."""

import csv
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from services.intake.api.open311.formats import V2
from services.intake.api.open311.queries import Moment, known
from services.intake.api.recent import Recent
from services.intake.domain.georeport import Record, told_request
from services.intake.store import open311 as store
from shared.province import Province
from shared.texts import tame
from shared.web import Desk

BATCH = 1000
BEGINNING = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
COLUMNS = {  # of the table → of a request
    "service_request_id": "service_request_id",
    "requested_datetime": "requested_datetime",
    "updated_datetime": "updated_datetime",
    "status_description": "status",
    "status_notes": "status_notes",
    "service_name": "service_name",
    "address": "address",
    "lat": "lat",
    "long": "long",
    "closed_date": "closed_date",
    "description": "description",
    "agency_responsible": "agency_responsible",
}


def routes(desk: Desk, provinces: Recent[str, Province]) -> APIRouter:
    """The whole table."""
    router = APIRouter(prefix=V2)

    @router.get("/bulk/requests.csv", responses={200: {"content": {"text/csv": {}}}}, response_class=StreamingResponse)
    def bulk(
        jurisdiction_id: str = "", start_date: Annotated[Moment, Query()] = None, end_date: Annotated[Moment, Query()] = None
    ) -> StreamingResponse:
        """Every request received between the two dates, the oldest first; without dates, all there are."""
        of = known(provinces, jurisdiction_id)
        until = (end_date or desk.clock()) + timedelta(seconds=1)
        records = _records(desk, of, start_date or BEGINNING, until)
        headers = {"Content-Disposition": 'attachment; filename="requests.csv"'}
        return StreamingResponse(_lines(records), media_type="text/csv; charset=utf-8", headers=headers)

    return router


def _records(desk: Desk, of: Province, start: datetime, until: datetime) -> Iterator[list[Record]]:
    """In batches, each with a connection for itself: a slow reader holds none."""
    seen = (start, UUID(int=0))
    while True:
        with desk.sessions() as session:
            found = store.reports_after(session, seen, until, unlisted=of.unlisted, limit=BATCH)
            last = store.last_notes(session, [report.report_id for report in found])
        yield [told_request(report, last.get(report.report_id), of) for report in found]
        if len(found) < BATCH:
            return
        seen = (found[-1].received_at, found[-1].report_id)


def _lines(batches: Iterator[list[Record]]) -> Iterator[str]:
    yield _table([list(COLUMNS)])
    for records in batches:
        yield _table([[tame(_closed(record).get(name)) for name in COLUMNS.values()] for record in records])


def _closed(record: Record) -> Record:
    return record | {"closed_date": record["updated_datetime"] if record["status"] == "closed" else None}


def _table(rows: list[list[object]]) -> str:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
