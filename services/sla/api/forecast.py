"""Which cases will probably break their deadline by the end of the next working day: for the agency that has them, and the centre."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.sla.domain.forecast import Basis
from services.sla.domain.worklists import Code
from services.sla.store import forecasting
from shared.access import Role
from shared.errors import NotFound
from shared.web import Caller, Desk


class OutlookView(BaseModel):
    """``due`` cases have their deadline by then: ``expected`` is the sum of their chances to break it, ``likely`` counts those with a
    chance of at least one half, ``unknown`` those with too few similar cases to say. ``overdue`` broke it already, and are apart."""

    model_config = ConfigDict(from_attributes=True)
    agency: str
    due: int
    expected: float
    likely: int
    unknown: int
    overdue: int


class RiskView(BaseModel):
    """``chance`` is a share of ``similar`` cases, chosen by ``basis``; null of too few. ``hours_left`` when the forecast was made, in
    working time unless ``on_the_wall``."""

    model_config = ConfigDict(from_attributes=True)
    report_id: UUID
    tracking_code: str
    agency: str
    category: str
    due_at: AwareDatetime
    hours_left: float
    on_the_wall: bool
    chance: float | None
    basis: Basis
    similar: int


class ForecastView(BaseModel):
    """Made ``at``, for the time to ``until``. ``next`` goes into ``after`` of the next page of cases; null on the last."""

    at: AwareDatetime
    until: AwareDatetime
    agencies: list[OutlookView]
    cases: list[RiskView]
    next: int | None


def routes(desk: Desk) -> APIRouter:
    """All of it."""
    router = APIRouter(prefix="/v1", tags=["forecast"])

    @router.get("/forecast")
    def forecast(
        caller: Caller,
        agency: Annotated[Code, Query()] = "",
        after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> ForecastView:
        """The likeliest breach first, of each agency the first five hundred. An agency sees its own only."""
        own = caller.agency if caller.role == Role.AGENCY else agency
        with desk.sessions() as session:
            made = forecasting.last_made(session)
            if made is None:
                raise NotFound("no forecast was made yet: the first comes within a minute of the start", code="no_forecast")
            page = forecasting.page_of_risks(session, agency=own, after=after, limit=limit)
            agencies = [OutlookView.model_validate(one) for one in forecasting.kept_outlooks(session, own)]
        cases = [RiskView.model_validate(row) for row in page]
        return ForecastView(at=made[0], until=made[1], agencies=agencies, cases=cases, next=page[-1].place if len(page) == limit else None)

    return router
