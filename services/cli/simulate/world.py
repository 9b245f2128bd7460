"""Real services on a real database, under a clock that jumps from event to event."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from itertools import count

from sqlalchemy import func, select, text

from services.cli.process import CannotStart
from services.cli.simulate.agenda import Plan, Scenario
from services.cli.simulate.cast import HEARD, Cast, Moments
from services.cli.system import load_all, migrate_all, room
from services.routing import store as routing
from services.routing.handlers import HANDLERS as ROUTING
from services.sla import store as sla
from services.sla.domain.calendar import calendar_of
from services.sla.handlers import HANDLERS as SLA
from shared.envelope import Envelope, decode, event_type
from shared.errors import Refused
from shared.handling import Handling
from shared.messages import Message, Request, Tick
from shared.province import Province

Say = Callable[[str], None]
TOGETHER = timedelta(minutes=15)  # nobody reacts faster to what is said than this, so so much may be handled in one transaction


class World:
    """sla and routing with the outbox of each, and the agenda of what people do next."""

    def __init__(self, handlings: dict[str, Handling], spoke: set[str], *, patient: bool) -> None:
        """``spoke``: the services that committed something to say since their outbox was last emptied."""
        self._handlings, self._spoke, self._patient = handlings, spoke, patient
        wanted = {kind for handling in handlings.values() for kind in handling.handlers if kind is not Tick} | HEARD
        self._wanted = {event_type(kind) for kind in wanted}
        self._agenda: list[tuple[datetime, int, Message]] = []
        self._number = count()
        self.refused = Counter[str]()  # by what was asked and why not
        self.ticks = 0
        self.handled = 0

    def later(self, message: Message) -> None:
        """Put it on the agenda for the moment it states."""
        heapq.heappush(self._agenda, (message.at, next(self._number), message))

    def run(self, cast: Cast, until: datetime, say: Say) -> None:
        """To the end of the time, event by event and clock by clock."""
        month = ""
        while (at := self._next(until)) is not None:
            if f"{at:%m/%Y}" != month and at.month in {1, 7}:
                say(f"{at:%m/%Y} …")
            month = f"{at:%m/%Y}"
            self._carry(cast)

    def _next(self, until: datetime) -> datetime | None:
        """Do what comes next, people's acts before a clock that speaks at the same moment; when that was, None when it is over."""
        clock = min(self._next_clock() or until, until)
        if self._agenda and self._agenda[0][0] <= clock and self._agenda[0][0] < until:
            acts = self._acts(clock, until)
            self._hand_over(acts)
            return acts[0].at
        if clock >= until:
            return None
        self._handlings["sla"].tick(clock)
        self.ticks += 1
        return clock

    def _next_clock(self) -> datetime | None:
        first = select(func.least(func.min(sla.clocks.c.next_at), func.min(sla.clocks.c.remind_at)))
        with self._handlings["sla"].sessions() as session:
            return session.scalar(first)

    def _acts(self, clock: datetime, until: datetime) -> list[Message]:
        """What people do until the next clock speaks, of each report one thing at most."""
        end = min(clock, until, self._agenda[0][0] + TOGETHER)
        acts: dict[object, Message] = {}
        while self._agenda and self._agenda[0][0] <= end and self._agenda[0][2].report_id not in acts:
            message = heapq.heappop(self._agenda)[2]
            acts[message.report_id] = message
        return list(acts.values())

    def _hand_over(self, acts: Sequence[Message]) -> None:
        self.handled += len(acts)
        for handling in self._handlings.values():
            mine = [_sealed(act) for act in acts if type(act) in handling.handlers]
            if mine:
                self._handle(handling, mine)

    def _handle(self, handling: Handling, envelopes: list[Envelope]) -> None:
        """Under other rules than it was planned for, some of what people ask may be refused."""
        if not self._patient:
            handling.together(envelopes)
            return
        for envelope, outcome in zip(envelopes, handling.batch(envelopes), strict=True):
            if isinstance(outcome, Refused):
                self.refused[f"{envelope.message.topic} {outcome.code}"] += 1
            elif isinstance(outcome, Exception):
                raise outcome

    def _carry(self, cast: Cast) -> None:
        """What each service said, to the other and to people, until nobody has more to say."""
        while letters := [(name, envelope) for name in self._handlings for envelope in self._said(name)]:
            for source, envelope in letters:
                if source == "sla":
                    cast.hear(envelope.message)
            for name, handling in self._handlings.items():
                mine = [e for source, e in letters if source != name and type(e.message) in handling.handlers]
                if mine:
                    handling.together(mine)

    def _said(self, service: str) -> list[Envelope]:
        if service not in self._spoke:
            return []
        self._spoke.discard(service)
        with self._handlings[service].sessions.begin() as session:
            rows = session.execute(_EMPTY).all()
        return [decode(bytes(row.body)) for row in sorted(rows, key=lambda row: row.id) if row.type in self._wanted]


_EMPTY = text("DELETE FROM outbox RETURNING id, type, body")


def _sealed(act: Message) -> Envelope:
    """As the service gets it: an agency's request from its queue, an operator's over sla's own HTTP, a fact from intake."""
    if not isinstance(act, Request):
        return Envelope.of(act, source="intake")
    return Envelope.of(act, source="bus" if act.actor.startswith("agency:") else "sla")


def prepare(url: str, province: Province, at: datetime) -> None:
    """All schemas with the province in force. Raises :class:`CannotStart` where there are cases already."""
    migrate_all(url, lambda _: None)
    with room(url, "sla") as rooms, rooms() as session:
        if session.scalar(select(func.count()).select_from(sla.cases)):
            raise CannotStart("this database holds cases already: a history needs an empty one")
    load_all(url, province, at, lambda _: None)


@contextmanager
def world(url: str, *, patient: bool) -> Iterator[World]:
    """For the length of a block, over one pool of connections a service."""
    with ExitStack() as stack:
        of_routing = stack.enter_context(room(url, "routing"))
        of_sla = stack.enter_context(room(url, "sla"))
        spoke: set[str] = set()
        handlings = {
            "routing": Handling(
                service="routing", handlers=ROUTING, sessions=of_routing, preload=routing.preload, committed=lambda: spoke.add("routing")
            ),
            "sla": Handling(service="sla", handlers=SLA, sessions=of_sla, preload=sla.preload, committed=lambda: spoke.add("sla")),
        }
        yield World(handlings, spoke, patient=patient)


def play(
    url: str, scenario: Scenario, plans: list[Plan], province: Province, moments: Moments, say: Say, *, patient: bool = False
) -> World:
    """The whole history. ``patient``: with the moments of another run, so that refusals are counted and not raised."""
    prepare(url, province, scenario.since)
    with world(url, patient=patient) as of:
        cast = Cast(plans, province, calendar_of(province), of.later, moments)
        for plan in plans:
            cast.begin(plan)
        of.run(cast, scenario.until, say)
    return of
