"""Start here: `python -m services.intake`."""

from services.intake import api, handlers, store
from services.intake.settings import IntakeSettings
from shared import logs
from shared.service import Process, Service
from shared.settings import from_environment


def service(settings: IntakeSettings) -> Service:
    """intake, ready to run."""
    return Service(
        name="intake",
        port=8311,
        handlers=handlers.HANDLERS,
        preload=store.preload,
        api=lambda desk: api.routes(desk, settings),
        portal_of=api.portal_of,
        gauges=store.gauges,
        body_limits={":bulk$": settings.bulk_limit},
    )


def main() -> None:
    """Read the environment and serve."""
    settings = from_environment(IntakeSettings)
    logs.configure("intake", settings.log_format, settings.log_level)
    Process(service(settings), settings).run()


if __name__ == "__main__":
    main()
