"""Where a fault is tried: a running system with people in it, and the verdict at the end of each row."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from services.cli.process import wait_until
from tests.faults.real.people import Agencies, Operator, Portal
from tests.faults.real.system import System
from tests.faults.real.verdict import PATIENCE, Books, Row, accepted_by, drained, settled
from tests.wait import until

Say = Callable[[str], None]


class Field:
    """One system and the people in it. A row is one fault, tried some times while reports keep coming."""

    def __init__(self, of: System, say: Say, *, rate: float = 30.0, seed: int = 1) -> None:
        self.of, self.say, self.rate, self.random = of, say, rate, Random(seed)
        self.books, self.agencies, self.operator = Books(of), Agencies(of), Operator(of)
        self.rows: list[Row] = []
        self.recovery = 0.0
        self.is_patient = True
        self.portal: Portal

    @contextmanager
    def people(self) -> Iterator[None]:
        self.agencies.start()
        self.operator.start()
        try:
            yield
        finally:
            self.operator.stop()
            self.agencies.stop()

    def row(self, fault: str, inject: Callable[["Field"], int], *, reports: int = 300, poison: int = 0, patience: float = PATIENCE) -> Row:
        """``inject`` breaks things and mends them, and says how often. Then everything has to come to rest."""
        parked, stopped, self.recovery = self.books.parked(), self.of.counted("stopped"), 0.0
        self.portal = Portal(self.of, self.rate)
        self.portal.start()
        until(lambda: len(self.portal.accepted) >= 10, 60, what="reports come in", every=0.1)
        try:
            faults = inject(self)
            until(lambda: len(self.portal.accepted) >= reports, 300, what=f"{reports} reports accepted", every=0.2)
        except Exception as failure:
            self.rows.append(self._broken_off(fault, f"{type(failure).__name__}: {failure}"))
            raise
        finally:
            self.portal.stop()
        return self._close(fault, faults, parked, stopped, poison, patience)

    def recover(self) -> None:
        """Wait until every report accepted so far is with its agency; how long that took is the recovery."""
        if not self.is_patient:
            return
        began, accepted = time.monotonic(), set(self.portal.accepted.values())
        if not wait_until(lambda: accepted <= self.agencies.assigned.keys(), 120, every=0.05):
            raise AssertionError(f"{len(accepted - self.agencies.assigned.keys())} reports not with their agencies: {self.books.waiting()}")
        self.recovery = max(self.recovery, time.monotonic() - began)

    def after(self, count: int) -> None:
        """Let so many more reports be accepted."""
        wanted = len(self.portal.accepted) + count
        until(lambda: len(self.portal.accepted) >= wanted, 120, what=f"{count} more reports accepted", every=0.02)

    def _broken_off(self, fault: str, why: str) -> Row:
        """A row that came to no end has failed, and takes the place of what an earlier run found: what is late counts as lost."""
        accepted = set(self.portal.accepted.values())
        known = {"offered": self.portal.offered, "accepted": len(accepted), "lost": len(accepted - self.agencies.assigned.keys())}
        return Row(fault=fault, faults=0, **known, duplicated=0, stopped=0, parked=0, poison=0, stuck=why, recovery_seconds=0)

    def _close(self, fault: str, faults: int, parked: int, stopped: int, poison: int, patience: float) -> Row:
        stuck = drained(self.books, patience)
        accepted = accepted_by([self.portal])
        row = Row(
            fault=fault,
            faults=faults,
            offered=self.portal.offered,
            accepted=len(accepted),
            lost=len(settled(self.books, accepted, self.agencies, min(patience, 20))),
            duplicated=self.books.duplicated(accepted, self.agencies) + len(self.portal.twice),
            stopped=self.of.counted("stopped") - stopped,
            parked=self.books.parked() - parked,
            poison=poison,
            stuck=stuck,
            recovery_seconds=round(self.recovery, 1),
        )
        row.parked_for = "" if row.parked == poison else self.books.parked_why()
        self.rows.append(row)
        self.say(str(row))
        return row


Inject = Callable[[Field], int]
