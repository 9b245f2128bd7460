"""The description of a service says every error it can answer with, as it can be told from its routes: roles, bodies, parameters."""

from typing import Any

from shared.access import ROUTES, Role

Document = dict[str, Any]
PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "Problem Details (RFC 9457); `code` is stable.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
_SAID = {
    400: "The body is broken, or a header is missing",
    401: "The credentials are missing or not good any more",
    403: "The credentials are good, but not for this",
    404: "There is nothing there",
    409: "A rule says no, or not yet",
    412: "It is not as you saw it any more",
    413: "The body is too large",
    415: "The body is of another media type",
    422: "Values that can't be taken, each named; or the key was used for something else",
    429: "Too often: see Retry-After",
    503: "Not now: see Retry-After",
}
_ANY, _WITH_PARAMETERS, _WITH_BODY, _WITH_CREDENTIALS = (401, 429, 503), (404, 409, 422), (400, 409, 413, 415, 422), (401, 403)


def with_errors(document: Document) -> Document:
    """``document`` with the errors of each operation, and the credentials that exist."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    document["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "of a portal, an agency, the operations centre"},
        "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "of a portal"},
    }
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            _describe(operation, method.upper(), path)
    return document


def _describe(operation: Document, method: str, path: str) -> None:
    roles = ROUTES.get(f"{method} {path}", frozenset[Role]())
    codes = set(_ANY)  # 401 for whoever sends credentials that are not good, where none are needed
    if operation.get("parameters"):
        codes |= set(_WITH_PARAMETERS)
    if method not in {"GET", "HEAD"}:
        codes |= set(_WITH_BODY)
    if Role.PUBLIC not in roles or len(roles) < len(Role):
        codes |= set(_WITH_CREDENTIALS)
        operation["security"] = [{"token": []}, {"key": []}]
    for code in sorted(codes):
        operation["responses"][str(code)] = _problem(_SAID[code])


def _problem(words: str) -> Document:
    return {"description": words, "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
