"""What a case decides, without any database."""

from datetime import timedelta
from uuid import uuid4

import pytest

from services.sla.domain import alarms, assigning, deciding, hearing, working
from services.sla.domain.case import Case
from services.sla.domain.lifecycle import State
from shared.errors import Forbidden, NotFound, Refused
from shared.messages import (
    AcceptCase,
    AnswerReporter,
    ApproveResult,
    Message,
    Outcome,
    Photo,
    RefuseReport,
    ReportCommented,
    ReportProgress,
    ReturnCase,
    RouteReport,
    SendBackResult,
    SubmitResult,
)
from tests.builders import MONDAY, asked, received, routed

ANSWER = {
    "outcome": Outcome.FIXED,
    "answer": "Đã thay bóng đèn tại vị trí phản ánh.",
    "evidence": ("media:anh-sau-khi-sua",),
}
HOUR = timedelta(hours=1)


def topics(said: list[Message]) -> list[str]:
    return [message.topic for message in said]


@pytest.fixture
def case(keeper):
    return Case.open(received(), keeper)[0]


@pytest.fixture
def routed_case(case, keeper):
    assigning.route(case, routed(received(report_id=case.report_id)), keeper, actor="routing", at=MONDAY + timedelta(seconds=1))
    return case


@pytest.fixture
def submitted_case(routed_case, keeper):
    working.accept(routed_case, asked(AcceptCase, routed_case.report_id), keeper)
    working.submit(routed_case, asked(SubmitResult, routed_case.report_id, **ANSWER), keeper)
    return routed_case


class TestOpen:
    def test_the_operations_centre_holds_it_and_the_route_clock_runs(self, keeper):
        case, said = Case.open(received(), keeper)

        assert (case.agency, case.state) == ("ioc", State.RECEIVED)
        assert topics(said) == ["case.opened"]
        assert [(clock.name, clock.due_at) for clock in case.clocks] == [("route", MONDAY + timedelta(minutes=30))]


class TestRoute:
    def test_the_agency_is_told_what_to_do_by_when(self, case, keeper):
        said = assigning.route(case, routed(received(report_id=case.report_id)), keeper, actor="routing", at=MONDAY + timedelta(seconds=1))

        assert topics(said) == ["case.assigned", "assignment"]
        assert said[1].due_at == case.due_at == keeper.calendar.add(MONDAY, keeper.calendar.day * 3)
        assert said[1].take_up_by == keeper.calendar.add(MONDAY + timedelta(seconds=1), 8 * HOUR)

    def test_the_agency_is_told_which_photos_there_are(self, keeper):
        report = received(media=(Photo(media_id=uuid4(), sha256="0" * 64),))
        case, _ = Case.open(report, keeper)

        [_, assignment] = assigning.route(case, routed(report), keeper, actor="routing", at=MONDAY)

        assert assignment.media == report.media

    def test_the_route_clock_stops_and_the_others_start(self, routed_case):
        assert {clock.name for clock in routed_case.clocks if clock.running} == {"take_up", "resolve"}

    def test_a_transfer_moves_custody_and_never_the_reporters_deadline(self, routed_case, keeper):
        due_at = routed_case.due_at
        working.accept(routed_case, asked(AcceptCase, routed_case.report_id), keeper)

        said = assigning.route_by_hand(
            routed_case, asked(RouteReport, routed_case.report_id, by="operator:lan", agency="sxd", reason="Thuộc Sở Xây dựng"), keeper
        )

        assert topics(said) == ["case.assigned", "transfer", "assignment"]
        assert (said[1].agency, said[2].agency) == ("dh", "sxd")
        assert routed_case.due_at == due_at

    def test_an_unknown_agency_is_refused(self, case, keeper):
        with pytest.raises(NotFound):
            assigning.route_by_hand(
                case, asked(RouteReport, case.report_id, by="operator:lan", agency="nobody", reason="không có đơn vị"), keeper
            )


class TestReturn:
    def test_it_goes_back_to_the_centre_with_its_reason(self, routed_case, keeper):
        [returned] = assigning.give_back(
            routed_case, asked(ReturnCase, routed_case.report_id, reason="Tuyến đường do Sở quản lý", proposed_agency="sgtvt"), keeper
        )

        assert (returned.topic, returned.agency, returned.proposed_agency) == ("case.returned", "dh", "sgtvt")
        assert (routed_case.state, routed_case.agency) == (State.RECEIVED, "ioc")
        assert {clock.name for clock in routed_case.clocks if clock.running} == {"route", "resolve"}


