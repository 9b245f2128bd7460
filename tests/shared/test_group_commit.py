"""Concurrent requests share a commit; too many are told to come back."""

import asyncio
import threading
from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy.orm import Session

from shared import group_commit
from shared.database import Sessions, engine, migrate, sessions
from shared.errors import Refused
from shared.group_commit import GroupCommit
from shared.handling import Handling
from shared.messages import Message, ReportReceived, ReportWithdrawn
from shared.problems import Busy
from tests.builders import envelope, received, topics


@pytest.fixture
def rooms(database_url: str) -> Iterator[Sessions]:
    migrate(database_url, "sla")
    of = engine(database_url, "sla")
    yield sessions(of)
    of.dispose()


def echo(report: ReportReceived, _session: Session) -> Sequence[Message]:
    if report.portal == "refused":
        raise Refused("not from here", code="no")
    return [ReportWithdrawn(report_id=report.report_id, at=report.at)]


def group(rooms: Sessions, *, batch: int = 100, limit: int = 100, preload=lambda _messages, _session: None) -> GroupCommit:
    return GroupCommit(Handling(service="sla", handlers={ReportReceived: echo}, sessions=rooms, preload=preload), batch=batch, limit=limit)


class TestGroupCommit:
    def test_requests_that_wait_together_are_committed_together_and_each_is_answered(self, rooms):
        batches: list[int] = []
        together = group(rooms, preload=lambda messages, _session: batches.append(len(messages)))

        async def all_at_once() -> list[bool]:
            asking = [asyncio.create_task(together.handle(envelope(received()))) for _ in range(50)]
            await asyncio.sleep(0)  # every one of them has asked before the thread begins
            together.start()
            return await asyncio.gather(*asking)

        assert asyncio.run(all_at_once()) == [True] * 50
        together.stop()
        assert batches == [50]
        assert len(topics(rooms)) == 50

    def test_a_busy_time_is_known_by_its_last_batch_and_so_many_are_waited_for(self, rooms, monkeypatch):
        monkeypatch.setattr(group_commit, "GATHER_SECONDS", 30.0)
        batches: list[int] = []
        together = group(rooms, preload=lambda messages, _session: batches.append(len(messages)))

        async def one_after_the_other() -> list[asyncio.Task[bool]]:
            asking = []
            for _ in range(5):
                asking.append(asyncio.create_task(together.handle(envelope(received()))))
                await asyncio.sleep(0.02)
            return asking

        async def twice() -> None:
            first = await one_after_the_other()
            together.start()
            await asyncio.gather(*first)
            await asyncio.gather(*await one_after_the_other())

        asyncio.run(twice())
        together.stop()
        assert batches == [5, 5]

    def test_after_a_busy_time_one_alone_is_not_kept_waiting_for_long(self, rooms):
        together = group(rooms)

        async def many_then_one() -> bool:
            many = [asyncio.create_task(together.handle(envelope(received()))) for _ in range(50)]
            await asyncio.sleep(0)
            together.start()
            await asyncio.gather(*many)
            return await asyncio.wait_for(together.handle(envelope(received())), timeout=30)

        assert asyncio.run(many_then_one()) is True
        together.stop()

    def test_one_refusal_is_one_callers_own(self, rooms):
        together = group(rooms)

        async def mixed() -> list[object]:
            together.start()
            asking = (together.handle(envelope(received(portal=portal))) for portal in ("app", "refused", "app"))
            return await asyncio.gather(*asking, return_exceptions=True)

        outcomes = asyncio.run(mixed())
        together.stop()

        assert [type(outcome) for outcome in outcomes] == [bool, Refused, bool]
        assert len(topics(rooms)) == 2

    def test_more_than_may_wait_are_told_to_come_back(self, rooms):
        together = group(rooms, limit=3)

        async def flood() -> list[object]:
            asking = [asyncio.create_task(together.handle(envelope(received()))) for _ in range(5)]
            await asyncio.sleep(0)
            together.start()
            return await asyncio.gather(*asking, return_exceptions=True)

        outcomes = asyncio.run(flood())
        together.stop()

        assert [type(outcome) for outcome in outcomes] == [bool] * 3 + [Busy] * 2
        assert Busy.status == 503

    def test_a_database_that_is_away_is_told_to_every_caller_and_stops_nothing(self, rooms):
        away = threading.Event()
        away.set()

        def lose(_messages: Sequence[Message], session: Session) -> None:
            if away.is_set():
                session.connection().connection.dbapi_connection.close()

        together = group(rooms, preload=lose)

        async def ask() -> object:
            [outcome] = await asyncio.gather(together.handle(envelope(received())), return_exceptions=True)
            return outcome

        together.start()
        lost = asyncio.run(ask())
        away.clear()
        again = asyncio.run(ask())
        together.stop()

        assert isinstance(lost, Exception)
        assert again is True

    def test_stopping_finishes_what_waits(self, rooms):
        together = group(rooms)

        async def ask_and_stop() -> bool:
            asking = asyncio.create_task(together.handle(envelope(received())))
            await asyncio.sleep(0)
            together.start()
            await asyncio.to_thread(together.stop)
            return await asking

        assert asyncio.run(ask_and_stop()) is True
