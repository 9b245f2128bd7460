"""Start here: `python -m services.sla`."""

from fastapi import APIRouter, Depends

from services.sla import handlers, store
from services.sla.api import agencies as registry
from services.sla.api import asking, audit, casework, describing, explaining, forecast, policies, scorecards, worklists
from services.sla.api.seeing import in_name_of_today
from services.sla.settings import SlaSettings
from services.sla.store import agencies, forecasting, open_cases, roots, scoring
from shared import logs
from shared.service import Process, Service, steadily, timely
from shared.settings import from_environment
from shared.web import Desk


def whole_api(desk: Desk) -> APIRouter:
    """Every room's door, with the errors that may come."""
    router = APIRouter(dependencies=[Depends(in_name_of_today(desk))])
    for part in (registry, worklists, casework, asking, explaining, policies, scorecards, audit, forecast):
        router.include_router(describing.described(part.routes(desk)))
    return router


def service(_settings: SlaSettings) -> Service:
    """sla, ready to run."""
    return Service(
        name="sla",
        port=8313,
        handlers=handlers.HANDLERS,
        preload=store.preload,
        api=whole_api,
        gauges=lambda session: [gauge for part in (open_cases, scoring, roots, forecasting, agencies) for gauge in part.gauges(session)],
        examples=describing.EXAMPLES,
        works={
            "scorecards": steadily(scoring.score_some, full=scoring.AT_ONCE),
            "roots": timely(handlers.make_root),
            "forecast": timely(handlers.make_forecast, rest=5.0),
        },
    )


def main() -> None:
    """Read the environment and serve."""
    settings = from_environment(SlaSettings)
    logs.configure("sla", settings.log_format, settings.log_level)
    Process(service(settings), settings).run()


if __name__ == "__main__":
    main()
