"""sla's handlers through the runtime, on a real PostgreSQL."""

from datetime import timedelta
from itertools import permutations
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from services.sla import store
from services.sla.domain.history import GENESIS, seal
from services.sla.domain.lifecycle import State
from services.sla.store import open_cases
from shared.database import Sessions
from shared.errors import Forbidden, NotFound, NotYet
from shared.handling import Handling
from shared.messages import (
    AcceptCase,
    ApproveResult,
    Outcome,
    ReportCommented,
    ReportReceived,
    ReportUnrouted,
    ReportWithdrawn,
    SubmitResult,
)
from tests.builders import MONDAY, asked, delivered, envelope, received, routed, topics

ANSWER = {
    "outcome": Outcome.FIXED,
    "answer": "Đã thay bóng đèn tại vị trí phản ánh.",
    "evidence": ("media:anh-sau-khi-sua",),
}


def case_of(rooms: Sessions, report: ReportReceived):
    with rooms() as session:
        return store.case_of(session, report.report_id)


def journey(report: ReportReceived):
    """Everything that happens to a report on its way to its answer."""
    return [
        report,
        routed(report),
        asked(AcceptCase, report.report_id),
        asked(SubmitResult, report.report_id, **ANSWER),
        asked(ApproveResult, report.report_id, by="operator:lan", at=MONDAY + timedelta(hours=2)),
    ]


