"""Opening what came from the bus: whose word it is, and whether they may say it.

On ``hoiam.requests`` only the broker's word counts (AMQP ``user_id``): keys and bodies are the sender's own writing.
"""

from dataclasses import replace
from datetime import datetime

from shared.bus import AGENCIES, EVENTS, REQUESTS, Delivery
from shared.bus.topology import CRASHED
from shared.envelope import Envelope, Malformed, decode
from shared.errors import Forbidden, Refused
from shared.mailbox import Held
from shared.messages import AGENCY_REQUESTS, Fact, Message, ToAgency


def opened(delivery: Delivery, at: datetime) -> Envelope | Refused:
    """What is in ``delivery``, or why nobody may act on it. A request happens ``at`` the time it reached us."""
    try:
        envelope = decode(delivery.body, actor=_actor_of(delivery.sender), received_at=_stated_by_us(delivery.exchange, at))
        _check_sender(delivery, envelope.message)
    except Refused as refusal:
        return refusal
    return envelope


def reopened(held: Held) -> Envelope:
    """A held message once more, as strictly as the first time: nobody's retry makes a forgery true. Raises :class:`Refused`."""
    names = ("body", "exchange", "routing_key", "message_id", "sender")
    delivery = Delivery(**{name: getattr(held, name) for name in names}, attempts=0, tag=0)
    found = opened(delivery, held.received_at)
    if isinstance(found, Refused):
        raise found
    return found


def as_first_sent(delivery: Delivery) -> Delivery:
    """A dead letter as it was: RabbitMQ readdresses what it gives up."""
    if delivery.exchange != CRASHED:
        return delivery
    try:
        message: Message | None = decode(delivery.body).message
    except Refused:
        message = None
    topic = message.topic if message else "unknown"
    if isinstance(message, ToAgency):
        return replace(delivery, exchange=AGENCIES, routing_key=message.agency)
    agency = delivery.sender.removeprefix("agency.")
    if agency != delivery.sender:
        return replace(delivery, exchange=REQUESTS, routing_key=f"{agency}.{topic}")
    return replace(delivery, exchange=EVENTS, routing_key=topic)


def _check_sender(delivery: Delivery, message: Message) -> None:
    if delivery.exchange != REQUESTS:
        if not isinstance(message, ToAgency if delivery.exchange == AGENCIES else Fact):
            raise Malformed(f"{message.topic} does not belong to {delivery.exchange}", code="wrong_exchange")
        return
    if not isinstance(message, AGENCY_REQUESTS):
        raise Forbidden(f"an agency may not send {message.topic}")
    if not delivery.sender.startswith("agency."):
        raise Forbidden("set the user_id property to your own user name: without it nobody can tell who asks", code="unproven_sender")
    if delivery.routing_key != f"{delivery.sender.removeprefix('agency.')}.{message.topic}":
        raise Forbidden(f"the routing key must be <your agency>.{message.topic}", code="wrong_key")


def _actor_of(sender: str) -> str:
    """``agency.dh``, as the bus proves it, is ``agency:dh``; anybody else is nobody."""
    return sender.replace("agency.", "agency:", 1) if sender.startswith("agency.") else ""


def _stated_by_us(exchange: str, at: datetime) -> datetime | None:
    """A request happens when it reaches us, whatever time its sender states; a fact when its owner says it did."""
    return at if exchange == REQUESTS else None
