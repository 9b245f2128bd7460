"""What may be asked: the arguments of the lists, an empty one as good as none."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from services.intake.api import showing
from services.intake.api.recent import Recent
from services.intake.domain.georeport import CLOSED, OPEN, TooLong, span
from services.intake.domain.report import Status
from services.intake.domain.tracking import Mistyped, read_code
from services.intake.store.open311 import Span
from shared.errors import NotFound
from shared.province import Province

MOST = 1000  # reports in one answer, as the specification has it
MOST_WHOLE = 100  # with everything that happened to them
TRUE = frozenset({"true", "1"})
DEEPEST = 100_000  # reports before the page asked for


def _moment(value: Any) -> Any:
    """A plus that was not encoded comes as a blank."""
    written = value.strip().replace(" ", "+") if isinstance(value, str) else ""
    if written and "T" not in written:
        raise ValueError("must be a moment with its zone, such as 2026-10-25T08:00:00+07:00")
    return written or None


def _in_this_age(at: datetime | None) -> datetime | None:
    """Far enough from the ends of all time to count days from."""
    if at and not 1900 < at.year < 9000:
        raise ValueError("must be of this age")
    return at


def _words(values: Any) -> Any:
    """With commas between, or given more than once."""
    return tuple(word for value in values for word in map(str.strip, value.split(",")) if word)


def _unless_empty(value: Any) -> Any:
    return None if value == "" else value


Moment = Annotated[AwareDatetime | None, BeforeValidator(_moment), AfterValidator(_in_this_age)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Number = Annotated[Annotated[int, Field(ge=1, le=DEEPEST)] | None, BeforeValidator(_unless_empty)]
Flag = Annotated[Literal["true", "false", "1", "0"] | None, BeforeValidator(_unless_empty)]


class Search(BaseModel):
    """What all lists share."""

    model_config = ConfigDict(frozen=True)
    jurisdiction_id: str = ""
    service_request_id: Words = Field((), max_length=MOST)
    start_date: Moment = None
    end_date: Moment = None
    page: Number = None
    page_size: Number = None

    def page_of(self, most: int) -> tuple[int, int]:
        """Limit and offset. Raises ``RequestValidationError`` for a page that nobody turns to."""
        limit = min(self.page_size or most, most)
        offset = ((self.page or 1) - 1) * limit
        if offset > DEEPEST:
            raise wrong("page", f"at most {DEEPEST} lie before it: ask for fewer days instead")
        return limit, offset

    def codes(self, of: Province) -> list[str]:
        """The tracking codes asked for; what was mistyped names none."""
        return [code for typed in self.service_request_id if (code := _read(typed, of))]


class RequestSearch(Search):
    """The arguments of GET requests."""

    service_code: Words = ()
    status: Annotated[tuple[Literal["open", "closed"], ...], BeforeValidator(_words)] = ()
    updated_after: Moment = None
    updated_before: Moment = None
    extensions: Flag = None

    @property
    def whole(self) -> bool:
        """With everything that happened."""
        return self.extensions in TRUE

    def statuses(self) -> frozenset[Status]:
        """Those that the words cover; none for all."""
        kinds = {"open": OPEN, "closed": CLOSED}
        return frozenset().union(*(kinds[status] for status in self.status)) if len(set(self.status)) == 1 else frozenset()

    def categories(self, of: Province) -> tuple[str, ...]:
        """Raises :class:`NotFound`."""
        for code in self.service_code:
            if code not in of.categories:
                raise NotFound("service_code was not found: services.xml lists them", code="service_code_not_found")
        return self.service_code

    def spans(self, now: datetime) -> tuple[Span | None, Span | None]:
        """When received, when last changed: the last 90 days, unless only the second is asked for."""
        updated = _span("updated_after updated_before", self.updated_after, self.updated_before, now)
        received = _span("start_date end_date", self.start_date, self.end_date, now)
        return received or (None if updated else span(None, None, now=now)), updated


def update_span(search: Search, now: datetime) -> Span:
    """When it happened; 90 days unless it is said."""
    return _span("start_date end_date", search.start_date, search.end_date, now) or span(None, None, now=now)


def check_jurisdiction(asked: str, of: Province) -> None:
    """There is one here, and it need not be named. Raises :class:`NotFound`."""
    if asked not in {"", of.code}:
        raise NotFound(f"jurisdiction_id was not found: this is {of.code}", code="jurisdiction_not_found")


def known(provinces: Recent[str, Province], jurisdiction_id: str) -> Province:
    """The province, when it is the one asked for. Raises :class:`NotFound`."""
    of = showing.known(provinces)
    check_jurisdiction(jurisdiction_id, of)
    return of


def wrong(field: str, message: str) -> RequestValidationError:
    """To raise for one argument."""
    return RequestValidationError([{"type": "wrong", "loc": ("query", field), "msg": message}])


def _span(names: str, start: datetime | None, end: datetime | None, now: datetime) -> Span | None:
    if start is None and end is None:
        return None
    field = names.split()[start is None]
    try:
        return span(start, end, now=now)
    except TooLong as error:
        raise wrong(field, str(error)) from None


def _read(typed: str, of: Province) -> str:
    try:
        return read_code(typed, prefix=of.tracking_prefix)
    except Mistyped:
        return ""
