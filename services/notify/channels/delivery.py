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
from itertools import groupby
from queue import Empty, SimpleQueue

import structlog
from sqlalchemy.orm import Session

from services.notify.channels import Addressee, Channel, Permanent, Temporary, Undelivered
from services.notify.channels.recording import Result, record
from services.notify.store import sending
from services.notify.store.sending import Parcel
from shared.clock import Clock
from shared.handling import Handling
from shared.messages import Message

AHEAD = 2  # notices claimed for each thread: one on its way, one waiting
CLAIM = timedelta(minutes=2)  # longer than ENOUGH and the longest a channel takes
ENOUGH = timedelta(seconds=30)  # after the claim: what was not begun by then is put back
IDLE_SECONDS = 0.5
GATHER_SECONDS = 0.02  # so long after the first result others are waited for, to be recorded together
REST_SECONDS = 1.0
STOP_SECONDS = 5.0  # what is on its way when the process stops has so long to arrive

log = structlog.get_logger()
Address = Callable[[Parcel], Addressee]  # raises Undelivered
Ways = Callable[[Parcel], Sequence[str]]  # raises Undelivered


def no_ways(_parcel: Parcel) -> Sequence[str]:
    """There is one way to a portal."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """``at`` that moment."""

    parcel: Parcel
    at: datetime


class Delivery:
    """Sends what is to go by ``channel``. ``ways`` are the channels that reach whom a notice is to, the best first."""

    def __init__(self, channel: Channel, *, address: Address, ways: Ways, clock: Clock, each: int = 0) -> None:
        self.channel, self.address, self.ways, self.clock = channel, address, ways, clock
        self._each = each or channel.at_once * AHEAD  # places for one endpoint
        self._waiting: SimpleQueue[list[Claimed] | None] = SimpleQueue()
        self._arrived: SimpleQueue[Result] = SimpleQueue()
        self._results: list[Result] = []  # kept until they are recorded, whatever happens to the database meanwhile
        self._away: Counter[str] = Counter()  # claimed and not recorded yet, by endpoint

    def run(self, handling: Handling, beat: Callable[[], bool]) -> None:
        """Until ``beat`` says that it is time to stop."""
        with self._crew():
            while beat():
                self._claim(handling)
                self._record(handling, IDLE_SECONDS)
            self._put_back()
            end = time.monotonic() + STOP_SECONDS
            while self._away and time.monotonic() < end:
                self._record(handling, IDLE_SECONDS)

    def turn(self, handling: Handling) -> int:
        """Send everything that is due now; how much."""
        sent = 0
        with self._crew():
            while (claimed := self._claim(handling)) or self._away:
                sent += claimed
                self._record(handling, IDLE_SECONDS)
        return sent

    # --- what is due --------------------------------------------------------------------------------------------------

    def _claim(self, handling: Handling) -> int:
        """Hand to the threads what there is room for; how much."""
        limit = self.channel.at_once * AHEAD - self._away.total()
        if limit <= 0:
            return 0
        at, claimed = self.clock(), list[Parcel]()

        def work(session: Session) -> Sequence[Message]:
            said = self._choose(session, at)
            claimed.extend(sending.claim(session, self._rooms(session, at), at=at, until=at + CLAIM, limit=limit))
            return said

        handling.run(work)
        self._away.update(parcel.endpoint for parcel in claimed)
        for _, group in groupby(sorted(claimed, key=_report), key=_report):  # about one report in order, one after the other
            self._waiting.put([Claimed(parcel=parcel, at=at) for parcel in group])
        return len(claimed)

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

    def _rooms(self, session: Session, at: datetime) -> dict[str, int]:
        """By endpoint, those in trouble left out, and none always first."""
        places = sending.places(session, self.channel.name)
        random.shuffle(places)
        rooms = {place.name: place.room(self._each, at=at) - self._away[place.name] for place in places}
        return {name: room for name, room in rooms.items() if room > 0}

    # --- what became of it --------------------------------------------------------------------------------------------

    def _record(self, handling: Handling, patience: float) -> None:
        """Wait up to ``patience`` seconds for the next result, and record it and those that came with it."""
        self._gather(patience)
        if not self._results:
            return
        handling.run(lambda session: record(session, self._results, self.clock()))
        self._away.subtract(result.parcel.endpoint for result in self._results)
        self._away += Counter()  # what is at nothing goes
        self._results = []

    def _gather(self, patience: float) -> None:
        """As many as are there soon after the first one, half of what is on its way at the most."""
        end = time.monotonic() + patience
        while len(self._results) < max(1, self._away.total() // 2):
            try:
                self._results.append(self._arrived.get(timeout=max(end - time.monotonic(), 0)))
            except Empty:
                return
            end = min(end, time.monotonic() + GATHER_SECONDS)

    # --- the threads --------------------------------------------------------------------------------------------------

    @contextmanager
    def _crew(self) -> Iterator[None]:
        """Threads that send; they end when they have sent what they are at."""
        for number in range(self.channel.at_once):
            threading.Thread(target=self._work, name=f"{self.channel.name}-{number}", daemon=True).start()
        try:
            yield
        finally:
            self._put_back()
            for _ in range(self.channel.at_once):
                self._waiting.put(None)

    def _work(self) -> None:
        while True:
            try:
                group = self._waiting.get(timeout=REST_SECONDS)
            except Empty:
                self.channel.rest()
                continue
            if group is None:
                return self.channel.rest()
            for claimed in group:
                self._arrived.put(self._send(claimed))

    def _put_back(self) -> None:
        """What no thread has begun."""
        while True:
            try:
                group = self._waiting.get_nowait()
            except Empty:
                return
            for claimed in group or ():
                self._arrived.put(Result(parcel=claimed.parcel, channel=self.channel.name, tried=False))

    def _send(self, claimed: Claimed) -> Result:
        parcel, name = claimed.parcel, self.channel.name
        if self.clock() - claimed.at > ENOUGH:
            return Result(parcel=parcel, channel=name, tried=False)
        try:
            self.channel.send(parcel.notice, self.address(parcel))
        except Undelivered as failure:
            return Result(parcel=parcel, channel=name, failure=failure, instead=self._instead(parcel))
        except Exception as error:  # noqa: BLE001 - one broken notice must not hold up the others; it climbs its own ladder
            return Result(parcel=parcel, channel=name, failure=Temporary(f"sending broke: {type(error).__name__}"))
        return Result(parcel=parcel, channel=name)

    def _instead(self, parcel: Parcel) -> str:
        """The next channel that may reach the same person, or ""."""
        try:
            ways = self.ways(parcel)
        except Undelivered:
            return ""
        return next((way for way in ways if way not in {*parcel.notice.tried, self.channel.name}), "")


def _report(parcel: Parcel) -> str:
    return f"{parcel.endpoint}/{parcel.notice.report_id}"
