"""The loop that sends: claim what is due, send it outside any transaction, record what became of it.

Killed between sending and recording, a notice goes out once more when its claim runs out: at least once. The same notice keeps
its Message-ID, its file name and its webhook-id, so who receives it twice can tell.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from services.notify.channels import Addressee, Away, Channel, Gone, Permanent, Temporary, Undelivered
from services.notify.store import sending
from services.notify.store.sending import Parcel
from shared.clock import Clock
from shared.handling import Handling
from shared.messages import Message

AT_ONCE = 25
CLAIM = timedelta(seconds=60)
ENOUGH = timedelta(seconds=30)  # of one turn: what was not tried by then is put back
PAUSE = timedelta(seconds=10)  # before a server that is away is asked again
IDLE_SECONDS = 0.5

log = structlog.get_logger()
Choose = Callable[[Parcel], tuple[Channel, Addressee]]  # raises Undelivered


@dataclass(frozen=True, kw_only=True)
class Result:
    """``failure`` is None when it was sent; ``tried`` is False when it was not its turn."""

    parcel: Parcel
    channel: str
    failure: Undelivered | None = None
    tried: bool = True


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Sends to reporters, or ``to_portals``: two loops, so that a slow portal holds up no letter."""

    to_portals: bool
    choose: Choose
    channels: Sequence[Channel]
    clock: Clock

    def run(self, handling: Handling, beat: Callable[[], bool]) -> None:
        """Until ``beat`` says that it is time to stop."""
        while beat():
            if not self.turn(handling, beat):
                time.sleep(IDLE_SECONDS)

    def turn(self, handling: Handling, beat: Callable[[], bool] = lambda: True) -> int:
        """Send what is due now, at most :data:`AT_ONCE`; how much was claimed."""
        parcels = self._claim(handling, self.clock())
        if parcels:
            results = list(self._results(parcels, beat))
            for channel in self.channels:
                channel.rest()
            handling.run(lambda session: record(session, results, self.clock()))
        return len(parcels)

    def _claim(self, handling: Handling, at: datetime) -> list[Parcel]:
        claimed: list[Parcel] = []

        def work(session: Session) -> Sequence[Message]:
            claimed.extend(sending.claim(session, to_portals=self.to_portals, at=at, until=at + CLAIM, limit=AT_ONCE))
            return []

        handling.run(work)
        return claimed

    def _results(self, parcels: Sequence[Parcel], beat: Callable[[], bool]) -> Iterator[Result]:
        away: set[str] = set()
        begun = self.clock()
        for parcel in parcels:
            if not beat() or self.clock() - begun > ENOUGH:
                yield Result(parcel=parcel, channel=parcel.notice.channel, tried=False)
            else:
                yield self._send(parcel, away)

    def _send(self, parcel: Parcel, away: set[str]) -> Result:
        channel: Channel | None = None
        server = name = parcel.notice.channel
        try:
            channel, to = self.choose(parcel)
            server, name = channel.server(to), channel.name
            if server in away:
                return Result(parcel=parcel, channel=name, tried=False)
            channel.send(parcel.notice, to)
        except Undelivered as failure:
            away |= {server} if isinstance(failure, Away) else set()
            return Result(parcel=parcel, channel=name, failure=failure)
        except Exception as error:  # noqa: BLE001 - one broken notice must not hold up the others; it climbs its own ladder
            return Result(parcel=parcel, channel=name, failure=Temporary(f"sending broke: {type(error).__name__}"))
        return Result(parcel=parcel, channel=name)


def record(session: Session, results: Sequence[Result], at: datetime) -> list[Message]:
    """Keep what became of each notice, and say it."""
    notices = sending.locked_notices(session, (result.parcel.notice.id for result in results))
    said: list[Message] = []
    for result in results:
        notice = notices[result.parcel.notice.id]
        if not result.tried:
            notice.put_back(until=at + PAUSE)
        elif result.failure is None:
            said += notice.delivered(channel=result.channel, at=at)
        else:
            log.warning("a notice did not go out", notice=str(notice.id), channel=result.channel, reason=result.failure.reason)
            said += notice.missed(channel=result.channel, at=at, reason=result.failure.reason, final=isinstance(result.failure, Permanent))
            _stop_calling(session, result)
    return said


def _stop_calling(session: Session, result: Result) -> None:
    if isinstance(result.failure, Gone) and result.parcel.webhook:
        sending.switch_off(session, result.parcel.webhook.id)
