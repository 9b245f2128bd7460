"""The daily roots of sla as they were witnessed here, under another role and in another schema: see docs/audit.md."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from services.intake import store
from shared.web import Desk


class WitnessedRoot(BaseModel):
    """As sla first said it; what sla says of this day now must be the same."""

    day: date
    at: AwareDatetime
    size: int
    previous: str
    root: str


class RootPage(BaseModel):
    """``after`` of the next page is the ``next`` of this one; none when this is the last."""

    roots: list[WitnessedRoot]
    next: date | None


def routes(desk: Desk) -> APIRouter:
    """One route."""
    router = APIRouter(prefix="/v1", tags=["audit"])

    @router.get("/audit/roots")
    def witnessed_roots(after: date | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> RootPage:
        """From the oldest day on. A receipt of sla holds when its root is the one of its day here."""
        with desk.sessions() as session:
            page = [WitnessedRoot(**row) for row in store.page_of_roots(session, after=after, limit=limit)]
        return RootPage(roots=page, next=page[-1].day if len(page) == limit else None)

    return router
