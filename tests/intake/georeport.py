"""Open311 as its clients see it: both formats of an answer, read back to one model and held against the schemas."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from httpx2 import Response
from jsonschema import Draft202012Validator

from tests.intake.conftest import Office

V2 = "/open311/v2"
SCHEMAS = json.loads(Path(__file__).with_name("open311_schemas.json").read_text(encoding="utf-8"))
LISTS = {"services", "service_requests", "service_request_updates", "attributes", "values", "endpoints", "formats", "notes", "errors"}


def read(office: Office, path: str, schema: str, answers: int = 200, **query: Any) -> Any:
    """The JSON answer, which fits ``schema``, and says what the XML answer says."""
    told, marked = (office.http.get(f"{V2}/{path}.{form}", params=query) for form in ("json", "xml"))
    assert (told.status_code, marked.status_code) == (answers, answers), told.text
    return checked(told, marked, schema)


def checked(told: Response, marked: Response, schema: str) -> Any:
    """The model of two answers that say the same."""
    assert told.headers["content-type"].startswith("application/json")
    assert marked.headers["content-type"].startswith("text/xml")
    assert marked.text.startswith('<?xml version="1.0" encoding="utf-8"?>')
    model = fits(told.json(), schema)
    assert from_xml(marked.content) == in_words(model)
    return model


def fits(model: Any, schema: str) -> Any:
    """``model``, which has no fault by ``schema``."""
    faults = Draft202012Validator({**SCHEMAS, "$ref": f"#/$defs/{schema}"}).iter_errors(model)
    assert [f"{fault.json_path}: {fault.message}" for fault in faults] == []
    return model


def post(office: Office, form: str = "json", key: str | None = None, path: str = "requests", **fields: Any) -> Response:
    """A form, as a portal sends it; a broken street light in Đông Hà unless ``fields`` say otherwise (None: not sent)."""
    usual = {
        "api_key": office.portal_key if key is None else key,
        "service_code": "CS01",
        "address_id": "dh",
        "address_string": "12 Hùng Vương",
        "description": "Đèn đường hỏng ba ngày nay",
    }
    return office.http.post(f"{V2}/{path}.{form}", data={name: value for name, value in (usual | fields).items() if value is not None})


def posted(office: Office, **fields: Any) -> str:
    """The id of a fresh request."""
    answer = post(office, **fields)
    assert answer.status_code == 200, answer.text
    return str(fits(answer.json(), "received")[0]["service_request_id"])


def from_xml(document: bytes) -> Any:
    """The model in an XML document, everything in words."""
    return _value(ElementTree.fromstring(document))


def _value(element: ElementTree.Element) -> Any:
    if element.tag in LISTS:
        return [_value(child) for child in element]
    if len(element):
        return {child.tag: _value(child) for child in element}
    return element.text or ""


def in_words(model: Any) -> Any:
    """The model of a JSON document, as XML can say it."""
    if isinstance(model, dict):
        return {name: in_words(value) for name, value in model.items()}
    if isinstance(model, list):
        return [in_words(value) for value in model]
    if isinstance(model, bool):
        return "true" if model else "false"
    return "" if model is None else str(model)
