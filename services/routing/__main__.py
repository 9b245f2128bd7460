"""Start here: `python -m services.routing`."""

from fastapi import APIRouter

from services.routing import handlers, store
from services.routing.api import changing, describing, explaining, learned, rules, triage, trying
from services.routing.settings import RoutingSettings
from shared import logs
from shared.service import Process, Service
from shared.settings import from_environment
from shared.web import Desk

LARGEST_RULES = 8 * 1024 * 1024  # bytes: ten thousand rules


def whole_api(desk: Desk) -> APIRouter:
    """Every room's door."""
    router = APIRouter()
    for part in (explaining, triage, learned, rules, trying, changing):  # what has a name of its own before {version}
        router.include_router(part.routes(desk))
    return router


def service(_settings: RoutingSettings) -> Service:
    """routing, ready to run."""
    return Service(
        name="routing",
        port=8312,
        handlers=handlers.HANDLERS,
        preload=store.preload,
        api=whole_api,
        gauges=store.gauges,
        examples=describing.EXAMPLES,
        body_limits={r"^/v1/rules$": LARGEST_RULES},
    )


def main() -> None:
    """Read the environment and serve."""
    settings = from_environment(RoutingSettings)
    logs.configure("routing", settings.log_format, settings.log_level)
    Process(service(settings), settings).run()


if __name__ == "__main__":
    main()
