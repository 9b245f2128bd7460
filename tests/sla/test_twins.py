"""Two processes of sla on one database: whatever is due happens once, as if one of them were alone."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from services.sla import store
from services.sla.handlers import HANDLERS, keep_time
from shared import messages as say
from shared import province
from shared.database import Sessions, engine, migrate, sessions
from shared.handling import Handling
from shared.messages import Message, Tick
from tests.builders import MONDAY, envelope, received, routed, said
from tests.conftest import drop_database, fresh_database

DUE = 300
TUESDAY = MONDAY + timedelta(hours=23, minutes=30)  # 7:30, when the half day begins: both kinds of clock have spoken by then
AT_ONCE, ROUNDS = 20, 500


class Twin:
    """One process: an engine of its own, a few clocks a tick. ``singly`` counts the deadlines it had to do one by one after a failure."""

    def __init__(self, url: str) -> None:
        self.of = engine(url, "sla", pool=3)
        self.rooms: Sessions = sessions(self.of)
        self.singly = 0
        handlers = {**HANDLERS, Tick: self._few}
        self.handling = Handling(service="sla", handlers=handlers, sessions=self.rooms, preload=store.preload)

    def _few(self, tick: Tick, session: Session) -> Sequence[Message]:
        self.singly += tick.limit == 1
        return keep_time(tick.model_copy(update={"limit": min(tick.limit, AT_ONCE)}), session)

    def work(self, start: Barrier) -> int:
        """Tick until nothing is due; how many of the ticks had something to say."""
        start.wait()
        busy = 0
        for _ in range(ROUNDS):
            if not self._due():
                return busy
            busy += self.handling.tick(TUESDAY) > 0
        raise AssertionError("something stays due")

    def _due(self) -> int:
        with self.rooms() as session:
            return session.scalar(text("SELECT count(*) FROM clocks WHERE next_at <= :at OR remind_at <= :at"), {"at": TUESDAY}) or 0


def run(url: str, twins: int) -> tuple[list[int], int, Any, Counter[Any]]:
    """How often each was busy, how often one failed, the history that came of it, and what was said."""
    started = [Twin(url) for _ in range(twins)]
    barrier = Barrier(twins)
    with ThreadPoolExecutor(twins) as threads:
        busy = list(threads.map(lambda twin: twin.work(barrier), started))
    rooms = started[0].rooms
    with rooms() as session:
        rows = session.execute(text("SELECT report_id, seq, actor, trigger, target, data FROM history ORDER BY report_id, seq")).all()
    told = Counter(told for message in said(rooms) for told in lines(message))
    for twin in started:
        twin.of.dispose()
    return busy, sum(twin.singly for twin in started), rows, told


def lines(message: Message) -> list[Any]:
    """What one message tells: a reminder tells of several clocks, however many came together in it."""
    if isinstance(message, say.Reminder):
        about = [(message.report_id, message.clock), *((other.report_id, other.clock) for other in message.others)]
        return [("reminder", *one) for one in about]
    return [(message.topic, message.report_id, getattr(message, "clock", ""), getattr(message, "share", 0), getattr(message, "step", 0))]


@pytest.fixture
def worlds(database_url: str, postgres_url: str, quang_tri: Any) -> Iterator[tuple[str, str]]:
    """Two equal databases with 300 cases: half wait to be routed, half to be taken up."""
    migrate(database_url, "sla")
    of = engine(database_url, "sla")
    with sessions(of).begin() as session:
        province.store(session, quang_tri, MONDAY)
    reports = [received() for _ in range(DUE)]
    facts = [*reports, *(routed(report) for report in reports[DUE // 2 :])]
    Handling(service="sla", handlers=HANDLERS, sessions=sessions(of), preload=store.preload).together([envelope(fact) for fact in facts])
    of.dispose()
    copy = fresh_database(postgres_url, database_url.rsplit("/", 1)[1])
    yield database_url, copy
    drop_database(copy)


class TestTwins:
    def test_together_do_what_one_would_have_done_alone_and_each_thing_once(self, worlds):
        _, _, expected, expected_told = run(worlds[0], 1)

        _, failed, rows, told = run(worlds[1], 2)

        assert rows == expected
        assert told == expected_told
        assert max(Counter((row.report_id, row.trigger, str(row.data)) for row in rows).values()) == 1
        assert {about[1] for about in told if about[0].startswith("clock.")} >= {row.report_id for row in rows}
        assert max(told.values()) == 1
        assert failed == 0
