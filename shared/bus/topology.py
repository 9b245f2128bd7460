"""Which exchanges, queues and bindings there are: one value, rendered by each adapter's ``apply``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.bus import AGENCIES, EVENTS, REQUESTS

UNROUTED = "hoiam.unrouted"  # fanout behind hoiam.events: facts nobody listens to
CRASHED = "hoiam.crashed"  # direct, dead letters: what killed its consumer too often
ALTERNATES = {EVENTS: UNROUTED}  # where an exchange sends what none of its bindings wants


@dataclass(frozen=True, slots=True)
class Binding:
    """``pattern`` is a topic pattern: words between dots, ``*`` one word, ``#`` any number of words."""

    exchange: str
    pattern: str
    queue: str


@dataclass(frozen=True, slots=True)
class Topology:
    """``exchanges`` maps a name to its kind (topic, direct, fanout)."""

    exchanges: Mapping[str, str]
    queues: tuple[str, ...]
    bindings: tuple[Binding, ...]


def inbox(service: str) -> str:
    """The one queue a service reads."""
    return f"{service}.inbox"


def crashed(service: str) -> str:
    """Where what ended a service's process too often waits for a person."""
    return f"{service}.crashed"


def agency_queue(agency: str) -> str:
    """The one queue an agency reads."""
    return f"agency.{agency}"


def crashed_key(queue: str) -> str:
    """Under which key of ``hoiam.crashed`` a queue's dead letters go; "" for queues that have none."""
    kept = queue.endswith(".crashed") or queue == "unrouted"
    return "" if kept else queue.split(".", 1)[0]


def topology(listens: Mapping[str, Iterable[Binding]], agencies: Iterable[str], *, called: Iterable[str] = ()) -> Topology:
    """``listens`` maps a service to what its inbox is bound to; ``agencies`` are the codes that get a queue. Nothing more comes to the
    queues of those that are ``called`` instead: what is said to them comes to notify, which calls them."""
    codes, services = sorted(agencies), sorted(listens)
    mortal = [*services, "agency"]
    bindings = [binding for service in services for binding in listens[service]]
    bindings += [Binding(AGENCIES, code, inbox("notify") if code in set(called) else agency_queue(code)) for code in codes]
    bindings += [Binding(CRASHED, name, crashed(name)) for name in mortal] + [Binding(UNROUTED, "#", "unrouted")]
    queues = [*map(inbox, services), *map(agency_queue, codes), *map(crashed, mortal), "unrouted"]
    kinds = {EVENTS: "topic", AGENCIES: "direct", REQUESTS: "topic", CRASHED: "direct", UNROUTED: "fanout"}
    return Topology(kinds, tuple(queues), tuple(bindings))
