"""Which bus the settings ask for."""

from shared.bus import Bus
from shared.settings import Settings


def connect(settings: Settings) -> Bus:
    """RabbitMQ when ``AMQP_URL`` is set, else the bus on PostgreSQL."""
    if settings.amqp_url:
        from shared.bus.rabbitmq import RabbitBus

        return RabbitBus(settings.amqp_url)
    from shared.bus.postgres import PostgresBus

    return PostgresBus(settings.database_url)
