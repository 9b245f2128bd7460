"""What the bus says: that every queue is there, and that nobody may do more than their part."""

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from services.cli.doctor.finding import Finding, advice, good, wrong
from services.cli.doctor.place import Away, Place
from services.cli.system import HANDLERS
from shared.bus import Bus, BusDown
from shared.bus.management import MAY, Management
from shared.bus.postgres import PostgresBus
from shared.bus.topology import crashed, inbox

APPLY = "run `hoiam topology apply`"


def queues(place: Place) -> Iterator[Finding]:
    """Those of the services: without them nothing moves. An agency's shows by its own alert."""
    bus, name = _bus(place)
    missing = []
    try:
        for queue in [queue(service) for service in HANDLERS for queue in (inbox, crashed)]:
            try:
                bus.depth(queue)
            except LookupError:
                missing.append(queue)
    except BusDown as error:
        yield wrong("bus", f"{name} does not answer: {error}", "start it, and check AMQP_URL: host, port, user, password and vhost")
        return
    if missing:
        yield wrong("bus", f"{name} lacks {', '.join(missing)}", APPLY)
    else:
        yield good("bus", f"{name} answers, and every queue of the services is there")


def users(place: Place) -> Iterator[Finding]:
    """That RabbitMQ's users have the rights of their services, and no more."""
    if not place.amqp_url:
        return
    if not place.management_url:
        yield advice("broker users", "were not looked at", "set MANAGEMENT_URL, http://admin:…@host:15672")
        return
    try:
        with Management(place.management_url, vhost=unquote(urlsplit(place.amqp_url).path[1:]) or "/") as management:
            rights, names = management.permissions(), management.user_names()
    except BusDown as error:
        yield wrong("broker users", str(error), "check MANAGEMENT_URL")
        return
    yield from _judged(rights, names)


def _judged(rights: dict[str, tuple[str, str, str]], names: set[str]) -> Iterator[Finding]:
    expected = {f"svc.{service}": ("^$", *may) for service, may in MAY.items()}
    strange = [user for user, right in rights.items() if user in expected and right != expected[user]]
    loud = [user for user, (configure, *_) in rights.items() if user.startswith("agency.") and configure != "^$"]
    for user in sorted(strange + loud):
        yield wrong(
            "broker users",
            f"{user} has not the rights of its part",
            "take them from deploy/rabbitmq/definitions.json; for an agency, `hoiam agency provision`",
        )
    if "guest" in names:
        yield wrong("broker users", "the user guest is there", "delete it: everybody knows its password")
    if not expected.keys() & rights.keys():
        yield advice("broker users", "services share one user", "give each its own (deploy/rabbitmq/definitions.json)")
    elif not (strange or loud or "guest" in names):
        yield good("broker users", "each has the rights of its part")


def _bus(place: Place) -> tuple[Bus, str]:
    if not place.amqp_url:
        if not place.database_url:
            raise Away("there is no database")
        return PostgresBus(place.database_url), "the bus on PostgreSQL"
    from shared.bus.rabbitmq import RabbitBus

    return RabbitBus(place.amqp_url), "RabbitMQ"
