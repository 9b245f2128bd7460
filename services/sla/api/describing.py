"""What the OpenAPI document says of each route beyond its types: an example of what is sent and answered, and the errors to expect."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from fastapi import APIRouter
from fastapi.routing import APIRoute

from shared.access import EVERYBODY, ROUTES
from shared.messages import AGENCY_REQUESTS
from shared.openapi import Examples, declared

# A route without one fails a test.
EXAMPLES: Examples = json.loads(Path(__file__).with_name("examples.json").read_text(encoding="utf-8"))

# What a sound request may be refused for, by request; illegal_move names what is possible instead.
REFUSALS: Mapping[str, str] = {
    "accept": "illegal_move",
    "return": "illegal_move settled proposes_itself",
    "ask": "illegal_move pause_used_up",
    "request_extension": "illegal_move expired extended_before too_long",
    "submit_result": "illegal_move evidence_missing",
    "report_progress": "illegal_move date_missing",
    "route": "illegal_move",
    "refuse": "illegal_move has_followers",
    "approve": "illegal_move",
    "send_back": "illegal_move",
    "extend": "illegal_move expired extended_before too_long",
    "reopen": "illegal_move",
    "cancel": "illegal_move has_followers",
    "merge": "illegal_move same_case has_followers leader_not_open",
    "unmerge": "illegal_move",
}
UNKNOWN = {
    "return": "not_found no_such_agency",
    "answer": "not_found no_such_comment",
    "route": "not_found no_such_agency no_such_category no_such_class",
}
OTHERS: Mapping[str, Mapping[int, str]] = {
    "GET /v1/cases": {409: "bad_cursor agency_missing"},
    "GET /v1/cases/{report_id}/receipt": {404: "not_found not_rooted"},
    "GET /v1/forecast": {404: "no_forecast"},
    "GET /v1/agencies/{code}": {404: "no_such_agency"},
    "GET /v1/policies/{version}": {404: "no_such_policy"},
    "GET /v1/scorecards": {409: "not_a_month period_backwards"},
    "GET /v1/scorecards/ranking": {409: "not_a_month period_backwards"},
    "GET /v1/scorecards/cases": {409: "not_a_month period_backwards no_such_figure bad_cursor"},
    "GET /v1/scorecards/frozen/{month}": {409: "not_a_month"},
}
DENIED = "credentials_missing token_invalid token_expired token_revoked"


def described(router: APIRouter) -> APIRouter:
    """``router``, its routes with their errors."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            name = f"{''.join(route.methods or ())} {route.path}"
            route.responses |= declared(dict(_errors(name, route)))
    return router


def _errors(name: str, route: APIRoute) -> Iterable[tuple[int, str]]:
    """Status and codes."""
    if ROUTES.get(name) != EVERYBODY:
        yield from ((401, DENIED), (403, "forbidden"))
    if "{" in route.path:
        yield 404, "not_found"
    if name.startswith("POST"):
        yield from ((400, "broken_json"), (413, "too_large"))
    yield from ((422, "invalid"), (503, "busy unavailable"))
    yield from _of_request(route.path.rpartition("/")[2]) if name.startswith("POST /v1/cases/") else OTHERS.get(name, {}).items()


def _of_request(request: str) -> Iterable[tuple[int, str]]:
    yield 403, "forbidden not_your_case" if request in {kind.topic for kind in AGENCY_REQUESTS} else "forbidden"
    yield 404, UNKNOWN.get(request, "not_found")
    yield 412, "stale"
    if request in REFUSALS:
        yield 409, REFUSALS[request]
