"""Outbox to bus: one leading relay a service sends what is waiting, many at a time, and forgets only what was confirmed."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing

import structlog
from pydantic_core import from_json
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from shared import mailbox, metrics, tracing
from shared.bus import NACKED, Bus, Letter, Publisher
from shared.database import advisory_lock

BLOCKED_SECONDS = 10.0
IDLE_SECONDS = 0.5  # the safety net; a commit in this process wakes the relay at once
BUSY, GATHER_SECONDS = 5, 0.03  # so many at once, and the next may wait so many seconds for company: sent together they cost half

log = structlog.get_logger()
Beat = Callable[[], bool]


class Relay:
    """``wake`` is set after each commit that posted something; at most ``at_once`` messages are on their way together."""

    def __init__(self, service: str, engine: Engine, bus: Bus, wake: threading.Event, *, at_once: int) -> None:
        self._service, self._engine, self._bus, self._wake, self._at_once = service, engine, bus, wake, at_once
        self._full: dict[str, float] = {}  # until when each takes nothing: what is posted for it meanwhile waits behind the rest
        self._doubtful = False  # whether the publisher was told no

    def run(self, beat: Beat) -> None:
        """Lead and relay while ``beat()``; a twin that can't lead waits here for its turn. Raises when bus or database fail."""
        with ExitStack() as stack:  # the lock must go with its connection, whatever fails
            connection = stack.enter_context(self._engine.connect())
            if not stack.enter_context(advisory_lock(connection, f"relay.{self._service}")):
                self._rest(IDLE_SECONDS)
                return
            session = stack.enter_context(Session(connection))
            metrics.LEADING.labels(self._service).set(1)
            stack.callback(metrics.LEADING.labels(self._service).set, 0)
            while beat():
                self._send_on(session, beat)

    def _send_on(self, session: Session, beat: Beat) -> None:
        """Until it is over, or the bus said no. RabbitMQ 3.10 says it for ever on a channel that met a queue between two leaders, so
        nobody asks twice on the same one."""
        with closing(self._bus.publisher(self._service)) as publisher:
            self._doubtful = False
            while beat() and not self._doubtful:
                self._wake.clear()
                if (count := self.send(session, publisher)) < self._at_once:
                    self._gather(count)
                    self._rest(IDLE_SECONDS)
            while not self._doubtful and self.send(session, publisher) == self._at_once:
                pass  # what the last commits of this process said

    def send(self, session: Session, publisher: Publisher) -> int:
        """Send the oldest letters; how many there were. One SELECT, one wait for all confirms, one DELETE."""
        rows = mailbox.waiting(session, limit=self._at_once, leaving=self._closed())
        session.commit()  # no transaction stays open while the bus is waited for
        if rows:
            letters = [letter for _, letter in rows]
            with tracing.sending(letters) as note:
                verdicts = publisher.publish(letters)
                note(verdicts)
            self._note(session, rows, verdicts)
        return len(rows)

    def _note(self, session: Session, rows: list[tuple[int, Letter]], verdicts: list[str]) -> None:
        confirmed = [id_ for (id_, _), reason in zip(rows, verdicts, strict=True) if not reason]
        mailbox.sent(session, confirmed)
        metrics.PUBLISHED.labels(self._service, "confirmed").inc(len(confirmed))
        for destination, (letter, reason) in _refused(rows, verdicts).items():
            log.warning("the bus did not take a message; its destination waits", destination=destination, reason=reason, **_names(letter))
            mailbox.block(session, letter, reason=reason, seconds=BLOCKED_SECONDS)
            self._full[destination] = time.monotonic() + BLOCKED_SECONDS
            self._doubtful = self._doubtful or reason == NACKED
            metrics.PUBLISHED.labels(self._service, "refused").inc()
        session.commit()

    def _closed(self) -> list[str]:
        now = time.monotonic()
        self._full = {destination: until for destination, until in self._full.items() if until > now}
        return list(self._full)

    @staticmethod
    def _gather(count: int) -> None:
        if count >= BUSY:
            time.sleep(GATHER_SECONDS)  # not a wait for the wake: in a busy time each commit sets it, and company is what is waited for

    def _rest(self, seconds: float) -> None:
        self._wake.wait(seconds)


def _names(letter: Letter) -> dict[str, str]:
    subject = str(from_json(letter.body)["subject"])
    return {"message_id": letter.message_id, "report_id": subject, "trace_id": tracing.trace_id(letter.traceparent)}


def _refused(rows: list[tuple[int, Letter]], verdicts: list[str]) -> dict[str, tuple[Letter, str]]:
    """One refused letter for each destination that refused any."""
    pairs = zip(rows, verdicts, strict=True)
    return {f"{letter.exchange}/{letter.routing_key}": (letter, reason) for (_, letter), reason in pairs if reason}
