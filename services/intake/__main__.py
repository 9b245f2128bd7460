"""Start here: `python -m services.intake`."""

from functools import partial

from services.intake import api, handlers, store
from services.intake.api.open311 import SpokenErrors, portal_in
from services.intake.api.uploads import strip
from services.intake.settings import IntakeSettings
from services.intake.store import media
from services.intake.store.files import Files
from shared import logs
from shared.limits import Rate
from shared.service import Process, Service, timely
from shared.settings import from_environment

UPLOADS = "^/v1/(media/[^/]+|reports/[^/]+/media)$"
SWEEP_SECONDS = 5.0
FORGET_SECONDS = 30.0


def service(settings: IntakeSettings) -> Service:
    """intake, ready to run."""
    files = Files(settings.media_url, dict(pair.split("=", 1) for pair in settings.media_options.split()))
    usual = Rate(settings.portal_rate, settings.portal_burst)
    return Service(
        name="intake",
        port=8311,
        handlers=handlers.HANDLERS,
        preload=store.preload,
        api=lambda desk: api.routes(desk, settings, files),
        straight=lambda desk: api.straight(desk, settings),
        portal_of=lambda desk: api.portal_of(desk, usual),
        portal_in=lambda desk: portal_in(api.portal_of(desk, usual)),
        origins=api.origins,
        gauges=lambda session: [*store.gauges(session), *media.gauges(session)],
        works={
            "media": timely(handlers.sweeper(files.remove, partial(strip, files)), rest=SWEEP_SECONDS),
            "forgetting": timely(handlers.forgetting(settings.contact_days), rest=FORGET_SECONDS),
        },
        body_limits={
            UPLOADS: settings.media_limit + settings.body_limit,  # a photo, and the form around it
            ":bulk$": settings.bulk_limit,
        },
        around=SpokenErrors,
    )


def main() -> None:
    """Read the environment and serve."""
    settings = from_environment(IntakeSettings)
    logs.configure("intake", settings.log_format, settings.log_level)
    Process(service(settings), settings).run()


if __name__ == "__main__":
    main()
