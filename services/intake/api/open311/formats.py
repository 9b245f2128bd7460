"""One model, two formats. As the specification converts them, JSON leaves out the names of root and containers."""

import json
import re
from enum import StrEnum
from typing import Annotated, Any
from xml.sax.saxutils import escape

from fastapi import Depends, Path, Response

from shared.errors import NotFound

V2 = "/open311/v2"
DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
ITEMS = {  # what the elements of a list are called
    "services": "service",
    "service_requests": "request",
    "service_request_updates": "request_update",
    "attributes": "attribute",
    "values": "value",
    "endpoints": "endpoint",
    "formats": "format",
    "notes": "note",
    "errors": "error",
}
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # not a Char of XML 1.0
_KEPT = {"\r": "&#13;"}  # a bare one would be read as a line feed


class Format(StrEnum):
    XML = "xml"
    JSON = "json"

    @property
    def media_type(self) -> str:
        return "text/xml" if self is Format.XML else "application/json"


def named(form: Annotated[str, Path(description="xml or json")]) -> Format:
    """The format a path ends in. Raises :class:`NotFound`."""
    if form not in set(Format):
        raise NotFound(f"there is no format .{form[:10]} here: end the path in .xml or .json", code="no_such_format")
    return Format(form)


Asked = Annotated[Format, Depends(named)]


def answered(form: Format, root: str, content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """``content`` (lists, dicts, texts, numbers, booleans, None) in either format."""
    return Response(written(form, root, content), status, headers, f"{form.media_type}; charset=utf-8")


def written(form: Format, root: str, content: Any) -> bytes:
    """The same model as XML under ``root``, or as JSON."""
    if form is Format.JSON:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return (DECLARATION + _element(root, content)).encode()


def _element(name: str, content: Any) -> str:
    return f"<{name}>{_inside(name, content)}</{name}>"


def _inside(name: str, content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, dict):
        return "".join(_element(key, value) for key, value in content.items())
    if isinstance(content, list):
        return "".join(_element(ITEMS[name], value) for value in content)
    if isinstance(content, bool):
        return "true" if content else "false"
    return escape(_ILLEGAL.sub("", str(content)), _KEPT)
