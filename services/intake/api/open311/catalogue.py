"""What can be reported here, and where: discovery, services, service definitions."""

from datetime import datetime

from fastapi import APIRouter, Response

from services.intake.api.open311.formats import V2, Asked, answered, written
from services.intake.api.open311.queries import check_jurisdiction
from services.intake.api.posting import latest
from services.intake.api.recent import Recent
from services.intake.domain.catalogue import told_definition, told_discovery, told_services
from services.intake.settings import IntakeSettings
from shared.errors import NotFound
from shared.province import Province

RELEASED = datetime.fromisoformat("2026-10-01T00:00:00+07:00")  # of this endpoint as it is
FRESH = {"Cache-Control": "max-age=60"}


def routes(settings: IntakeSettings, provinces: Recent[str, Province]) -> APIRouter:
    """What needs no key and changes with the province only."""
    router = APIRouter(prefix=V2)

    @router.get("/discovery.{form}")
    async def discovery(form: Asked) -> Response:
        """Where this is, in which formats, and whom to ask for a key."""
        told = told_discovery(await latest(provinces), url=settings.open311_url, test_url=settings.open311_test_url, changed_at=RELEASED)
        headers = {**FRESH, "content-type": form.media_type}  # its readers choke on a charset
        return Response(written(form, "discovery", told), headers=headers)

    @router.get("/services.{form}")
    async def services(form: Asked, jurisdiction_id: str = "") -> Response:
        """What can be reported."""
        of = await latest(provinces)
        check_jurisdiction(jurisdiction_id, of)
        return answered(form, "services", told_services(of), headers=FRESH)

    @router.get("/services/{service_code}.{form}")
    async def definition(service_code: str, form: Asked, jurisdiction_id: str = "") -> Response:
        """What is asked about one service."""
        of = await latest(provinces)
        check_jurisdiction(jurisdiction_id, of)
        if service_code not in of.categories:
            raise NotFound("service_code was not found: services.xml lists them", code="service_code_not_found")
        return answered(form, "service_definition", told_definition(of.categories[service_code]), headers=FRESH)

    return router
