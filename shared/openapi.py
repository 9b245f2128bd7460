"""What the OpenAPI document of a service says beyond the types of its routes: the form of every error, and examples."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

JSON = "application/json"
Examples = Mapping[str, Mapping[str, Any]]  # by route: "request" is a body, "answer" what is answered to it


class WrongField(BaseModel):
    """``field`` as the keys lead to it."""

    field: str
    message: str


class Problem(BaseModel):
    """Problem Details (RFC 9457). ``code`` is a stable word to switch on, ``errors`` names each wrong field."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[WrongField] | None = None


def declared(errors: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, by status; their codes with blanks between."""
    return {status: _declared(status, codes.split()) for status, codes in sorted(errors.items())}


def _declared(status: int, codes: Sequence[str]) -> dict[str, Any]:
    words = HTTPStatus(status).phrase
    example = {"type": f"urn:hoiam:problem:{codes[0]}", "title": words, "status": status, "code": codes[0], "detail": "…"}
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    return {"description": f"{words}: " + ", ".join(f"`{code}`" for code in codes), "content": content}


def complete(app: FastAPI, examples: Examples) -> None:
    """Put the form of a problem and ``examples`` into the document of ``app``. Given with the routes, examples would lose their nulls."""
    app.openapi = _completed(app.openapi, examples)  # type: ignore[method-assign]  # FastAPI's own way to add to the document


def _completed(written: Callable[[], dict[str, Any]], examples: Examples) -> Callable[[], dict[str, Any]]:
    def openapi() -> dict[str, Any]:
        document = written()
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        document.setdefault("components", {}).setdefault("schemas", {}).update(schema.pop("$defs"), Problem=schema)
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                _illustrate(operation, examples.get(f"{method.upper()} {path}", {}))
        return document

    return openapi


def _illustrate(operation: dict[str, Any], example: Mapping[str, Any]) -> None:
    if "request" in example:
        operation["requestBody"]["content"][JSON]["example"] = example["request"]
    if "answer" in example:
        operation["responses"]["200"]["content"][JSON]["example"] = example["answer"]
