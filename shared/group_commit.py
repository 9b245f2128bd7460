"""Concurrent HTTP requests share a commit: whatever is waiting is handled as one batch, by one thread."""

import asyncio
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.envelope import Envelope
from shared.handling import Handling, Outcome
from shared.problems import Busy

GATHER_SECONDS = 0.015


@dataclass(frozen=True, slots=True)
class _Asked:
    envelope: Envelope
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[bool]"


class GroupCommit:
    """Between the event loop of the HTTP server and the database. ``limit`` requests may wait, more are :class:`Busy`."""

    def __init__(self, handling: Handling, *, batch: int, limit: int) -> None:
        self._handling, self._batch, self._limit = handling, batch, limit
        self._asked: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="group-commit")

    async def handle(self, envelope: Envelope) -> bool:
        """Whether ``envelope`` is new; False: it was handled before. Raises what its handler raises; returns after the commit."""
        if self._asked.qsize() >= self._limit:
            raise Busy("too many requests wait for the database; send the same request again in a moment")
        loop = asyncio.get_running_loop()
        asked = _Asked(envelope, loop, loop.create_future())
        self._asked.put(asked)
        return await asked.answer

    def start(self) -> None:
        """Begin to take requests."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what waits, then end."""
        self._asked.put(None)
        self._thread.join()

    def _work(self) -> None:
        waiting: list[_Asked] = []
        while (first := self._asked.get()) is not None:
            waiting, more = self._take([first], usual=len(waiting))
            _answer(waiting, self._outcomes(waiting))
            if not more:
                return

    def _take(self, waiting: list[_Asked], *, usual: int) -> tuple[list[_Asked], bool]:
        """In a busy time, wait a moment for as many as came the last time: one large batch costs less than several small ones."""
        end = time.monotonic() + GATHER_SECONDS
        while len(waiting) < self._batch:
            try:
                asked = self._asked.get(timeout=max(end - time.monotonic(), 0) if len(waiting) < usual else 0)
            except queue.Empty:
                break
            if asked is None:
                return waiting, False
            waiting.append(asked)
        return waiting, True

    def _outcomes(self, waiting: Sequence[_Asked]) -> Sequence[Outcome]:
        try:
            return self._handling.batch([asked.envelope for asked in waiting])
        except Exception as outage:  # noqa: BLE001 - the database is away: each caller is told, and asks again
            return [outage] * len(waiting)


def _answer(waiting: Sequence[_Asked], outcomes: Sequence[Outcome]) -> None:
    pairs = list(zip(waiting, outcomes, strict=True))
    for loop in {asked.loop for asked in waiting}:
        loop.call_soon_threadsafe(_resolve, [(a.answer, o) for a, o in pairs if a.loop is loop])


def _resolve(answers: Sequence[tuple["asyncio.Future[Any]", Outcome]]) -> None:
    for answer, outcome in answers:
        if answer.done():  # the client went away; what it asked for is done all the same
            continue
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)
