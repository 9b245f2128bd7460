"""The promises of the one place that commits, on a real PostgreSQL."""

import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared import mailbox
from shared.bus import EVENTS, Delivery
from shared.handling import EARLY as EARLY_LADDER
from shared.handling import LADDER, Handling
from shared.messages import Message, ReportReceived, Tick
from tests.builders import MONDAY, delivered, envelope, received, topics
from tests.shared.standin import EARLY, HANDLERS, POISON, REFUSED, effects, held, write_down


class TestTogether:
    def test_effect_inbox_and_outbox_are_one_commit(self, handling, rooms):
        report = received()

        assert handling.together([envelope(report)]) == [True]

        assert effects(rooms) == [report.tracking_code]
        assert topics(rooms) == ["report.withdrawn"]

    def test_the_same_message_twice_has_the_effect_of_one(self, handling, rooms):
        sealed = envelope(received())

        first, second = handling.together([sealed]), handling.together([sealed])

        assert (first, second) == ([True], [False])
        assert len(effects(rooms)) == len(topics(rooms)) == 1

    def test_the_same_message_twice_in_one_batch_has_the_effect_of_one(self, handling, rooms):
        sealed = envelope(received())

        assert handling.together([sealed, sealed]) == [True, False]
        assert len(effects(rooms)) == 1

    def test_nothing_is_kept_when_a_handler_raises(self, handling, rooms):
        with pytest.raises(RuntimeError):
            handling.together([envelope(received()), envelope(received(portal=POISON))])

        assert effects(rooms) == []
        assert topics(rooms) == []

    def test_twins_handling_the_same_message_at_once_have_the_effect_of_one(self, handling, rooms):
        sealed = [envelope(received()) for _ in range(20)]
        twins = [threading.Thread(target=handling.batch, args=(sealed,)) for _ in range(4)]

        for twin in twins:
            twin.start()
        for twin in twins:
            twin.join()

        assert len(effects(rooms)) == len(topics(rooms)) == 20

    def test_what_it_says_carries_the_conversation_on(self, handling, rooms):
        sealed = envelope(received())

        handling.together([sealed])

        with rooms() as session:
            row = session.execute(text("SELECT correlation_id, traceparent FROM outbox")).one()
        assert row == (str(sealed.correlation_id), sealed.traceparent)


class TestBatch:
    def test_a_poison_message_never_hurts_its_neighbours(self, handling, rooms):
        reports = [received(), received(portal=POISON), received()]

        outcomes = handling.batch([envelope(report) for report in reports])

        assert [type(outcome) for outcome in outcomes] == [bool, RuntimeError, bool]
        assert effects(rooms) == sorted([reports[0].tracking_code, reports[2].tracking_code])

    def test_the_relay_is_woken_once_there_is_something_to_send(self, rooms):
        woken = threading.Event()
        handling = Handling(service="sla", handlers=HANDLERS, sessions=rooms, committed=woken.set)

        handling.batch([envelope(received())])

        assert woken.is_set()


