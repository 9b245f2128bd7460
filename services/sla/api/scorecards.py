"""Scorecards for everybody; the cases behind each figure for those who may see cases."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from services.sla import store
from services.sla.api import sheets
from services.sla.domain.scorecard import Card, Standing, ranked
from services.sla.domain.scoring import FIGURES
from services.sla.store import scoring
from shared.access import Role
from shared.errors import Refused
from shared.web import Caller, Desk

Month = Annotated[str, Query(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", description="Month of receipt, YYYY-MM.", examples=["2026-11"])]
By = Literal["agency", "category", "area", "month"]
Filter = Annotated[str, Query(max_length=40, pattern=r"^[A-Za-z0-9_-]*$")]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ShareView(BaseModel):
    """``of`` names the denominator, ``lowest`` is the lower end of Wilson's interval at 95 %; null of nothing."""

    model_config = ConfigDict(from_attributes=True)
    part: int
    whole: int
    of: str
    value: float | None
    lowest: float | None


class CardView(BaseModel):
    """``about`` says whose figures these are; empty is the whole province."""

    about: dict[str, str]
    name: str
    figures: dict[str, int]
    median_hours: float | None
    p90_hours: float | None
    shares: dict[str, ShareView]


class Scorecards(BaseModel):
    """``waiting``: cases that moved and are not counted anew yet, usually none."""

    since: str
    until: str
    total: CardView | None
    cards: list[CardView]
    waiting: int


class StandingView(BaseModel):
    """``cases``: those on time, and the late ones by the agency's share of the time they took. ``is_small``: too few to say much."""

    model_config = ConfigDict(from_attributes=True)
    agency: str
    cases: float
    raw: float
    adjusted: float
    raw_rank: int
    adjusted_rank: int
    is_small: bool


class BehindView(BaseModel):
    """``amount`` is what the case adds to the figure."""

    report_id: UUID
    agency: str
    amount: int


class BehindPage(BaseModel):
    """``next`` goes into ``after`` of the next page; null on the last."""

    figure: str
    cases: list[BehindView]
    next: str | None


class FrozenView(BaseModel):
    """A month as it was reported, and whether its figures have changed since (``now`` is what they would be)."""

    month: str
    at: str
    hash: str
    body: dict[str, Any]
    now: dict[str, Any]
    has_changed: bool


