"""Start here: `python -m services.intake`."""

from services.intake import api, handlers, store
from services.intake.settings import IntakeSettings
from shared import logs
from shared.limits import Rate
from shared.service import Process, Service, timely
from shared.settings import from_environment

FORGET_EVERY = 30.0  # seconds


def service(settings: IntakeSettings) -> Service:
    """intake, ready to run."""
    return Service(
        name="intake",
        port=8311,
        handlers=handlers.HANDLERS,
        preload=store.preload,
        api=lambda desk: api.routes(desk, settings),
        portal_of=lambda desk: api.portal_of(desk, Rate(settings.portal_rate, settings.portal_burst)),
        origins=api.origins,
        gauges=store.gauges,
        works={"forgetting": timely(handlers.forgetting(settings.contact_days), rest=FORGET_EVERY)},
    )


def main() -> None:
    """Read the environment and serve."""
    settings = from_environment(IntakeSettings)
    logs.configure("intake", settings.log_format, settings.log_level)
    Process(service(settings), settings).run()


if __name__ == "__main__":
    main()
