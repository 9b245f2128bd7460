"""Bodies read strictly: what two readers could take for two things, or no database can keep, is not JSON here."""

import json
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from shared.errors import Refused

MOST_FIELDS = 100  # of one object
Model = TypeVar("Model", bound=BaseModel)


class NotJsonSent(Refused):
    """The body states another media type than JSON."""

    status = 415
    code = "unsupported_media_type"


class StrictRequest(Request):
    """Raises ``json.JSONDecodeError``, which FastAPI makes a validation error."""

    async def json(self) -> Any:
        """The body, read strictly."""
        return read_strictly(await self.body())


class StrictRoute(APIRoute):
    """A route whose JSON body is read strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's place to put another reader in."""
        handle = super().get_route_handler()
        has_body = self.body_field is not None

        async def strictly(request: Request) -> Response:
            request = StrictRequest(request.scope, request.receive)
            if has_body:
                await body_of(request)  # here, so that the fence around its size answers for itself
            return await handle(request)

        return strictly


async def body_of(request: Request) -> bytes:
    """Raises :class:`NotJsonSent`."""
    if not _states_json(request.headers.get("content-type", "")):
        raise NotJsonSent("send the body as JSON, with Content-Type: application/json")
    return await request.body()


def read_as(kind: type[Model], body: bytes) -> Model:
    """What FastAPI would make of ``body``. Raises ``RequestValidationError``."""
    if not body:
        raise RequestValidationError([{"type": "missing", "loc": ("body",), "msg": "Field required"}])
    try:
        return kind.model_validate(read_strictly(body), from_attributes=True)  # as FastAPI does, so that the words of an error are the same
    except json.JSONDecodeError as error:
        raise RequestValidationError([{"type": "json_invalid", "loc": ("body",), "msg": "", "ctx": {"error": error.msg}}]) from None
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in found]) from None


def read_strictly(body: bytes) -> Any:
    """Raises ``json.JSONDecodeError`` for whatever is wrong, too deep or ambiguous."""
    try:
        return _STRICT.decode(body.decode())
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise json.JSONDecodeError("it is nested too deeply", "", 0) from None
    except ValueError as error:
        detail = "it is not UTF-8" if isinstance(error, UnicodeError) else str(error)
        raise json.JSONDecodeError(detail, "", 0) from None


def _states_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field is given twice")
    if len(fields) > MOST_FIELDS:
        raise ValueError(f"an object has at most {MOST_FIELDS} fields")
    "".join(fields).encode()  # raises for half a surrogate pair, which no answer could name
    return fields


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


_STRICT = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)  # once: making one costs as much as a body
