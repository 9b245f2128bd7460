"""A bus in memory with the promises of the real ones and no more: what is published may come twice, late, and in any order."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.bus import BusDown, Delivery, Letter
from shared.bus.statements import expression
from shared.bus.topology import ALTERNATES, Topology


class Killed(BaseException):
    """The process ends here, as by kill -9: nothing in it catches this."""


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """A letter in one queue. ``not_before``: it is on its way until then."""

    delivery: Delivery
    not_before: datetime | None = None


class SimulatedBus:
    """``log`` is everything that ever arrived, ``queues`` what has not been acknowledged."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._routes: dict[tuple[str, str], list[str]] = {}
        self.queues: dict[str, list[Parcel]] = defaultdict(list)
        self.log: list[Letter] = []
        self.blocked = False

    def clear(self) -> None:
        self.queues.clear()
        self.log.clear()

    def put(self, letter: Letter, sender: str) -> bool:
        """Whether any queue wanted it."""
        self.log.append(letter)
        queues = self.queues_of(letter)
        for queue in queues:
            self.queues[queue].append(Parcel(delivery=_delivery(letter, sender)))
        return bool(queues)

    def queues_of(self, letter: Letter) -> list[str]:
        key = letter.exchange, letter.routing_key
        if key not in self._routes:
            self._routes[key] = self._bound(*key) or self._bound(ALTERNATES.get(letter.exchange, ""), letter.routing_key)
        return self._routes[key]

    def take(self, queue: str, limit: int, at: datetime) -> list[Parcel]:
        """The oldest that are there."""
        waiting = self.queues[queue]
        there = [n for n, parcel in enumerate(waiting) if not parcel.not_before or parcel.not_before <= at][:limit]
        self.queues[queue] = [parcel for n, parcel in enumerate(waiting) if n not in there]
        return [waiting[n] for n in there]

    def give_back(self, queue: str, parcels: Sequence[Parcel]) -> None:
        """Nobody acknowledged them: they come again, first, and counted."""
        again = [replace(p, delivery=replace(p.delivery, attempts=min(p.delivery.attempts + 1, 15))) for p in parcels]
        self.queues[queue][:0] = again

    def _bound(self, exchange: str, key: str) -> list[str]:
        return [b.queue for b in self._topology.bindings if b.exchange == exchange and self._wants(exchange, b.pattern, key)]

    def _wants(self, exchange: str, pattern: str, key: str) -> bool:
        found = expression(self._topology.exchanges[exchange], pattern)
        return pattern == key if found is None else bool(re.search(found, f".{key}" if key else ""))


@dataclass
class SimulatedPublisher:
    """As a relay holds it; ``fault`` is how the next publishing goes, and ``number`` how much of it arrives."""

    bus: SimulatedBus
    sender: str
    believes: bool = False  # a build without confirms: whatever was sent counts as arrived
    fault: str = ""
    number: int = 0

    def publish(self, letters: Sequence[Letter], *, timeout: float = 10.0) -> list[str]:
        fault, self.fault = self.fault, ""
        if fault == "before publishing":
            raise Killed
        arriving = letters[: self.number % len(letters)] if fault == "between two confirms" else letters
        if fault == "nacked":
            return self._nacked(letters)
        for letter in arriving:
            self.bus.put(letter, self.sender)
        if fault == "after publishing":
            raise Killed
        if fault == "between two confirms" and not self.believes:
            raise BusDown("the connection was lost")
        return [""] * len(letters)

    def close(self) -> None:
        """Nothing is held."""

    def _nacked(self, letters: Sequence[Letter]) -> list[str]:
        """A full queue: nothing more of that one destination is taken."""
        full = letters[self.number % len(letters)]
        verdicts = ["nacked" if (one.exchange, one.routing_key) == (full.exchange, full.routing_key) else "" for one in letters]
        for letter, reason in zip(letters, verdicts, strict=True):
            if not reason:
                self.bus.put(letter, self.sender)
        return [""] * len(letters) if self.believes else verdicts


def _delivery(letter: Letter, sender: str) -> Delivery:
    return Delivery(
        body=letter.body,
        exchange=letter.exchange,
        routing_key=letter.routing_key,
        message_id=letter.message_id,
        sender=sender,
        attempts=0,
        tag=0,
    )
