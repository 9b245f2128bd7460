"""What portals send: a form, url-encoded or in parts, as the body of a report or of an update."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError, field_validator
from starlette.datastructures import UploadFile

from services.intake.api.bodies import ReportBody
from shared.errors import NotFound, Refused
from shared.province import Province

B = TypeVar("B", bound=BaseModel)
MOST_FIELDS = 100
_ATTRIBUTE = re.compile(r"attribute\[([^\[\]]{1,80})\](?:\[\])?")
_NUMBER = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{0,30})?")
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|<!--")
_OWN = frozenset(
    {
        "api_key", "jurisdiction_id", "extensions", "service_code", "description", "lat", "long", "address_string", "address_id",
        "email", "phone", "media_url",
    }
)  # fmt: skip


class FormRefused(Refused):
    """What was sent is no form, or not one that can be read in one way only."""

    status = 400
    code = "form_refused"


Url = Annotated[str, Field(max_length=2000, pattern=r"^https?://[^\s<>\"\\^`{|}]+$")]


class GeoReportBody(ReportBody):
    """``further``: whatever else was sent (``device_id``, a name alone, …); not kept, but it tells one sender's report from another's."""

    media_urls: Annotated[tuple[Url, ...], Field(max_length=10)] = ()
    further: dict[str, tuple[str, ...]] = Field(default_factory=dict, max_length=MOST_FIELDS)

    @field_validator("description")
    @classmethod
    def _is_plain(cls, text: str) -> str:
        if _MARKUP.search(text):
            raise ValueError("must be plain text without HTML")
        return text


class Form:
    """The fields that were sent; an empty one is as good as none."""

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in fields:
            if value.strip():
                self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> str:
        """The value, or nothing. Raises :class:`FormRefused` when there are two."""
        values = self._values.get(name, [""])
        if len(values) > 1:
            raise FormRefused(f"{name} is given {len(values)} times")
        return values[0]

    def all(self, name: str) -> list[str]:
        """Every value of a field that may come more than once."""
        return self._values.get(name, [])

    def attributes(self) -> dict[str, str]:
        """``attribute[CODE]``, and ``attribute[CODE][]`` with commas between its values."""
        found: dict[str, list[str]] = {}
        for name, values in self._values.items():
            if match := _ATTRIBUTE.fullmatch(name):
                found.setdefault(match[1], []).extend(values)
        return {code: ",".join(values) for code, values in found.items()}

    def further(self) -> dict[str, list[str]]:
        """What may have no other place in a report."""
        return {name: values for name, values in self._values.items() if name not in _OWN and not _ATTRIBUTE.fullmatch(name)}

    def required(self, *names: str) -> None:
        """Raises ``RequestValidationError`` that names each one that is missing."""
        missing = [name for name in names if not self[name]]
        if missing:
            raise RequestValidationError([{"type": "missing", "loc": ("body", name), "msg": "is required"} for name in missing])


async def form_of(request: Request) -> Form:
    """Raises :class:`FormRefused`."""
    body = await request.body()  # here, so that the fence around its size answers for itself
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return Form(await _parts(request))
    if kind not in {"application/x-www-form-urlencoded", ""}:
        raise FormRefused("send a form: Content-Type application/x-www-form-urlencoded or multipart/form-data")
    try:
        return Form(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS))
    except ValueError as error:
        detail = "it is not UTF-8" if isinstance(error, UnicodeError) else f"it has more than {MOST_FIELDS} fields"
        raise FormRefused(f"the form can't be read: {detail}") from None


async def _parts(request: Request) -> list[tuple[str, str]]:
    async with request.form(max_files=10, max_fields=MOST_FIELDS) as form:
        if any(isinstance(value, UploadFile) and value.size for _, value in form.multi_items()):
            raise FormRefused("files are not taken here: send the address of a picture as media_url")
        return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]


def report_body(form: Form, of: Province) -> GeoReportBody:
    """Raises :class:`NotFound` for an unknown service, ``RequestValidationError`` for all that is wrong with the rest."""
    form.required("service_code")
    category = of.categories.get(form["service_code"])
    if category is None:
        raise NotFound("service_code was not found: services.xml lists them", code="service_code_not_found")
    fields = {
        "category": category.code,
        "description": form["description"] or category.name.vi,  # the specification does not require one
        "location": _place(form),
        "attributes": form.attributes(),
        "contact": _contact(form),
        "media_urls": tuple(form.all("media_url")),
        "further": form.further(),
    }
    return valid(GeoReportBody, fields)


def valid(kind: type[B], fields: dict[str, Any]) -> B:
    """Raises ``RequestValidationError`` with every wrong field."""
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        found = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False, include_context=False)]
        raise RequestValidationError(found) from None


def _place(form: Form) -> dict[str, Any]:
    """A point that is no number is left as it is, and so refused."""
    point = {"latitude": form["lat"], "longitude": form["long"]}
    numbers = {name: float(value) if _NUMBER.fullmatch(value.strip()) else value for name, value in point.items() if value}
    return {"address": form["address_string"], "area": form["address_id"], **numbers}


def _contact(form: Form) -> dict[str, str] | None:
    """None without a way to reach anybody: a name alone is not kept."""
    name = f"{form['last_name']} {form['first_name']}".strip()  # as Vietnamese names are written
    reached = {"email": form["email"].strip(), "phone": form["phone"]}
    return {"name": name, **reached} if any(reached.values()) else None
