"""Errors over HTTP: Problem Details (RFC 9457) with a stable ``code``; never a stack trace, never a statement."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from shared.access import Denied
from shared.database import is_outage
from shared.errors import NotYet, Refused

log = structlog.get_logger()


class Busy(Refused):
    """Too much is waiting; the same request will do in a moment."""

    status = 503
    code = "busy"


def problem(
    status: int, code: str, detail: str, *, errors: Sequence[dict[str, str]] = (), headers: dict[str, str] | None = None
) -> JSONResponse:
    """``errors`` names each wrong field: ``{"field": …, "message": …}``."""
    body: dict[str, Any] = {
        "type": f"urn:hoiam:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if errors:
        body["errors"] = list(errors)
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def _denied(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Denied)
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    return problem(error.status, error.code, error.detail, headers=headers)


def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    headers = {"Retry-After": str(getattr(error, "retry_after", 5))} if error.status in {429, 503, 507} else None
    return problem(error.status, error.code, error.detail, headers=headers)


def _not_yet(_request: Request, error: Exception) -> JSONResponse:
    return problem(409, "too_early", str(error) or "what this builds on has not arrived yet", headers={"Retry-After": "5"})


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(e["type"] == "json_invalid" for e in found):
        return problem(400, "broken_json", f"the body is not JSON: {found[0].get('ctx', {}).get('error', 'it ends early')}")
    fields = [{"field": ".".join(str(part) for part in e["loc"][1:]) or str(e["loc"][0]), "message": e["msg"]} for e in found]
    return problem(422, "invalid", f"{len(fields)} of the values sent can't be taken", errors=fields)


def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    codes = {404: "not_found", 405: "method_not_allowed", 400: "bad_request", 413: "too_large"}
    return problem(error.status_code, codes.get(error.status_code, "http_error"), str(error.detail), headers=dict(error.headers or {}))


def _cut_off(_request: Request, _error: Exception) -> JSONResponse:
    return problem(400, "cut_off", "the request ended before its body was here")  # who is gone reads no answer


def _broken(request: Request, error: Exception) -> JSONResponse:
    if is_outage(error):
        return problem(503, "unavailable", "the database is away for a moment; send the same request again", headers={"Retry-After": "5"})
    log.error("request failed", route=getattr(request.state, "route", "unknown"), error=type(error).__name__)
    return problem(500, "internal", "something broke here, not in your request; it has been logged")


_ANSWERS: Mapping[type[Exception], Callable[[Request, Exception], JSONResponse]] = {
    Denied: _denied,
    Refused: _refused,
    NotYet: _not_yet,
    RequestValidationError: _invalid,
    HTTPException: _http,
    ClientDisconnect: _cut_off,
    Exception: _broken,
}


def install(app: FastAPI) -> None:
    """Answer every error of ``app`` with a problem."""
    for kind, answer in _ANSWERS.items():
        app.add_exception_handler(kind, answer)


def answer_to(request: Request, error: Exception) -> JSONResponse:
    """The same answer, where an error is about a part of ``request`` only."""
    return next(_ANSWERS[kind] for kind in type(error).__mro__ if kind in _ANSWERS)(request, error)
