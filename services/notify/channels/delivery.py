"""The loops that send: claim what is due, send it outside any transaction, record what became of it. One loop and its threads for each
channel, so that nothing slow in one delays another, and so many places for each endpoint, so that no portal delays another.

Killed between sending and recording, a notice goes out once more when its claim runs out: at least once. The same notice keeps
its Message-ID, its file name and its webhook-id, so who receives it twice can tell.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import TypeVar

import structlog
from sqlalchemy.orm import Session

from services.notify.channels import Addressee, Channel, Permanent, Temporary, Undelivered
from services.notify.channels.detour import Detour
from services.notify.channels.recording import Result, record
from services.notify.domain.endpoints import Endpoint
from services.notify.store import sending
from services.notify.store.sending import Parcel
from shared.clock import Clock
from shared.handling import Handling
from shared.messages import Message

AHEAD = 8  # notices that a thread sends one after the other before it asks for more
CLAIM = timedelta(minutes=2)  # longer than ENOUGH and the longest a channel takes
ENOUGH = timedelta(seconds=30)  # after the claim: what was not begun by then is put back
IDLE_SECONDS = 0.5
GATHER_SECONDS = 0.02  # so long after the first result others are waited for, to be recorded together
REST_SECONDS = 1.0
STOP_SECONDS = 5.0  # what is on its way when the process stops has so long to arrive

log = structlog.get_logger()
Key = TypeVar("Key")
Address = Callable[[Parcel], Addressee]  # raises Undelivered
Ways = Callable[[Parcel], Sequence[str]]  # raises Undelivered


def no_ways(_parcel: Parcel) -> Sequence[str]:
    """There is one way to a portal."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Task:
    """For one thread: notices claimed ``at`` that moment, all for one ``endpoint``, those about one report in order."""

    endpoint: str
    parcels: Sequence[Parcel]
    at: datetime