class TestRequests:
    def test_only_the_holder_may_ask(self, routed_case, keeper):
        for request in (asked(AcceptCase, routed_case.report_id, by="agency:sxd"), asked(AcceptCase, routed_case.report_id, by="")):
            with pytest.raises(Forbidden) as refusal:
                working.accept(routed_case, request, keeper)
            assert refusal.value.code == "not_your_case"

    def test_who_saw_less_than_the_last_move_is_stale(self, routed_case, keeper):
        with pytest.raises(Refused) as refusal:
            working.accept(routed_case, asked(AcceptCase, routed_case.report_id, version=routed_case.moved - 1), keeper)

        assert refusal.value.code == "stale"

    def test_a_refused_request_changes_nothing(self, routed_case, keeper):
        before = (routed_case.state, routed_case.version, routed_case.last_hash, len(routed_case.clocks))

        with pytest.raises(Refused):
            deciding.approve(routed_case, asked(ApproveResult, routed_case.report_id, by="operator:lan"), keeper)

        assert (routed_case.state, routed_case.version, routed_case.last_hash, len(routed_case.clocks)) == before


class TestSubmit:
    def test_a_result_handed_in_without_accepting_first_also_takes_the_case_up(self, routed_case, keeper):
        said = working.submit(routed_case, asked(SubmitResult, routed_case.report_id, **ANSWER), keeper)

        assert topics(said) == ["case.accepted", "case.submitted"]

    def test_the_resolve_clock_stops_and_the_centre_has_its_own(self, submitted_case):
        assert {clock.name for clock in submitted_case.clocks if clock.running} == {"approve"}


class TestApprove:
    def test_slow_approval_never_makes_an_agency_late(self, submitted_case, keeper):
        late = submitted_case.due_at + timedelta(days=9)

        [resolved] = deciding.approve(submitted_case, asked(ApproveResult, submitted_case.report_id, by="operator:lan", at=late), keeper)

        assert resolved.on_time
        assert resolved.answer == ANSWER["answer"]

    def test_on_the_last_minute_is_on_time_and_a_second_later_is_not(self, routed_case, keeper):
        for late, on_time in ((timedelta(0), True), (timedelta(seconds=1), False)):
            at = routed_case.due_at + late
            working.submit(routed_case, asked(SubmitResult, routed_case.report_id, at=at, **ANSWER), keeper)
            [resolved] = deciding.approve(routed_case, asked(ApproveResult, routed_case.report_id, by="operator:lan", at=at), keeper)

            assert resolved.on_time is on_time
            routed_case.state = State.IN_PROGRESS

    def test_silence_for_seven_days_closes_it(self, submitted_case, keeper):
        deciding.approve(submitted_case, asked(ApproveResult, submitted_case.report_id, by="operator:lan", at=MONDAY + 2 * HOUR), keeper)

        assert alarms.call_clocks(submitted_case, MONDAY + timedelta(days=6), keeper) == []
        assert topics(alarms.call_clocks(submitted_case, MONDAY + timedelta(days=7, hours=2), keeper)) == ["case.closed"]


class TestSendBack:
    def test_the_submission_is_void_and_the_deadline_the_same(self, submitted_case, keeper):
        due_at = submitted_case.due_at

        said = deciding.send_back(
            submitted_case, asked(SendBackResult, submitted_case.report_id, by="operator:lan", reason="Chưa có ảnh sau khi sửa"), keeper
        )

        assert topics(said) == ["case.sent_back", "assignment"]
        assert submitted_case.submitted_at is None
        [resolve] = [clock for clock in submitted_case.clocks if clock.running]
        assert (resolve.name, resolve.due_at, submitted_case.due_at) == ("resolve", due_at, due_at)


class TestEndings:
    def test_a_refusal_says_where_to_go_instead_and_tells_the_agency(self, routed_case, keeper):
        words = {"reason_code": "complaint", "reason": "Đây là đơn khiếu nại", "redirect": "Ban Tiếp công dân tỉnh"}

        said = deciding.refuse(routed_case, asked(RefuseReport, routed_case.report_id, by="operator:lan", **words), keeper)

        assert topics(said) == ["case.refused", "withdrawal"]
        assert not any(clock.running for clock in routed_case.clocks)

    def test_a_withdrawn_report_that_no_agency_has_bothers_no_agency(self, case):
        assert topics(deciding.call_off(case, actor="reporter", at=MONDAY, reason="")) == ["case.cancelled"]


