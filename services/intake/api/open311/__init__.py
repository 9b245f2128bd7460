"""Open311 GeoReport v2: the door of portals that speak it. docs/open311.md says what is served, and what goes beyond the specification."""

from typing import Any

from fastapi import APIRouter

from services.intake.api.open311 import bulk, catalogue, reading, sending
from services.intake.api.open311.errors import SpokenErrors
from services.intake.api.open311.sending import portal_in
from services.intake.api.recent import Recent
from services.intake.settings import IntakeSettings
from shared.province import Province
from shared.web import Desk

__all__ = ["SpokenErrors", "portal_in", "routes"]

_EITHER: dict[str, Any] = {"text/xml": {}, "application/json": {}}
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": "In the specification's form", "content": _EITHER} for status in (400, 403, 404, 413, 503)
}
_ANSWER: dict[int | str, dict[str, Any]] = {200: {"description": "As the path ends", "content": _EITHER}}


def routes(desk: Desk, settings: IntakeSettings, provinces: Recent[str, Province]) -> APIRouter:
    """All of it."""
    router = APIRouter(tags=["open311"], responses=_ERRORS)
    router.include_router(catalogue.routes(settings, provinces), responses=_ANSWER)
    router.include_router(reading.routes(desk, settings, provinces), responses=_ANSWER)
    router.include_router(sending.routes(desk, settings, provinces), responses=_ANSWER)
    router.include_router(bulk.routes(desk, provinces))
    return router