class Delivery:
    """Sends what is to go by ``channel``. ``ways`` are the channels that reach whom a notice is to, the best first; ``each`` is how many
    threads work for one endpoint at the most; ``patience`` is how long a notice waits for who is away before it goes another way."""

    def __init__(
        self, channel: Channel, *, address: Address, ways: Ways, clock: Clock, each: int = 0, patience: timedelta = timedelta(days=30)
    ) -> None:
        self.channel, self.address, self.ways, self.clock = channel, address, ways, clock
        self._each = each or channel.at_once
        self._waiting: SimpleQueue[Task | None] = SimpleQueue()
        self._arrived: SimpleQueue[Result] = SimpleQueue()
        self._results: list[Result] = []  # kept until they are recorded, whatever happens to the database meanwhile
        self._tasks: Counter[str] = Counter()  # not recorded yet, by endpoint
        self._troubled: set[str] = set()  # endpoints, when they were last looked at
        self._is_away = False  # the channel's one server, by then
        self._detour = Detour(channel.name, patience=patience, instead=self._instead) if ways is not no_ways else None
        self._stopping = False

    def run(self, handling: Handling, beat: Callable[[], bool]) -> None:
        """Until ``beat`` says that it is time to stop."""
        with self._crew():
            while beat():
                self._commit(handling)
                self._gather(IDLE_SECONDS)
            self._stopping = True
            end = time.monotonic() + STOP_SECONDS
            while self._tasks and time.monotonic() < end:
                self._gather(IDLE_SECONDS)
                self._commit(handling, claiming=False)

    def turn(self, handling: Handling) -> int:
        """Send everything that is due now; how much."""
        sent = 0
        with self._crew():
            while (claimed := self._commit(handling)) or self._tasks:
                sent += claimed
                self._gather(IDLE_SECONDS)
        return sent

    def _commit(self, handling: Handling, *, claiming: bool = True) -> int:
        """Record what has arrived, and hand to the threads what there is room for, in one transaction; how much that is."""
        at, results, claimed = self.clock(), self._results, list[Parcel]()
        done = Counter(result.parcel.endpoint for result in results if result.last)

        def work(session: Session) -> Sequence[Message]:
            said = record(session, results, at, self._troubled) if results else []
            session.flush()
            if claiming:
                said += self._choose(session, at)
                if self._is_away and self._detour:
                    self._detour.take(session, at)
                    session.flush()
                claimed.extend(self._claim(session, at, self._tasks - done))
            return said

        handling.run(work)
        self._results, self._tasks = [], self._tasks - done
        self._hand_out(claimed, at)
        return len(claimed)

    # --- what is due --------------------------------------------------------------------------------------------------

    def _choose(self, session: Session, at: datetime) -> list[Message]:
        """Notices to people get their channel; what can reach nobody fails, or waits for the contact."""
        said: list[Message] = []
        for parcel in sending.unaddressed(session, at=at, limit=self.channel.at_once * AHEAD) if self.ways is not no_ways else ():
            notice = parcel.notice
            try:
                notice.channel = self.ways(parcel)[0]
            except Undelivered as failure:
                final = isinstance(failure, Permanent)
                said += notice.missed(channel=notice.channel, at=at, reason=failure.reason, final=final)
        session.flush()
        return said

    def _claim(self, session: Session, at: datetime, tasks: Counter[str]) -> list[Parcel]:
        places = sending.places(session, self.channel.name)
        self._troubled = {place.name for place in places if place.failures}
        self._is_away = any(place.shut_until for place in places)
        random.shuffle(places)  # none is always first
        rooms = {place.name: (place.room(self._each, at=at) - tasks[place.name]) * self._ahead(place) for place in places}
        free = (self.channel.at_once - tasks.total()) * AHEAD
        rooms = {name: room for name, room in rooms.items() if room > 0}
        return sending.claim(session, rooms, at=at, until=at + CLAIM, limit=free) if rooms and free > 0 else []

    def _ahead(self, place: Endpoint) -> int:
        """Where it is not sure that anybody is there, one is tried."""
        return 1 if place.shut_until else AHEAD

    def _hand_out(self, claimed: Sequence[Parcel], at: datetime) -> None:
        """At most so many tasks for an endpoint as threads may work for it; about one report one after the other."""
        for endpoint, parcels in _by(claimed, lambda parcel: parcel.endpoint).items():
            hands = min(self._each - self._tasks[endpoint], self.channel.at_once - self._tasks.total())
            reports = list(_by(parcels, lambda parcel: parcel.notice.report_id).values())
            for share in (reports[hand::hands] for hand in range(min(hands, len(reports)))):
                task = Task(endpoint=endpoint, parcels=[parcel for report in share for parcel in report], at=at)
                self._tasks[endpoint] += 1
                self._waiting.put(task)

    # --- what became of it --------------------------------------------------------------------------------------------

    def _gather(self, patience: float) -> None:
        """Wait up to ``patience`` seconds for the next result, and a moment more for others, to record them together."""
        end = time.monotonic() + patience
        while len(self._results) < AHEAD * self.channel.at_once:
            try:
                self._results.append(self._arrived.get(timeout=max(end - time.monotonic(), 0)))
            except Empty:
                return
            end = min(end, time.monotonic() + GATHER_SECONDS)

    # --- the threads --------------------------------------------------------------------------------------------------

    @contextmanager
    def _crew(self) -> Iterator[None]:
        """Threads that send. They end, and let their connections go, when they have sent what they are at; that is waited for a moment."""
        self._stopping = False
        crew = [
            threading.Thread(target=self._work, name=f"{self.channel.name}-{number}", daemon=True) for number in range(self.channel.at_once)
        ]
        for thread in crew:
            thread.start()
        try:
            yield
        finally:
            self._stopping = True
            for _ in crew:
                self._waiting.put(None)
            end = time.monotonic() + REST_SECONDS
            for thread in crew:
                thread.join(max(end - time.monotonic(), 0))

    def _work(self) -> None:
        while True:
            try:
                task = self._waiting.get(timeout=REST_SECONDS)
            except Empty:
                self.channel.rest()
                continue
            if task is None:
                return self.channel.rest()
            for number, parcel in enumerate(task.parcels, start=1):
                self._arrived.put(self._result(parcel, task.at, last=number == len(task.parcels)))

    def _result(self, parcel: Parcel, claimed_at: datetime, *, last: bool) -> Result:
        """What is not begun in time, or when the process stops, is put back."""
        begun = not self._stopping and self.clock() - claimed_at <= ENOUGH
        failure = self._send(parcel) if begun else None
        instead = self._instead(parcel) if failure else ""
        return Result(parcel=parcel, channel=self.channel.name, failure=failure, tried=begun, instead=instead, last=last)

    def _send(self, parcel: Parcel) -> Undelivered | None:
        try:
            self.channel.send(parcel.notice, self.address(parcel))
        except Undelivered as failure:
            return failure
        except Exception as error:  # noqa: BLE001 - one broken notice must not hold up the others; it climbs its own ladder
            return Temporary(f"sending broke: {type(error).__name__}")
        return None

    def _instead(self, parcel: Parcel) -> str:
        """The next channel that may reach the same person, or ""."""
        try:
            ways = self.ways(parcel)
        except Undelivered:
            return ""
        return next((way for way in ways if way not in {*parcel.notice.tried, self.channel.name}), "")


def _by(parcels: Sequence[Parcel], key: Callable[[Parcel], Key]) -> dict[Key, list[Parcel]]:
    groups: dict[Key, list[Parcel]] = {}
    for parcel in parcels:
        groups.setdefault(key(parcel), []).append(parcel)
    return groups
