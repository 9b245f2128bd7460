"""What everybody may check: the daily roots, and that a case is in one of them. Hashes only."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.sla.domain.roots import Receipt, Root
from services.sla.store import roots
from shared.web import Desk


class RootPage(BaseModel):
    """``after`` of the next page is the ``next`` of this one; none when this is the last."""

    roots: list[Root]
    next: date | None


def routes(desk: Desk) -> APIRouter:
    """All of it."""
    router = APIRouter(prefix="/v1", tags=["audit"])

    @router.get("/audit/roots")
    def daily_roots(after: date | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> RootPage:
        """The roots of all days, from the oldest on. Keep them elsewhere: what you have kept can't be rewritten here unseen."""
        with desk.sessions() as session:
            page = roots.page_of_roots(session, after=after, limit=limit)
        return RootPage(roots=page, next=page[-1].day if len(page) == limit else None)

    @router.get("/audit/roots/{day}")
    def root_of_a_day(day: date) -> Root:
        """The root of one day."""
        with desk.sessions() as session:
            return roots.root_of(session, day)

    @router.get("/cases/{report_id}/receipt")
    def receipt(report_id: UUID) -> Receipt:
        """The proof that a case is in a daily root, as far as its history went then. It can be checked without asking anybody."""
        with desk.sessions() as session:
            return roots.receipt_of(session, report_id)

    return router
