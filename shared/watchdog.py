"""Each loop of a process stamps the time at every turn; a loop that stops turning ends the process, and the supervisor starts it anew."""

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable

import structlog

from shared import metrics

STUCK_SECONDS = 60.0
EXIT_STUCK = 70

log = structlog.get_logger()


class Watchdog:
    """``stopping`` ends the watch, and every beat after it tells its loop to end."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._turned: dict[str, float] = {}

    def beat(self, loop: str, stopping: threading.Event) -> Callable[[], bool]:
        """What ``loop`` calls at each turn: True to go on, False once ``stopping`` is set."""

        def turn() -> bool:
            self._turned[loop] = time.monotonic()
            return not stopping.is_set()

        turn()
        return turn

    def ended(self, loop: str) -> None:
        """``loop`` came to its end as it should."""
        self._turned.pop(loop, None)

    def ages(self) -> dict[str, float]:
        """Seconds since each loop last turned."""
        now = time.monotonic()
        return {loop: now - turned for loop, turned in list(self._turned.items())}

    def healthy(self) -> bool:
        """Whether every loop still turns."""
        return all(age < STUCK_SECONDS for age in self.ages().values())

    def watch(self, done: threading.Event) -> None:
        """Look every few seconds until ``done``; end the process when a loop is stuck."""
        while not done.wait(5):
            for loop, age in self.ages().items():
                metrics.LOOP_AGE.labels(self.service, loop).set(age)
            if not self.healthy():
                log.error("a loop is stuck: ending the process, its supervisor starts it again", ages=self.ages())
                faulthandler.dump_traceback(sys.stderr)
                os._exit(EXIT_STUCK)