def routes(desk: Desk) -> APIRouter:
    """All of it."""
    router = APIRouter(prefix="/v1/scorecards", tags=["scorecards"])

    @router.get("", response_model=Scorecards, responses={200: {"content": {"text/csv": {}, XLSX: {}, "image/svg+xml": {}}}})
    def scorecards(
        since: Month, until: Month, by: By = "agency", agency: Filter = "", category: Filter = "", area: Filter = "",
        format: Literal["json", "csv", "xlsx", "svg"] = "json",
    ) -> Any:  # fmt: skip
        """The figures of the reports received in these months (both included), one card a value of ``by``."""
        only = {"agency": agency, "category": category, "area": area}
        with desk.sessions() as session:
            span, names = period(since, until), names_of(session)
            cards = scoring.cards(session, *span, (by,), only=only)
            if format != "json":
                return _file(format, _title(since, until), cards, by, _ranking(session, span), names)
            total = scoring.cards(session, *span, (), only=only)
            waiting = scoring.waiting_to_be_scored(session)
        views = [_view(card, names) for card in cards]
        return Scorecards(since=since, until=until, total=_view(total[0], names) if total else None, cards=views, waiting=waiting)

    @router.get("/ranking")
    def ranking(since: Month, until: Month) -> list[StandingView]:
        """Agencies by their share on time: as it is, and adjusted for how hard the categories are that they got."""
        with desk.sessions() as session:
            return [StandingView.model_validate(one) for one in _ranking(session, period(since, until))]

    @router.get("/cases")
    def behind(
        caller: Caller, figure: str, since: Month, until: Month, agency: Filter = "", category: Filter = "", area: Filter = "",
        after: Annotated[str, Query(max_length=80)] = "", limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> BehindPage:  # fmt: skip
        """Every case a figure is made of. An agency sees its own only."""
        _check_figure(figure)
        only = {"agency": caller.agency if caller.role == Role.AGENCY else agency, "category": category, "area": area}
        with desk.sessions() as session:
            found = scoring.cases_behind(session, figure, *period(since, until), after=_cursor(after), limit=limit, only=only)
        cases = [BehindView(report_id=report_id, agency=holder, amount=amount) for report_id, holder, amount in found]
        more = f"{cases[-1].report_id}/{cases[-1].agency}" if len(cases) == limit else None
        return BehindPage(figure=figure, cases=cases, next=more)

    @router.get("/frozen/{month}")
    def frozen(month: str) -> FrozenView:
        """A month as it was frozen, with its SHA-256, beside what it has become."""
        with desk.sessions() as session:
            kept = scoring.frozen_month(session, month_of(month))
            now = scoring.as_it_stands(session, month_of(month))
        at = kept["at"].isoformat()
        return FrozenView(month=month, at=at, hash=kept["hash"], body=kept["body"], now=now, has_changed=now != kept["body"])

    return router


def period(since: str, until: str) -> tuple[date, date]:
    """From the first day of ``since`` to before the first day after ``until`` (both YYYY-MM). Raises :class:`Refused`."""
    first, last = month_of(since), month_of(until)
    if last < first:
        raise Refused(f"until ({until}) is before since ({since}): exchange them", code="period_backwards")
    return first, scoring.after_month(last)


def month_of(written: str) -> date:
    """The first day of YYYY-MM. Raises :class:`Refused`."""
    try:
        return date.fromisoformat(f"{written}-01")
    except ValueError:
        raise Refused(f"{written!r} is not a month: write YYYY-MM, as in 2026-11", code="not_a_month") from None


def names_of(session: Session) -> dict[str, str]:
    """What agencies, categories and areas are called, by their codes."""
    province = store.timekeeper(session).province
    return {code: entry.name.vi for kind in (province.areas, province.agencies, province.categories) for code, entry in kind.items()}


def _ranking(session: Session, span: tuple[date, date]) -> list[Standing]:
    return ranked(scoring.cards(session, *span, ("agency", "category")))


def _title(since: str, until: str) -> str:
    return f"Kết quả xử lý phản ánh hiện trường, tiếp nhận từ {since} đến {until}"


def _file(kind: str, title: str, cards: Sequence[Card], by: By, ranking: Sequence[Standing], names: Mapping[str, str]) -> Response:
    if kind == "svg":
        return Response(sheets.as_svg(title, cards, by, names), media_type="image/svg+xml")
    table = sheets.rows(cards, (by,), names)
    body = sheets.as_csv(table) if kind == "csv" else sheets.as_xlsx(title, table, ranking, names)
    disposition = {"Content-Disposition": f'attachment; filename="scorecards.{kind}"'}
    return Response(body, media_type="text/csv; charset=utf-8" if kind == "csv" else XLSX, headers=disposition)


def _view(card: Card, names: Mapping[str, str]) -> CardView:
    name = " · ".join(names.get(code, code) for code in card.about.values())
    shares = {key: ShareView.model_validate(share) for key, share in card.shares.items()}
    return CardView(
        about=dict(card.about),
        name=name,
        figures=dict(card.figures),
        median_hours=card.median_hours,
        p90_hours=card.p90_hours,
        shares=shares,
    )


def _check_figure(figure: str) -> None:
    if figure not in FIGURES:
        raise Refused(f"{figure!r} is no figure; there are: {', '.join(FIGURES)}", code="no_such_figure")


def _cursor(after: str) -> tuple[UUID, str] | None:
    report_id, _, agency = after.partition("/")
    try:
        return (UUID(report_id), agency) if after else None
    except ValueError:
        raise Refused("after is not the next of a page: take it as it was given", code="bad_cursor") from None