class TestJourney:
    def test_from_received_to_resolved_in_one_batch_or_in_many_ends_the_same(self, handling, rooms):
        at_once, one_by_one = received(), received()

        handling.together([envelope(message) for message in journey(at_once)])
        for message in journey(one_by_one):
            handling.together([envelope(message)])

        for report in (at_once, one_by_one):
            case = case_of(rooms, report)
            assert (case.state, case.version, case.on_time) == (State.RESOLVED, 5, True)
        said = topics(rooms)
        assert said[: len(said) // 2] == said[len(said) // 2 :]
        assert said[:3] == ["case.opened", "case.assigned", "assignment"]

    def test_a_hundred_reports_in_one_batch_are_a_hundred_cases(self, handling, rooms):
        reports = [received() for _ in range(100)]

        handling.batch([envelope(message) for report in reports for message in (report, routed(report))])

        with rooms() as session:
            assert session.scalar(text("SELECT count(*) FROM cases WHERE state = 'routed'")) == 100
        assert topics(rooms).count("assignment") == 100


class TestOrder:
    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_facts_of_one_case_in_any_order_and_twice_end_in_the_same_state(self, handling, rooms, order):
        report = received()
        comment = ReportCommented(report_id=report.report_id, at=MONDAY + timedelta(minutes=5), comment_id=uuid4(), text="Còn hỏng")
        facts = [delivered(envelope(message)) for message in (report, routed(report), comment)]

        for index in (*order, *order):
            handling.deliveries([facts[index]], MONDAY)
        for seconds in (5, 10, 15):
            handling.retry_due(MONDAY + timedelta(seconds=seconds))

        case = case_of(rooms, report)
        assert (case.state, case.agency, case.hop) == (State.ROUTED, "dh", 1)
        assert sorted(clock.name for clock in case.clocks if clock.running) == ["answer", "resolve", "take_up"]
        assert topics(rooms).count("assignment") == 1

    def test_an_older_routing_never_overrules_a_newer_one(self, handling, rooms):
        report = received()

        handling.together([envelope(m) for m in (report, routed(report, agency="sxd", hop=2), routed(report, agency="dh", hop=1))])

        assert case_of(rooms, report).agency == "sxd"

    def test_a_withdrawal_after_the_answer_is_too_late_and_no_error(self, handling, rooms):
        report = received()
        handling.together([envelope(message) for message in journey(report)])

        handling.together([envelope(ReportWithdrawn(report_id=report.report_id, at=MONDAY))])

        assert case_of(rooms, report).state == State.RESOLVED

    def test_the_same_report_under_two_names_opens_one_case(self, handling, rooms):
        report = received()

        handling.together([envelope(report), envelope(report)])

        assert topics(rooms) == ["case.opened"]

    def test_an_unrouted_report_waits_for_the_centre_with_the_longer_clock(self, handling, rooms):
        report = received(category="KH99")

        handling.together([envelope(report), envelope(ReportUnrouted(report_id=report.report_id, at=MONDAY, explanation="Chưa rõ"))])

        case = case_of(rooms, report)
        [clock] = [clock for clock in case.clocks if clock.running]
        assert (case.agency, clock.name, clock.due_at) == ("ioc", "route", MONDAY + timedelta(hours=1))


class TestRefusals:
    def test_a_request_about_an_unknown_report_is_refused_and_a_fact_is_held(self, handling, rooms):
        [request] = handling.batch([envelope(asked(AcceptCase, uuid4()))])
        [fact] = handling.batch([envelope(routed(received()))])

        assert isinstance(request, NotFound)
        assert isinstance(fact, NotYet)

    def test_another_agencys_request_is_answered_with_a_refusal_and_changes_nothing(self, handling, rooms):
        report = received()
        handling.together([envelope(report), envelope(routed(report))])

        handling.deliveries([delivered(asked(AcceptCase, report.report_id, by="agency:sxd"))], MONDAY)

        assert topics(rooms)[-1] == "request.refused"
        assert case_of(rooms, report).state == State.ROUTED
        with rooms() as session:
            assert session.execute(text("SELECT code FROM held")).scalar_one() == Forbidden.code.replace("forbidden", "not_your_case")


class TestTick:
    def test_due_clocks_speak_once_however_often_the_ticker_looks(self, handling, rooms):
        reports = [received() for _ in range(5)]
        handling.together([envelope(report) for report in reports])
        half = MONDAY + timedelta(minutes=15)

        assert handling.tick(half - timedelta(seconds=1)) == 0
        assert handling.tick(half) == 5
        assert handling.tick(half) == 0
        assert topics(rooms).count("clock.warned") == 5

    def test_a_case_that_somebody_works_on_is_passed_over_and_called_later(self, handling, rooms):
        reports = [received() for _ in range(5)]
        handling.together([envelope(report) for report in reports])
        half = MONDAY + timedelta(minutes=15)

        with rooms.begin() as busy:
            store.preload([reports[0]], busy)
            assert handling.tick(half) == 4
        assert handling.tick(half) == 1

    def test_silence_of_an_agency_is_acceptance(self, handling, rooms):
        report = received()
        handling.together([envelope(report), envelope(routed(report))])
        take_up = next(clock for clock in case_of(rooms, report).clocks if clock.name == "take_up")

        handling.tick(take_up.due_at)

        assert case_of(rooms, report).state == State.IN_PROGRESS
        assert "case.accepted" in topics(rooms)

    def test_a_tick_with_more_due_than_it_may_do_leaves_the_rest_for_the_next(self, rooms):
        handling = Handling(service="sla", handlers=store_handlers_with_limit(2), sessions=rooms, preload=store.preload)
        handling.together([envelope(received()) for _ in range(5)])
        half = MONDAY + timedelta(minutes=15)

        assert [handling.tick(half) for _ in range(4)] == [2, 2, 1, 0]


def store_handlers_with_limit(limit: int):
    from services.sla.handlers import HANDLERS, keep_time
    from shared.messages import Tick

    return {**HANDLERS, Tick: lambda tick, session: keep_time(tick.model_copy(update={"limit": limit}), session)}


class TestHistory:
    def test_every_move_is_a_row_sealed_to_the_one_before(self, handling, rooms):
        report = received()
        handling.together([envelope(message) for message in journey(report)])

        with rooms() as session:
            moves = store.history_of(session, report.report_id)

        assert [move.trigger for move in moves] == ["receive", "route", "accept", "submit", "approve"]
        previous = GENESIS
        for seq, move in enumerate(moves, start=1):
            fields = {name: getattr(move, name) for name in ("report_id", "actor", "trigger", "source", "target", "data", "at")}
            assert seal(seq=seq, prev_hash=previous, **fields).hash == move.hash
            previous = move.hash

    @pytest.mark.parametrize("statement", ["UPDATE history SET actor = 'nobody'", "DELETE FROM history", "TRUNCATE history"])
    def test_the_services_own_role_cannot_change_history(self, handling, rooms, statement):
        handling.together([envelope(received())])

        with rooms() as session, pytest.raises(ProgrammingError, match="permission denied"):
            session.execute(text(statement))


class TestGauges:
    def test_open_overdue_and_stuck_cases_are_counted(self, handling, rooms):
        report, other = received(), received(category="KH99")
        handling.together([envelope(report), envelope(routed(report)), envelope(other)])

        shown = self.shown(rooms)

        assert shown["hoiam_open_cases"] == {("received", "ioc"): 1, ("routed", "dh"): 1}
        assert shown["hoiam_category_open_cases"] == {("CS01",): 1, ("KH99",): 1}
        assert shown["hoiam_overdue_cases"].keys() == shown["hoiam_oldest_open_case_seconds"].keys() == {("dh",), ("ioc",)}
        assert shown["hoiam_open_cases_without_clock"] == shown["hoiam_open_cases_without_holder"] == {(): 0}

    def test_what_must_never_be_is_seen(self, handling, rooms):
        handling.together([envelope(received()), envelope(received())])
        with rooms.begin() as session:
            session.execute(
                text(
                    "UPDATE clocks SET stopped_at = now(), next_at = NULL WHERE report_id = (SELECT min(report_id::text)::uuid FROM clocks)"
                )
            )
            session.execute(text("UPDATE clocks SET next_at = now() - interval '90 seconds' WHERE stopped_at IS NULL"))
            session.execute(text("UPDATE cases SET agency = '' WHERE report_id = (SELECT max(report_id::text)::uuid FROM cases)"))

        shown = self.shown(rooms)

        assert shown["hoiam_open_cases_without_clock"] == shown["hoiam_open_cases_without_holder"] == {(): 1}
        assert 89 < shown["hoiam_clock_lag_seconds"][()] < 120

    @staticmethod
    def shown(rooms):
        with rooms() as session:
            families = list(open_cases.gauges(session))
        return {family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples} for family in families}


class TestMoment:
    def test_an_agencys_clock_starts_when_it_is_told_and_not_when_routing_decided(self, handling, rooms):
        report, late = received(), MONDAY + timedelta(hours=2)

        handling.deliveries([delivered(report), delivered(routed(report))], late)

        started = {clock.name: clock.started_at for clock in case_of(rooms, report).clocks}
        assert started == {"route": MONDAY, "take_up": late, "resolve": MONDAY}
