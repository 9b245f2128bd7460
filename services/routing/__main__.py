"""Start here: `python -m services.routing`."""

from services.routing import api, handlers, store
from services.routing.settings import RoutingSettings
from shared import logs
from shared.service import Process, Service
from shared.settings import from_environment


def service(_settings: RoutingSettings) -> Service:
    """routing, ready to run."""
    return Service(
        name="routing",
        port=8312,
        handlers=handlers.HANDLERS,
        preload=store.preload,
        api=api.routes,
        gauges=store.gauges,
    )


def main() -> None:
    """Read the environment and serve."""
    settings = from_environment(RoutingSettings)
    logs.configure("routing", settings.log_format, settings.log_level)
    Process(service(settings), settings).run()


if __name__ == "__main__":
    main()
