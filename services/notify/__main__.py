"""Start here: `python -m services.notify`."""

from datetime import time

from sqlalchemy.orm import Session

from services.notify import api, handlers, store
from services.notify.channels.choice import deliveries
from services.notify.channels.door import House, listening
from services.notify.channels.replying import Answers, Intake
from services.notify.domain.letters import check_templates
from services.notify.domain.restraint import Restraint
from services.notify.settings import NotifySettings
from services.notify.store.measuring import gauges
from services.notify.store.restraint import AT_ONCE, let_go
from shared import logs
from shared.clock import now
from shared.handling import Handling
from shared.service import Process, Service, Work, steadily
from shared.settings import from_environment


def service(settings: NotifySettings) -> Service:
    """notify, ready to run. Raises :class:`services.notify.domain.letters.BrokenTemplate`."""
    check_templates()
    return Service(
        name="notify",
        port=8314,
        handlers=handlers.HANDLERS,
        preload=store.preload,
        api=lambda desk: api.routes(desk, settings),
        gauges=gauges,
        examples=api.EXAMPLES,
        works={
            "restraint": restrained(settings),
            **answered(settings),
            **{name: one.run for name, one in deliveries(settings, now).items()},
        },
    )


def restrained(settings: NotifySettings) -> Work:
    """The loop that lets go what may go out."""
    begin, _, end = settings.quiet_hours.partition("-")
    quiet = (time.fromisoformat(begin), time.fromisoformat(end)) if begin else None
    rules = Restraint(
        per_hour=settings.notices_per_hour,
        per_day=settings.notices_per_day,
        quiet=quiet,
        short_messages=bool(settings.sms_gateway_url or settings.gateways_file),
    )

    def step(session: Session) -> int:
        return let_go(session, rules, now())

    return steadily(step, full=AT_ONCE, rest=0.5)


def answered(settings: NotifySettings) -> dict[str, Work]:
    """The loop that takes answers to letters, where it is wanted."""
    if not settings.reply_listen:
        return {}
    host, _, port = settings.reply_listen.rpartition(":")
    house = House(
        host=host,
        port=int(port),
        largest=settings.reply_limit,
        connections=settings.reply_connections,
        mails=settings.reply_mails,
        certificate=settings.reply_certificate,
        key=settings.reply_key,
    )
    intake = Intake(settings.intake_url, link_key=settings.link_key)

    def answers(handling: Handling) -> Answers:
        return Answers(handling=handling, intake=intake, link_key=settings.link_key, clock=now)

    return {"replies": listening(house, answers)}


def main() -> None:
    """Read the environment and serve."""
    settings = from_environment(NotifySettings)
    logs.configure("notify", settings.log_format, settings.log_level)
    Process(service(settings), settings).run()


if __name__ == "__main__":
    main()
