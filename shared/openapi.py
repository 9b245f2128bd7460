"""What the OpenAPI document of a service says beyond the types of its routes: every error and its form, credentials, and examples.

A route may declare its errors with their codes; those that follow from its roles, its body and its parameters are added.
"""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from shared.access import ROUTES, Role

JSON = "application/json"
PROBLEM: dict[str, Any] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
ALWAYS, WITH_PARAMETERS, WITH_BODY, WITH_CREDENTIALS = (401, 429, 503), (404, 409, 422), (400, 403, 404, 409, 413, 415, 422), (401, 403)
USUAL = {  # codes of what any route may answer
    400: "broken_json", 401: "credentials_missing token_invalid key_invalid", 403: "forbidden", 404: "not_found", 409: "too_early",
    413: "too_large", 415: "unsupported_media_type", 422: "invalid", 429: "too_many_requests", 503: "busy unavailable",
}  # fmt: skip
CREDENTIALS = {
    "token": {"type": "http", "scheme": "bearer", "description": "of a portal, an agency or the operations centre"},
    "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "of a portal"},
}
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
    content = {media: {**form, "example": example} for media, form in PROBLEM.items()}
    return {"description": f"{words}: " + ", ".join(f"`{code}`" for code in codes), "content": content}


def complete(app: FastAPI, examples: Examples) -> None:
    """Put the form of a problem and ``examples`` into the document of ``app``. Given with the routes, examples would lose their nulls."""
    app.openapi = _completed(app.openapi, examples)  # type: ignore[method-assign]  # FastAPI's own way to add to the document


def _completed(written: Callable[[], dict[str, Any]], examples: Examples) -> Callable[[], dict[str, Any]]:
    def openapi() -> dict[str, Any]:
        document = written()
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        document.setdefault("components", {}).setdefault("schemas", {}).update(schema.pop("$defs"), Problem=schema)
        document["components"]["securitySchemes"] = CREDENTIALS
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                _add_errors(operation, f"{method.upper()} {path}")
                _illustrate(operation, examples.get(f"{method.upper()} {path}", {}))
        return document

    return openapi


def _add_errors(operation: dict[str, Any], route: str) -> None:
    roles, answers = ROUTES.get(route, frozenset[Role]()), operation["responses"]
    if "HTTPValidationError" in str(answers.get("422")):
        del answers["422"]  # FastAPI's own form, in which nothing is answered here
    codes = {*ALWAYS, *(WITH_PARAMETERS if operation.get("parameters") else ()), *(() if route.startswith("GET ") else WITH_BODY)}
    if Role.PUBLIC not in roles:
        codes |= set(WITH_CREDENTIALS)
        operation["security"] = [{name: []} for name in CREDENTIALS]
    content = _other_form(answers)
    for status in sorted(codes - {int(code) for code in answers}):
        usual = _declared(status, USUAL[status].split())
        answers[str(status)] = {**usual, "content": content} if content else usual


def _other_form(answers: dict[str, Any]) -> dict[str, Any]:
    """In which the route declares its errors, when they are no problems (Open311)."""
    declared_ones = (answer.get("content", {}) for code, answer in answers.items() if code >= "400")
    return next((content for content in declared_ones if content and not PROBLEM.keys() & content.keys()), {})


def _illustrate(operation: dict[str, Any], example: Mapping[str, Any]) -> None:
    if "request" in example:
        operation["requestBody"]["content"][JSON]["example"] = example["request"]
    if "answer" in example:
        success = next(code for code in operation["responses"] if code.startswith("2"))
        operation["responses"][success]["content"][JSON]["example"] = example["answer"]
