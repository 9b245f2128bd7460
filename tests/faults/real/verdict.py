"""What became of it: counted in the four databases, the queues and in what people saw. A run that is not quiet in the end has failed."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import create_engine, text

from services.cli import audit, scorecard
from shared.clock import now
from shared.database import psycopg_url
from tests.faults.real.people import AREAS, Agencies, Portal
from tests.faults.real.system import SERVICES, System, unacknowledged

PATIENCE = 150.0  # seconds after the last fault in which everything has to be handled
PLACES = {"intake": "reports", "routing": "reports", "sla": "cases", "notify": "subjects"}
ONCE = ("receive", "route", "accept", "submit", "approve")  # in the history of a case that nobody returns or sends back


@dataclass
class Row:
    """One line of the proof. ``recovery_seconds``: the longest from the end of a fault until all reports accepted by then were with
    their agencies; ``stopped``: repeated messages that an inbox knew; ``parked``: only what was poison may be."""

    fault: str
    faults: int
    offered: int
    accepted: int
    lost: int
    duplicated: int
    stopped: int
    parked: int
    poison: int
    stuck: str
    recovery_seconds: float
    control: bool = False  # a build broken on purpose, which must fail
    parked_for: str = ""  # what should not have been
    measured_on: str = field(default_factory=lambda: now().date().isoformat())

    @property
    def good(self) -> bool:
        return not (self.lost or self.duplicated or self.stuck) and self.parked == self.poison

    def __str__(self) -> str:
        return (
            f"{self.fault:44} {self.faults:4} faults  offered {self.offered:6}  accepted {self.accepted:6}  lost {self.lost}  duplicated"
            f" {self.duplicated}  stopped {self.stopped:4}  parked {self.parked:3}  recovered in {self.recovery_seconds:5.1f} s"
            f"{'' if self.good else f'  FAILED {self.stuck} {self.parked_for}'}"
        )


class Books:
    """Reads all four schemas as the owner, on a new connection each time: the database may have been killed meanwhile."""

    def __init__(self, of: System) -> None:
        self.of = of

    def ask(self, query: str, **values: Any) -> list[Any]:
        engine = create_engine(psycopg_url(self.of.database_url))
        try:
            with engine.connect() as connection:
                return list(connection.execute(text(query), values).all())
        finally:
            engine.dispose()

    def waiting(self) -> str:
        """What is not handled yet, in words; "" when all is quiet."""
        parts = [f"SELECT '{name}', (SELECT count(*) FROM {name}.outbox), (SELECT count(*) FROM {name}.held WHERE due_at IS NOT NULL)"
                 for name in SERVICES]  # fmt: skip
        words = [f"{name}: {out} in the outbox, {held} held" for name, out, held in self.ask(" UNION ALL ".join(parts)) if out or held]
        depths = {queue: self.of.bus.depth(queue) for queue in [*(f"{name}.inbox" for name in SERVICES), *(f"agency.{a}" for a in AREAS)]}
        words += [f"{queue}: {depth}" for queue, depth in depths.items() if depth]
        return "; ".join(words) or ("taken and not acknowledged" if unacknowledged(self.of) else "")

    def parked(self) -> int:
        return sum(row[0] for name in SERVICES for row in self.ask(f"SELECT count(*) FROM {name}.held WHERE due_at IS NULL"))

    def parked_why(self) -> str:
        """The newest that wait for a person, in words."""
        parts = [f"SELECT '{name}' AS service, routing_key, code, reason, received_at FROM {name}.held WHERE due_at IS NULL"
                 for name in SERVICES]  # fmt: skip
        newest = self.ask(f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS parked ORDER BY received_at DESC LIMIT 3")
        return "; ".join(f"{row.service} parked {row.routing_key}: {row.code}, {row.reason[:200]}" for row in newest)

    def missing(self, accepted: Iterable[str], agencies: Agencies) -> set[str]:
        """Accepted reports that are not in some service, not with their agency, or not shown as they are."""
        wanted = set(accepted)
        missing = {report for report in wanted if not agencies.assigned.get(report)}
        for service, table in PLACES.items():
            there = {str(row.report_id) for row in self.ask(f"SELECT report_id FROM {service}.{table}")}
            missing |= wanted - there
        query = "SELECT c.report_id FROM sla.cases c JOIN intake.reports r USING (report_id) WHERE c.state <> r.status"
        return missing | ({str(row.report_id) for row in self.ask(query)} & wanted)

    def duplicated(self, accepted: Iterable[str], agencies: Agencies) -> int:
        """Effects that happened twice: in what the public sees, in histories, at agencies."""
        wanted = set(accepted)
        shown = "SELECT report_id FROM intake.timeline GROUP BY report_id, topic, version, data HAVING count(*) > 1"
        moved = "SELECT report_id FROM sla.history WHERE trigger = ANY(:once) GROUP BY report_id, trigger HAVING count(*) > 1"
        again = [str(row.report_id) for row in [*self.ask(shown), *self.ask(moved, once=list(ONCE))]]
        return sum(report in wanted for report in again) + sum(len(agencies.assigned[report]) > 1 for report in wanted)

    def proven(self) -> list[str]:
        """What is wrong with histories, scorecards and invariants; nothing, if all is well."""
        told: list[str] = []
        whole = [audit.verify(self.of.database_url, told.append), scorecard.verify(self.of.database_url, told.append)]
        unheld = "SELECT count(*) FROM sla.cases c WHERE state NOT IN ('closed', 'refused', 'cancelled', 'merged') AND NOT EXISTS (SELECT FROM sla.clocks k WHERE k.report_id = c.report_id AND stopped_at IS NULL)"  # noqa: E501
        [(without_clock,)] = self.ask(unheld)
        return [] if all(whole) and not without_clock else [*told, f"{without_clock} open cases without a running clock"]


def drained(books: Books, patience: float = PATIENCE) -> str:
    """Wait until nothing waits any more; what still does after ``patience`` seconds."""
    end, waiting = time.monotonic() + patience, "?"
    while waiting and time.monotonic() < end:
        time.sleep(0.3)
        try:
            waiting = books.waiting()
        except Exception as error:  # noqa: BLE001 - machines may still be coming up
            waiting = f"{type(error).__name__}: {error}"[:200]
    return waiting


def settled(books: Books, accepted: Iterable[str], agencies: Agencies, patience: float = 20) -> set[str]:
    """The reports that are missing somewhere once it is quiet; agencies get a moment to read on."""
    end = time.monotonic() + patience
    while (missing := books.missing(accepted, agencies)) and time.monotonic() < end:
        time.sleep(0.5)
    return missing


def accepted_by(portals: Iterable[Portal]) -> list[str]:
    return [report for portal in portals for report in portal.accepted.values()]