class TestAnswer:
    def test_each_message_of_the_reporter_starts_a_clock_of_its_own_for_a_day(self, routed_case, keeper):
        first, second = (ReportCommented(report_id=routed_case.report_id, at=MONDAY, comment_id=uuid4(), text="Khi nào?") for _ in "12")

        told = [*hearing.hear(routed_case, first, keeper), *hearing.hear(routed_case, second, keeper)]

        assert [(comment.topic, comment.agency, comment.due_at) for comment in told] == [("comment", "dh", MONDAY + timedelta(days=1))] * 2

    def test_only_an_answer_to_that_message_meets_its_clock(self, routed_case, keeper):
        heard = ReportCommented(report_id=routed_case.report_id, at=MONDAY, comment_id=uuid4(), text="Khi nào sửa?")
        hearing.hear(routed_case, heard, keeper)

        with pytest.raises(NotFound):
            hearing.answer(routed_case, asked(AnswerReporter, routed_case.report_id, comment_id=uuid4(), answer="Ngày mai"), keeper)
        [answered] = hearing.answer(
            routed_case, asked(AnswerReporter, routed_case.report_id, comment_id=heard.comment_id, answer="Ngày mai"), keeper
        )

        assert answered.on_time
        with pytest.raises(NotFound):
            hearing.answer(routed_case, asked(AnswerReporter, routed_case.report_id, comment_id=heard.comment_id, answer="Lần nữa"), keeper)

    def test_progress_is_word_for_the_reporter_and_moves_nothing(self, routed_case, keeper):
        [progressed] = working.report_progress(routed_case, asked(ReportProgress, routed_case.report_id, text="Đang chờ vật tư"), keeper)

        assert (progressed.topic, routed_case.state) == ("case.progressed", State.ROUTED)


class TestClocks:
    def test_silence_when_the_take_up_clock_runs_out_is_acceptance(self, routed_case, keeper):
        take_up = next(clock for clock in routed_case.clocks if clock.name == "take_up")

        said = alarms.call_clocks(routed_case, take_up.due_at, keeper)

        assert (said[0].topic, said[0].silent) == ("case.accepted", True)
        assert routed_case.state == State.IN_PROGRESS

    def test_the_holder_is_warned_at_half_and_at_eighty_percent(self, case, keeper):
        [route] = case.clocks
        half, most = (route.started_at + (route.due_at - route.started_at) * share for share in (0.5, 0.8))

        assert alarms.call_clocks(case, half - timedelta(seconds=1), keeper) == []
        assert [message.share for message in alarms.call_clocks(case, half, keeper)] == [0.5]
        assert [message.share for message in alarms.call_clocks(case, most, keeper)] == [0.8]

    def test_after_an_outage_missed_reminders_collapse_but_the_breach_is_said(self, case, keeper):
        said = alarms.call_clocks(case, MONDAY + timedelta(days=30), keeper)

        assert topics(said) == ["clock.breached", "clock.escalated"]
        assert said[-1].step == 3
        assert alarms.call_clocks(case, MONDAY + timedelta(days=60), keeper) == []

    def test_a_breach_is_said_once_and_the_agency_is_reminded_when_its_next_half_day_begins(self, routed_case, keeper):
        working.accept(routed_case, asked(AcceptCase, routed_case.report_id), keeper)
        alarms.call_clocks(routed_case, routed_case.due_at - timedelta(seconds=1), keeper)

        said = alarms.call_clocks(routed_case, routed_case.due_at, keeper)

        assert topics(said) == ["clock.breached", "clock.escalated"]
        [resolve] = routed_case.running("resolve")
        assert resolve.remind_at == keeper.calendar.next_half_day(routed_case.due_at)
        assert [clock.name for clock in routed_case.clocks if clock.running] == ["resolve", "progress"]

    def test_of_an_urgent_case_the_agency_is_reminded_at_once(self, case, keeper):
        urgent = routed(received(report_id=case.report_id), urgent=True, sla_class="U4")
        assigning.route(case, urgent, keeper, actor="routing", at=MONDAY)
        working.accept(case, asked(AcceptCase, case.report_id), keeper)

        said = alarms.call_clocks(case, case.due_at, keeper)

        assert said[-1].topic == "reminder"
        assert said[-1].overdue
