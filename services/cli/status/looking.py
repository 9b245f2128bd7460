"""What the system is doing: asked of the services, of the database (which answers when they do not) and of the bus."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import httpx2
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from services.cli.doctor.place import Place
from services.cli.system import HANDLERS, room
from services.intake import store as intake
from services.notify.store import measuring
from services.routing import store as routing
from services.sla.store import agencies, open_cases, scoring
from shared.bus import Bus, BusDown
from shared.bus.postgres import PostgresBus
from shared.bus.rabbitmq import RabbitBus
from shared.bus.topology import inbox
from shared.metrics import waiting

GAUGES: Mapping[str, Callable[[Session], Iterable[Metric]]] = {
    "intake": intake.gauges,
    "routing": routing.gauges,
    "sla": lambda session: [gauge for part in (open_cases, agencies, scoring) for gauge in part.gauges(session)],
    "notify": measuring.gauges,
}
LIMITS = {  # above: the alert whose paragraph in docs/operations.md says what to do
    "hoiam_outbox_age_seconds": (60, "OutboxStuck"),
    "hoiam_parked_rows": (0, "MessagesParked"),
    "hoiam_open_cases_without_clock": (0, "InvariantBroken"),
    "hoiam_open_cases_without_holder": (0, "InvariantBroken"),
    "hoiam_clock_lag_seconds": (60, "ClocksLate"),
    "hoiam_oldest_pending_notice_seconds": (3600, "NoticesWait"),
    "hoiam_cases_to_score": (1000, "ScorecardsBehind"),
}
PATIENCE = 2.0  # seconds for an answer over HTTP


@dataclass(frozen=True, kw_only=True)
class Seen:
    """``figures`` are samples by service; ``waiting`` is the depth of its inbox, None where the bus does not say."""

    ready: Mapping[str, bool | None]  # None: nobody answers
    versions: Mapping[str, str]
    figures: Mapping[str, list[Sample]]
    waiting: Mapping[str, int | None]
    troubles: list[str] = field(default_factory=list)

    def values(self, name: str, service: str = "") -> list[float]:
        """Of this metric, of one service or of all."""
        return [sample.value for of, samples in self.figures.items() if service in {"", of} for sample in samples if sample.name == name]

    def total(self, name: str) -> float | None:
        """Of this metric; None where the database could not be asked."""
        return sum(self.values(name)) if self.figures else None

    def most(self, name: str) -> float | None:
        """The largest of this metric, as :meth:`total`."""
        return max(self.values(name), default=0.0) if self.figures else None

    def by(self, label: str, name: str) -> dict[str, float]:
        """Of this metric, the largest first."""
        found = [sample for samples in self.figures.values() for sample in samples if sample.name == name]
        return {sample.labels[label]: sample.value for sample in sorted(found, key=lambda one: -one.value)}


def look(place: Place, address: Callable[[str], str]) -> Seen:
    """Everything once; what can't be asked is a trouble of its own."""
    troubles: list[str] = []
    with httpx2.Client(timeout=PATIENCE, trust_env=False) as http:
        ready = {service: _is_ready(http, address(service)) for service in HANDLERS}
        versions = {service: _version(http, address(service)) if ready[service] is not None else "" for service in HANDLERS}
    troubles += [f"{name} does not answer: ServiceDown" for name, is_ready in ready.items() if is_ready is None]
    troubles += [f"{name} answers, and its database does not: ErrorsServed" for name, is_ready in ready.items() if is_ready is False]
    seen = Seen(ready=ready, versions=versions, figures=_figures(place, troubles), waiting=_depths(place, troubles), troubles=troubles)
    troubles += _over_limits(seen)
    return seen


def _is_ready(http: httpx2.Client, url: str) -> bool | None:
    try:
        return http.get(f"{url}/readyz").is_success
    except httpx2.HTTPError:
        return None


def _version(http: httpx2.Client, url: str) -> str:
    try:
        families = text_string_to_metric_families(http.get(f"{url}/metrics").text)
    except httpx2.HTTPError:
        return ""
    return next((sample.labels["version"] for family in families for sample in family.samples if sample.name == "hoiam_build_info"), "")


def _figures(place: Place, troubles: list[str]) -> dict[str, list[Sample]]:
    if not place.database_url:
        troubles.append("there is no database: set DATABASE_URL, or start the embedded system with `hoiam up`")
        return {}
    try:
        return {service: list(_samples(place.database_url, service)) for service in HANDLERS}
    except SQLAlchemyError as error:
        troubles.append(f"the database can't be asked ({type(error).__name__}): `hoiam doctor` says why")
        return {}


def _samples(url: str, service: str) -> Iterator[Sample]:
    with room(url, service) as rooms, rooms() as session:
        for family in (*waiting(service, session), *GAUGES[service](session)):
            yield from family.samples


def _depths(place: Place, troubles: list[str]) -> dict[str, int | None]:
    if not (place.amqp_url or place.database_url):
        return dict.fromkeys(HANDLERS)
    bus: Bus = RabbitBus(place.amqp_url) if place.amqp_url else PostgresBus(place.database_url)
    try:
        return {service: bus.depth(inbox(service)) for service in HANDLERS}
    except (BusDown, LookupError, OSError) as error:
        troubles.append(f"the bus can't be asked ({error}): BrokerDown")
        return dict.fromkeys(HANDLERS)


def _over_limits(seen: Seen) -> Iterator[str]:
    for name, (limit, alert) in LIMITS.items():
        most = seen.most(name)
        if most is not None and most > limit:
            yield f"{name} is {most:.0f}: {alert}"
