"""What everybody may look for: reports in a list, newest first, and on a map. Portals list their own, with their references."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from services.intake.api.recent import Recent
from services.intake.api.showing import Named, known, name_of
from services.intake.domain import mapping, wording
from services.intake.domain.phrases import public_copy
from services.intake.domain.report import Report, Status
from services.intake.domain.searching import Box, Place, Search
from services.intake.store import searching
from shared.access import Principal, Role, Scope
from shared.errors import Forbidden
from shared.province import Province, Wording
from shared.texts import Moment, clean
from shared.web import Caller, Desk

PAGE = 100  # reports of a page, at the most
POINTS = 200  # single reports on a map; more are drawn together
MAP_LASTS = 30  # seconds

Code = Annotated[str, Field(max_length=50, pattern=r"^[A-Za-z0-9_-]*$")]


def _box(text: str) -> str:
    if text:
        Box.parse(text)
    return text


BoxText = Annotated[str, Field(max_length=100), AfterValidator(_box)]


class Filters(BaseModel):
    """``received_from`` and ``updated_from`` are included, their ends are not.

    ``q`` is words, with or without diacritics; words in quotation marks stand together, ``-word`` must not be there.
    """

    model_config = ConfigDict(extra="forbid")
    category: Annotated[list[Code], Field(max_length=50)] = []
    group: Code = ""
    area: Code = ""
    agency: Code = ""
    status: list[Status] = []
    urgent: bool | None = None
    received_from: Moment | None = None
    received_to: Moment | None = None
    updated_from: Moment | None = None
    updated_to: Moment | None = None
    bbox: Annotated[BoxText, Field(description="west,south,east,north in degrees")] = ""
    q: Annotated[str, Field(max_length=200), AfterValidator(clean)] = ""


class ListQuery(Filters):
    mine: Annotated[bool, Field(description="Only what the calling portal sent, with its external_ref")] = False
    limit: Annotated[int, Field(ge=1, le=PAGE)] = 20
    cursor: Annotated[str, Field(max_length=100, description="next_cursor of the page before")] = ""


class MapQuery(Filters):
    zoom: Annotated[int, Field(ge=0, le=22, description="As of web maps: 0 is the whole world in 256 pixels")]
    bbox: Annotated[BoxText, Field(min_length=1, description="west,south,east,north in degrees")]


class Summary(BaseModel):
    """A report as lists show it. The point is rounded as on the map."""

    tracking_code: str
    status: Status
    status_name: Wording
    category: Named
    description: str  # without what names people
    area: Named | None
    latitude: float | None
    longitude: float | None
    urgent: bool
    agency: Named | None
    received_at: AwareDatetime
    updated_at: AwareDatetime
    due_at: AwareDatetime | None
    external_ref: str | None = None  # for the portal that sent it


class Page(BaseModel):
    """``next_cursor`` is None on the last page."""

    reports: list[Summary]
    next_cursor: str | None


class MapView(BaseModel):
    """GeoJSON (RFC 7946). ``newest``: only the newest reports are counted, there are more."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[mapping.Feature]
    newest: bool


class GeoJson(JSONResponse):
    media_type = "application/geo+json"


def routes(desk: Desk, provinces: Recent[str, Province]) -> APIRouter:
    """Lists and maps."""
    router = APIRouter(prefix="/v1")

    @router.get("/reports")
    def reports(query: Annotated[ListQuery, Query()], caller: Caller, response: Response) -> Page:
        """Newest first. Ask for the next page with the same filters and ``cursor``."""
        of = known(provinces)
        response.headers["Cache-Control"] = "private, no-cache" if query.mine else "max-age=5"
        with desk.sessions() as session:
            found = searching.found(session, _search(query, of, _owner(query, caller)), after=_after(query), limit=query.limit + 1)
        page = found[: query.limit]
        more = len(found) > len(page)
        return Page(reports=[summary(report, of, own=query.mine) for report in page], next_cursor=_cursor(page[-1]) if more else None)

    @router.get("/map", response_class=GeoJson)
    def map_of(query: Annotated[MapQuery, Query()], response: Response) -> MapView:
        """What lies in ``bbox``: single reports when they are few, else drawn together by squares that depend on ``zoom``."""
        response.headers["Cache-Control"] = f"public, max-age={MAP_LASTS}"
        search = _search(query, known(provinces), owner="")
        with desk.sessions() as session:
            points = searching.points(session, search, limit=POINTS + 1)
            if len(points) <= POINTS:
                return MapView(features=[mapping.single(row) for row in points], newest=False)
            squares = searching.clusters(session, search, cell=mapping.square(query.zoom))
        features = mapping.together(squares)
        return MapView(features=features, newest=sum(feature.properties["count"] for feature in features) >= searching.MAPPED)

    return router


def _owner(query: ListQuery, caller: Principal) -> str:
    """Raises :class:`Forbidden`."""
    if query.mine and caller.role != Role.PORTAL:
        raise Forbidden("only a portal has reports of its own: send its key (X-Api-Key)", code="not_a_portal")
    if query.mine and Scope.READ_OWN not in caller.scopes:  # the route is for everybody, so the gate asks for no scope
        raise Forbidden(f"this key lacks the scope {Scope.READ_OWN}", code="scope_missing")
    return caller.name if query.mine else ""


def _search(query: Filters, of: Province, owner: str) -> Search:
    """A portal's own are all there; everybody else's are without those that are not listed."""
    return Search(
        words=query.q,
        categories=_categories(query, of),
        unlisted=() if owner else of.unlisted,
        portal=owner,
        statuses=query.status,
        box=Box.parse(query.bbox) if query.bbox else None,
        **query.model_dump(include={"area", "agency", "urgent", "received_from", "received_to", "updated_from", "updated_to"}),
    )


def _categories(query: Filters, of: Province) -> frozenset[str] | None:
    if not query.group:
        return frozenset(query.category) or None
    if query.group not in of.groups:
        raise _wrong("group", "no group of this province has that code; GET /v1/categories lists them")
    members = frozenset(code for code, category in of.categories.items() if category.group == query.group)
    return members & frozenset(query.category) if query.category else members


def _after(query: ListQuery) -> Place | None:
    try:
        return Place.parse(query.cursor) if query.cursor else None
    except ValueError as error:
        raise _wrong("cursor", str(error)) from None


def _wrong(field: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": "unfit", "loc": ("query", field), "msg": message}])


def _cursor(report: Report) -> str:
    return Place(received_at=report.received_at, report_id=report.report_id).cursor


def summary(report: Report, of: Province, *, own: bool = False) -> Summary:
    """What lists show; to the portal that sent it, with its reference."""
    place = report.location
    longitude, latitude = mapping.point(place["latitude"], place["longitude"]).coordinates if "latitude" in place else (None, None)
    return Summary(
        tracking_code=report.tracking_code,
        status=report.status,
        status_name=wording.STATUS[report.status],
        category=name_of(of.categories, report.category),
        description=public_copy(report.description, of),
        area=name_of(of.areas, place["area"]) if place.get("area") else None,
        latitude=latitude,
        longitude=longitude,
        urgent=report.urgent,
        agency=name_of(of.agencies, report.agency) if report.agency else None,
        received_at=report.received_at,
        updated_at=report.updated_at,
        due_at=report.due_at,
        external_ref=report.external_ref if own else None,
    )