class TestDeliveries:
    def test_a_failing_message_climbs_the_ladder_and_is_then_parked(self, handling, rooms):
        handling.deliveries([delivered(received(portal=POISON))], MONDAY)
        at = MONDAY

        for step in LADDER:
            assert held(rooms)[0]["due_at"] == at + step
            at += step
            assert handling.retry_due(at) == 0

        assert held(rooms)[0]["due_at"] is None
        assert held(rooms)[0]["code"] == "RuntimeError"
        assert effects(rooms) == []

    def test_a_refused_fact_is_parked_at_once_with_its_reason(self, handling, rooms):
        handling.deliveries([delivered(received(portal=REFUSED))], MONDAY)

        [row] = held(rooms)
        assert (row["due_at"], row["code"], row["reason"]) == (None, "no", "not from here")

    def test_a_message_that_came_too_early_is_tried_again_in_a_moment_and_then_handled(self, rooms):
        early = Handling(service="sla", handlers=HANDLERS, sessions=rooms)
        report = received(portal=EARLY)
        early.deliveries([delivered(report)], MONDAY)
        in_time = Handling(
            service="sla", handlers={ReportReceived: lambda r, s: write_down(r.model_copy(update={"portal": "app"}), s)}, sessions=rooms
        )

        assert in_time.retry_due(MONDAY + timedelta(seconds=4)) == 0
        assert in_time.retry_due(MONDAY + timedelta(seconds=5)) == 1

        assert effects(rooms) == [report.tracking_code]
        assert held(rooms) == []

    def test_a_message_that_stays_too_early_is_parked_when_what_it_waits_for_must_be_too(self, handling, rooms):
        """That one may be on the ladder itself, for more than an hour."""
        handling.deliveries([delivered(received(portal=EARLY))], at := MONDAY)

        for pause in EARLY_LADDER:
            assert held(rooms)[0]["due_at"] == at + pause
            at += pause
            handling.retry_due(at)

        [row] = held(rooms)
        assert (row["due_at"], row["code"]) == (None, "NotYet")
        assert at - MONDAY > sum(LADDER, timedelta(minutes=10))

    def test_a_clock_that_jumps_parks_nothing_that_nobody_tried(self, handling, rooms):
        """An outage, or a machine that slept: what a message waits for may come right after it."""
        handling.deliveries([delivered(received(portal=EARLY))], MONDAY)
        tomorrow = MONDAY + timedelta(hours=26)

        handling.retry_due(tomorrow)

        assert held(rooms)[0]["due_at"] == tomorrow + EARLY_LADDER[1]

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"no JSON", "malformed"),
            (b'{"specversion":"0.3"}', "malformed"),
            (b'{"specversion":"1.0","type":"vn.hoiam.report.flown.v1"}', "unknown_type"),
            (b'{"specversion":"1.0","type":"vn.hoiam.report.withdrawn.v1","data":{}}', "malformed"),
            (b"[" * 50_000, "malformed"),
            (b'"' + b"x" * 70_000 + b'"', "malformed"),
        ],
    )
    def test_a_malformed_message_is_parked_at_first_sight_and_only_once(self, handling, rooms, body, code):
        stray = Delivery(body=body, exchange=EVENTS, routing_key="report.received", message_id="", sender="", attempts=0, tag=1)

        handling.deliveries([stray, delivered(received())], MONDAY)
        handling.deliveries([stray], MONDAY)

        [row] = held(rooms)
        assert (row["code"], row["due_at"]) == (code, None)
        assert len(effects(rooms)) == 1

    def test_suspects_are_handled_alone_and_first(self, handling, rooms):
        order: list[str] = []

        def note(report: ReportReceived, _session: Session) -> Sequence[Message]:
            order.append(report.tracking_code)
            return []

        calm, suspect = received(tracking_code="calm"), received(tracking_code="suspect")
        Handling(service="sla", handlers={ReportReceived: note}, sessions=rooms).deliveries(
            [delivered(calm), delivered(suspect, attempts=2)], MONDAY
        )

        assert order == ["suspect", "calm"]

    def test_a_parked_message_that_a_person_retries_is_handled(self, handling, rooms):
        handling.deliveries([delivered(received(portal=REFUSED))], MONDAY)
        mended = Handling(service="sla", handlers={ReportReceived: lambda _r, _s: []}, sessions=rooms)
        with rooms.begin() as session:
            assert mailbox.retry(session, held(rooms)[0]["message_id"], MONDAY)

        assert mended.retry_due(MONDAY) == 1
        assert held(rooms) == []


class TestTick:
    def test_one_failing_deadline_never_holds_up_the_others(self, rooms):
        due = ["first", "broken", "last"]

        def call(tick: Tick, session: Session) -> Sequence[Message]:
            for name in due[tick.skip : tick.skip + tick.limit]:
                if name == "broken":
                    raise RuntimeError("cannot tell the time")
                session.execute(text("INSERT INTO effects VALUES (:note)"), {"note": name})
                due.remove(name) if tick.limit == 1 else None
            return []

        Handling(service="sla", handlers={Tick: call}, sessions=rooms).tick(MONDAY)

        assert effects(rooms) == ["first", "last"]
        assert due == ["broken"]
