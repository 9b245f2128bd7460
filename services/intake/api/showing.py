"""What everybody may read: reports and how they fare, and what can be reported. Never who reported."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Header, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy.orm import Session

from services.intake import store
from services.intake.api.recent import Recent
from services.intake.domain import wording
from services.intake.domain.media import Media, named
from services.intake.domain.phrases import public_copy, public_data
from services.intake.domain.report import ANSWERED, Report, Status
from services.intake.domain.timeline import Entry
from services.intake.domain.tracking import Mistyped, read_code
from services.intake.store import media
from shared.errors import NotFound
from shared.messages import Outcome
from shared.province import Attribute, Province, Wording
from shared.web import Desk


class Named(BaseModel):
    code: str
    name: Wording


class PhotoView(BaseModel):
    """A released photo; addresses are relative to intake's own."""

    media_id: UUID
    url: str
    thumbnail_url: str
    width: int
    height: int


class EntryView(BaseModel):
    """``text`` says it in words; the fields after it say the same to programs, where they apply.

    A reporter's comment has its ``answer`` with it, ``answered_at`` when it came, and ``due_at``, by when it must.
    """

    at: AwareDatetime
    topic: str
    text: Wording
    agency: Named | None
    outcome: Outcome | None = None
    answer: str | None = None
    comment_id: str | None = None
    answered_at: AwareDatetime | None = None
    due_at: AwareDatetime | None = None
    about: str | None = None
    evidence: list[PhotoView] = []


class ReportView(BaseModel):
    """A report as everybody sees it. The answer is here once it is approved."""

    tracking_code: str
    status: Status
    status_name: Wording
    category: Named
    description: str  # without what names people, and without insults
    area: Named | None
    urgent: bool
    agency: Named | None
    received_at: AwareDatetime
    due_at: AwareDatetime | None
    outcome: Outcome | None
    answer: str | None
    media: list[PhotoView]
    timeline: list[EntryView]


class CategoryView(BaseModel):
    """``attributes`` are the further questions of the category."""

    model_config = ConfigDict(from_attributes=True)
    code: str
    group: Named
    name: Wording
    urgent_allowed: bool
    attributes: tuple[Attribute, ...]


class Categories(BaseModel):
    categories: list[CategoryView]


def routes(desk: Desk, provinces: Recent[str, Province]) -> APIRouter:
    """The reading half."""
    router = APIRouter(prefix="/v1")

    @router.get("/categories")
    def categories(response: Response) -> Categories:
        """What can be reported."""
        response.headers["Cache-Control"] = "max-age=60"
        of = known(provinces)
        return Categories(categories=[_category(of, code) for code in of.categories])

    @router.get("/reports/{tracking_code}", response_model=ReportView)
    def report(tracking_code: str, if_none_match: Annotated[str, Header()] = "") -> Response:
        """One report and what happened to it so far."""
        of = known(provinces)
        with desk.sessions() as session:
            found = report_by_typed_code(session, tracking_code, of)
            entries = store.timeline_of(session, found.report_id)
            photos = media.released(session, found.report_id, [media_id for entry in entries for media_id in _evidence(entry)])
        return _tagged(view(found, entries, of, photos).model_dump_json().encode(), if_none_match)

    return router


def typed_report(desk: Desk, typed: str, provinces: Recent[str, Province]) -> Report:
    """As :func:`report_by_typed_code`, with a session for itself."""
    with desk.sessions() as session:
        return report_by_typed_code(session, typed, known(provinces))


def report_by_typed_code(session: Session, typed: str, of: Province) -> Report:
    """Raises :class:`NotFound`, and says so when the code can't be right."""
    try:
        code = read_code(typed, prefix=of.tracking_prefix)
    except Mistyped:
        raise NotFound("this is no tracking code: it was mistyped; please compare it with your receipt", code="mistyped") from None
    report = store.report_by_code(session, code)
    if report is None:
        raise NotFound("no report has this tracking code")
    return report


