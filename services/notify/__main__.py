"""Start here: `python -m services.notify`."""

from services.notify import api, handlers, store
from services.notify.channels.choice import deliveries
from services.notify.settings import NotifySettings
from shared import logs
from shared.clock import now
from shared.service import Process, Service
from shared.settings import from_environment


def service(settings: NotifySettings) -> Service:
    """notify, ready to run."""
    return Service(
        name="notify",
        port=8314,
        handlers=handlers.HANDLERS,
        preload=store.preload,
        api=lambda desk: api.routes(desk, settings),
        gauges=store.gauges,
        examples=api.EXAMPLES,
        works={name: delivery.run for name, delivery in deliveries(settings, now).items()},
    )


def main() -> None:
    """Read the environment and serve."""
    settings = from_environment(NotifySettings)
    logs.configure("notify", settings.log_format, settings.log_level)
    Process(service(settings), settings).run()


if __name__ == "__main__":
    main()
