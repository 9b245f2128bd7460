"""An agency's way to its queue: a RabbitMQ user of its own."""

from urllib.parse import quote, unquote, urlsplit

from services.cli.process import CannotStart
from shared.bus.management import Management
from shared.bus.rabbitmq import RabbitBus

NEEDED = "Set AMQP_URL and MANAGEMENT_URL of RabbitMQ (as an administrator)."


def rabbit(amqp_url: str, management_url: str) -> RabbitBus:
    """The broker, with its management API where one is named."""
    return RabbitBus(amqp_url, management_url=management_url)


def provision(code: str, amqp_url: str, management_url: str) -> str:
    """The connection string of agency ``code``, with a new password. Raises :class:`CannotStart` without a broker."""
    if not amqp_url or not management_url:
        raise CannotStart(NEEDED)
    broker = urlsplit(amqp_url)
    with Management(management_url, unquote(broker.path[1:])) as management:
        password = management.provision_agency(code)
    return f"{broker.scheme}://agency.{code}:{quote(password, safe='')}@{broker.hostname}:{broker.port or 5672}{broker.path}"