def view(report: Report, entries: list[Entry], of: Province, photos: Sequence[Media] = ()) -> ReportView:
    """The report with its names in words."""
    answer: dict[str, Any] = {}
    if report.status in ANSWERED:
        answer = next((entry.data for entry in reversed(entries) if entry.topic == "case.resolved"), {})
    return ReportView(
        tracking_code=report.tracking_code,
        status=report.status,
        status_name=wording.STATUS[report.status],
        category=name_of(of.categories, report.category),
        description=public_copy(report.description, of),
        area=name_of(of.areas, report.location["area"]) if report.location.get("area") else None,
        urgent=report.urgent,
        agency=name_of(of.agencies, report.agency) if report.agency else None,
        received_at=report.received_at,
        due_at=report.due_at,
        outcome=answer.get("outcome"),
        answer=answer.get("answer"),
        media=[_photo(one) for one in photos if not one.uploader.startswith("agency:")],
        timeline=[_received(report, of), *_entries(entries, of, photos)],
    )


def _received(report: Report, of: Province) -> EntryView:
    nobody = Wording(vi="—", en="—")
    text = wording.told("report.received", {}, agency=nobody, zone=ZoneInfo(of.time_zone))
    return EntryView(at=report.received_at, topic="report.received", text=text, agency=None)


def _entries(entries: list[Entry], of: Province, photos: Sequence[Media]) -> Iterator[EntryView]:
    answers = {entry.data["comment_id"]: entry for entry in entries if entry.topic == "case.answered"}
    for entry in entries:
        shown = _entry(entry, of, photos)
        yield _with_answer(shown, answers.get(entry.data["comment_id"]), of) if entry.topic == "report.commented" else shown


def _with_answer(comment: EntryView, answered: Entry | None, of: Province) -> EntryView:
    """Due by today's policy; where that counts working time, only sla can tell the moment."""
    allowance = of.policy.clocks["answer"].normal
    due_at = comment.at + allowance.wall_time if allowance and allowance.time == "wall" else None
    answer = {"answer": answered.data["answer"], "answered_at": answered.at} if answered else {}
    return comment.model_copy(update={"due_at": due_at} | answer)


def _entry(entry: Entry, of: Province, photos: Sequence[Media]) -> EntryView:
    agency = name_of(of.agencies, entry.agency) if entry.agency else None
    holder = agency.name if agency else of.agencies[of.centre].name
    return EntryView(
        at=entry.at,
        topic=entry.topic,
        text=wording.told(entry.topic, public_data(entry, of), agency=holder, zone=ZoneInfo(of.time_zone)),
        agency=agency,
        outcome=entry.data.get("outcome"),
        answer=entry.data.get("answer"),
        comment_id=entry.data.get("comment_id"),
        about=entry.data.get("about"),
        evidence=[_photo(one) for one in photos if one.id in _evidence(entry)],
    )


def _evidence(entry: Entry) -> list[UUID]:
    return named(entry.data.get("evidence", ()))


def _photo(one: Media) -> PhotoView:
    url = f"/media/{one.id}.jpg"
    return PhotoView(media_id=one.id, url=url, thumbnail_url=f"{url}?size=thumbnail", width=one.width, height=one.height)


def name_of(entries: Any, code: str) -> Named:
    """A code that is no longer among ``entries`` names itself."""
    entry = entries.get(code)
    return Named(code=code, name=entry.name if entry else Wording(vi=code, en=code))


def _category(of: Province, code: str) -> CategoryView:
    category = of.categories[code]
    return CategoryView(
        code=code,
        group=name_of(of.groups, category.group),
        name=category.name,
        urgent_allowed=category.urgent_allowed,
        attributes=category.attributes,
    )


def known(provinces: Recent[str, Province]) -> Province:
    """The province of this moment."""
    province = provinces("latest")
    assert province
    return province


def _tagged(body: bytes, seen: str) -> Response:
    """With an entity tag; nothing but 304 for who has it already."""
    headers = {"ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"', "Cache-Control": "no-cache"}
    if headers["ETag"] in seen:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")
