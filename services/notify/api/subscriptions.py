"""Which facts a portal or an agency wants to hear of: chosen by the agency itself, or by an admin."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from services.notify.domain.asking import ChooseFacts
from services.notify.domain.audience import told_to_agencies, told_to_portals
from services.notify.store import subscribing
from shared.access import Principal, Role
from shared.errors import Forbidden, Refused
from shared.openapi import Examples, declared
from shared.web import Caller, Desk

Subscriber = Annotated[
    str, Path(pattern=r"^(agency|portal):[a-z0-9]+(-[a-z0-9]+)*$", max_length=60, description="`agency:<code>` or `portal:<name>`")
]


class FactsBody(BaseModel):
    """``facts`` as the `available` ones are called; none at all is a choice, too."""

    model_config = ConfigDict(extra="forbid")
    facts: Annotated[list[str], Field(max_length=100)]


class Subscription(BaseModel):
    """``chosen``: whether somebody chose; otherwise ``facts`` are all that are ``available``. ``channel``: by which they come."""

    subscriber: str
    channel: str
    chosen: bool
    facts: list[str]
    available: list[str]


class UnknownFacts(Refused):
    status, code = 422, "unknown_facts"


def routes(desk: Desk) -> APIRouter:
    """All of it."""
    router = APIRouter(prefix="/v1/subscriptions", tags=["subscriptions"])

    def current(subscriber: str) -> Subscription:
        with desk.sessions() as session:
            facts, available = subscribing.chosen_facts(session, subscriber), _available(subscriber)
        channel = "email" if _is_agency(subscriber) else "webhook"
        chosen = available if facts is None else facts
        return Subscription(subscriber=subscriber, channel=channel, chosen=facts is not None, facts=chosen, available=available)

    @router.get("/{subscriber}", responses=declared({403: "forbidden not_yours"}))
    def subscription(subscriber: Subscriber, caller: Caller) -> Subscription:
        """What they hear of."""
        _check(caller, subscriber)
        return current(subscriber)

    @router.put("/{subscriber}", responses=declared({403: "forbidden not_yours", 422: "invalid unknown_facts"}))
    async def choose(subscriber: Subscriber, body: FactsBody, caller: Caller) -> Subscription:
        """From now on these facts and no others. Agencies go on finding everything in their queue."""
        _check(caller, subscriber)
        strange = sorted(set(body.facts) - set(_available(subscriber)))
        if strange:
            raise UnknownFacts(f"{', '.join(strange)}: not among what is told to {subscriber}; `available` lists that")
        await desk.say(ChooseFacts.by(subscriber, tuple(dict.fromkeys(body.facts)), at=desk.clock()))
        return current(subscriber)

    @router.delete("/{subscriber}", responses=declared({403: "forbidden not_yours"}))
    async def choose_all(subscriber: Subscriber, caller: Caller) -> Subscription:
        """Everything again."""
        _check(caller, subscriber)
        await desk.say(ChooseFacts.by(subscriber, None, at=desk.clock()))
        return current(subscriber)

    return router


def _is_agency(subscriber: str) -> bool:
    return subscriber.startswith("agency:")


def _available(subscriber: str) -> list[str]:
    return told_to_agencies() if _is_agency(subscriber) else told_to_portals()


def _check(caller: Principal, subscriber: str) -> None:
    if caller.role == Role.AGENCY and subscriber != f"agency:{caller.agency}":
        raise Forbidden("an agency chooses for itself only", code="not_yours")


_AGENCY = {
    "subscriber": "agency:dh",
    "channel": "email",
    "chosen": True,
    "facts": ["case.assigned", "clock.breached"],
    "available": ["report.commented", "case.assigned", "clock.warned", "clock.breached"],
}
EXAMPLES: Examples = {
    "GET /v1/subscriptions/{subscriber}": {"answer": _AGENCY},
    "PUT /v1/subscriptions/{subscriber}": {"request": {"facts": ["case.assigned", "clock.breached"]}, "answer": _AGENCY},
    "DELETE /v1/subscriptions/{subscriber}": {"answer": {**_AGENCY, "chosen": False, "facts": _AGENCY["available"]}},
}
