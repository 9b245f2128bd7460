"""What a case decides about time and truth: pauses, extensions, evidence, objections, bounces, emergencies. Without any database."""

from datetime import time, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.sla.domain import alarms, assigning, deciding, hearing, working
from services.sla.domain.calendar import calendar_of
from services.sla.domain.case import Case
from services.sla.domain.clocks import Timekeeper
from services.sla.domain.lifecycle import State
from shared import messages as say
from shared.messages import Message
from shared.province import Emergency, Span, WorkingHours
from tests.builders import MONDAY, asked
from tests.sla.cases import ANSWER, CENTRE, DAY, HOUR, a_case, approved, changed, refusal, submitted, topics


@pytest.fixture
def case(keeper):
    return a_case(keeper)


class TestPause:
    def ask(self, case: Case, keeper: Timekeeper, at: Any) -> list[Message]:
        return working.ask(case, asked(say.AskReporter, case.report_id, at=at, question="Trước số nhà nào?"), keeper)

    def test_the_reporters_answer_ends_it_and_the_deadline_moves_by_the_working_time_waited(self, case, keeper):
        before = case.due_at
        self.ask(case, keeper, MONDAY + HOUR)
        assert [clock.name for clock in case.clocks if clock.running] == ["pause"]

        comment = say.ReportCommented(report_id=case.report_id, at=MONDAY + 3 * HOUR, comment_id=uuid4(), text="Số 12")
        said = hearing.hear(case, comment, keeper)

        assert topics(said) == ["case.resumed", "comment"]
        assert (case.state, case.due_at) == (State.IN_PROGRESS, keeper.calendar.add(before, 2 * HOUR))

    def test_is_no_longer_than_three_working_days_in_all(self, case, keeper):
        self.ask(case, keeper, MONDAY + HOUR)
        [pause] = case.running("pause")
        assert pause.due_at == keeper.calendar.add(MONDAY + HOUR, keeper.calendar.day * 3)

        assert topics(alarms.call_clocks(case, pause.due_at, keeper)) == ["case.resumed"]

        assert refusal(self.ask, case, keeper, pause.due_at + HOUR) == "pause_used_up"

    def test_does_not_help_who_asks_when_it_is_late(self, case, keeper):
        late, before = case.due_at + HOUR, case.due_at
        alarms.call_clocks(case, late, keeper)
        self.ask(case, keeper, late)

        working.resume(case, keeper, actor="reporter", at=late + DAY)

        assert case.due_at == before
        assert {clock.name for clock in case.clocks if clock.running} == {"resolve", "progress"}


class TestExtension:
    def extend(self, case: Case, keeper: Timekeeper, until: Any, at: Any = MONDAY + HOUR) -> list[Message]:
        return deciding.extend(
            case, asked(say.ExtendCase, case.report_id, by=CENTRE, at=at, until=until, reason="Chờ vật tư thay thế"), keeper
        )

    def test_moves_the_deadline_and_the_clock_once(self, case, keeper):
        until = case.due_at + DAY

        said = self.extend(case, keeper, until)

        assert topics(said) == ["case.extended", "assignment"]
        [resolve] = case.running("resolve")
        assert case.due_at == resolve.due_at == until > case.promised_at
        assert refusal(self.extend, case, keeper, until + HOUR) == "extended_before"

    def test_is_not_given_after_the_deadline_nor_for_longer_than_the_first_time(self, case, keeper):
        longest = keeper.calendar.add(case.due_at, keeper.calendar.day * 3)

        assert refusal(self.extend, case, keeper, longest + timedelta(minutes=1)) == "too_long"
        assert refusal(self.extend, case, keeper, case.due_at) == "too_long"
        assert refusal(self.extend, case, keeper, longest, case.due_at + timedelta(seconds=1)) == "expired"
        assert case.extensions == 0

    def test_wanted_by_the_agency_the_centre_is_told_and_the_clock_runs_on(self, case, keeper):
        wish = asked(say.RequestExtension, case.report_id, until=case.due_at + DAY, reason="Chờ vật tư thay thế")

        assert topics(working.want_extension(case, wish, keeper)) == ["case.extension_wanted"]

        assert case.due_at == case.promised_at


class TestEvidence:
    def test_without_a_photo_nothing_counts_as_fixed(self, case, keeper):
        bare = asked(say.SubmitResult, case.report_id, **{**ANSWER, "evidence": ()})

        assert refusal(working.submit, case, bare, keeper) == "evidence_missing"

        assert case.state == State.IN_PROGRESS

    def test_goes_out_with_the_answer_it_proves(self, case, keeper):
        submitted(case, keeper, MONDAY + HOUR)

        assert approved(case, keeper, MONDAY + 2 * HOUR).evidence == ANSWER["evidence"]

    def test_is_asked_only_for_what_the_policy_names(self, case, keeper):
        bare = asked(say.SubmitResult, case.report_id, **{**ANSWER, "evidence": ()})

        assert topics(working.submit(case, bare, changed(keeper, evidence=()))) == ["case.submitted"]

    def test_where_the_policy_approves_the_answer_goes_out_at_once_but_never_after_an_objection(self, case, keeper):
        generous = changed(keeper, automatic_approval=True)

        assert topics(submitted(case, generous, MONDAY + HOUR)) == ["case.submitted", "case.resolved"]
        hearing.object_to(case, say.ReportObjected(report_id=case.report_id, at=MONDAY + DAY, reason="Đèn vẫn tắt"), generous)
        assert topics(submitted(case, generous, MONDAY + DAY + HOUR)) == ["case.submitted"]


class TestObjection:
    @pytest.fixture
    def contested(self, case, keeper):
        submitted(case, keeper, MONDAY + HOUR)
        assert approved(case, keeper, MONDAY + 2 * HOUR).on_time
        hearing.object_to(case, say.ReportObjected(report_id=case.report_id, at=MONDAY + DAY, reason="Đèn vẫn tắt"), keeper)
        return case

    def test_revokes_the_credit_at_once_and_gives_the_time_of_the_class_again(self, contested, keeper):
        assert (contested.state, contested.on_time) == (State.IN_PROGRESS, None)
        assert contested.due_at == keeper.calendar.add(MONDAY + DAY, keeper.calendar.day * 3)
        assert [clock.name for clock in contested.clocks if clock.running] == ["resolve"]

    @pytest.mark.parametrize(("upheld", "on_time"), [(True, False), (False, True)])
    def test_makes_the_case_late_when_it_was_right_and_changes_nothing_when_not(self, contested, keeper, upheld, on_time):
        submitted(contested, keeper, MONDAY + DAY + HOUR)

        assert approved(contested, keeper, MONDAY + DAY + 2 * HOUR, objection_upheld=upheld).on_time is on_time

    def test_comes_too_late_once_the_case_is_closed_and_the_centre_may_still_open_it(self, case, keeper):
        submitted(case, keeper, MONDAY + HOUR)
        approved(case, keeper, MONDAY + 2 * HOUR)
        rated = say.ReportRated(report_id=case.report_id, at=MONDAY + DAY, rating=3)
        assert topics(hearing.rate(case, rated, keeper)) == ["case.closed"]

        objected = say.ReportObjected(report_id=case.report_id, at=MONDAY + 2 * DAY, reason="Đèn vẫn tắt")
        assert hearing.object_to(case, objected, keeper) == []

        request = asked(say.ReopenCase, case.report_id, by=CENTRE, at=MONDAY + 40 * DAY, reason="Kiểm tra thấy chưa sửa")
        assert topics(deciding.reopen(case, request, keeper)) == ["case.reopened", "assignment"]

    def test_a_word_that_is_not_satisfied_leaves_the_time_to_object(self, case, keeper):
        submitted(case, keeper, MONDAY + HOUR)
        approved(case, keeper, MONDAY + 2 * HOUR)

        assert hearing.rate(case, say.ReportRated(report_id=case.report_id, at=MONDAY + DAY, rating=2), keeper) == []

        assert (case.state, [clock.name for clock in case.clocks if clock.running]) == (State.RESOLVED, ["objection"])


class TestBounces:
    def test_after_the_second_the_centres_word_is_final_and_no_clock_of_the_reporters_was_reset(self, case, keeper):
        due_at = case.due_at
        for number, agency in enumerate(("dh", "sxd"), start=1):
            back = asked(say.ReturnCase, case.report_id, by=f"agency:{agency}", at=MONDAY + number * HOUR, reason="Không thuộc thẩm quyền")
            assert topics(assigning.give_back(case, back, keeper)) == ["case.returned"]
            hand = asked(say.RouteReport, case.report_id, by=CENTRE, at=MONDAY + number * HOUR, agency="sxd", reason="Thuộc Sở Xây dựng")
            assigning.route_by_hand(case, hand, keeper)

        third = asked(say.ReturnCase, case.report_id, by="agency:sxd", at=MONDAY + 4 * HOUR, reason="Không thuộc thẩm quyền")
        assert refusal(assigning.give_back, case, third, keeper) == "settled"
        [resolve] = case.running("resolve")
        assert (case.due_at, resolve.started_at) == (due_at, MONDAY)

    @pytest.mark.parametrize(("proposed", "code"), [("dh", "proposes_itself"), ("nobody", "no_such_agency")])
    def test_a_proposal_is_another_agency_that_there_is(self, case, keeper, proposed, code):
        back = asked(say.ReturnCase, case.report_id, reason="Không thuộc thẩm quyền", proposed_agency=proposed)

        assert refusal(assigning.give_back, case, back, keeper) == code


class TestAnotherCategory:
    @pytest.mark.parametrize(("category", "shorter"), [("CX02", False), ("GT03", True)])
    def test_shortens_the_deadline_or_leaves_it(self, case, keeper, category, shorter):
        before = case.due_at
        request = asked(say.RouteReport, case.report_id, by=CENTRE, agency="dh", reason="Phân loại lại", category=category)

        assigning.route_by_hand(case, request, keeper)

        assert (case.category, case.due_at < before, case.due_at > before) == (category, shorter, False)

    def test_is_told_with_whoever_chose_the_agency(self, case, keeper):
        request = asked(say.RouteReport, case.report_id, by=CENTRE, agency="dh", reason="Phân loại lại", category="GT03")

        [assigned, *_] = assigning.route_by_hand(case, request, keeper)

        assert (assigned.rule, assigned.category) == ("by-hand", "GT03")


class TestEmergency:
    ORDER = Emergency(order="12/CĐ", starts_at=MONDAY - DAY, ends_at=MONDAY + DAY, areas=("dh",), percent=200)

    @pytest.mark.parametrize(
        ("fields", "days"),
        [
            ({}, 6),
            ({"at": MONDAY + DAY}, 3),
            ({"location": say.Location(area="hl")}, 3),
            ({"urgent": True}, 3),
        ],
    )
    def test_gives_more_time_in_its_scope_and_to_nothing_urgent(self, keeper, fields, days):
        ordered = changed(keeper, emergencies=(self.ORDER,))

        case = a_case(ordered, **fields)

        assert case.due_at == keeper.calendar.add(case.received_at, keeper.calendar.day * days)
        assert case.emergency == ("12/CĐ" if days == 6 else "")

    def test_never_moves_a_deadline_that_runs(self, case, keeper):
        before = case.due_at
        hand = asked(say.RouteReport, case.report_id, by=CENTRE, agency="sxd", reason="Thuộc Sở Xây dựng")

        assigning.route_by_hand(case, hand, changed(keeper, emergencies=(self.ORDER,)))

        assert (case.due_at, case.emergency) == (before, "")


class TestProgress:
    def test_once_overdue_a_new_date_is_owed_every_three_working_days(self, case, keeper):
        late = case.due_at + HOUR
        alarms.call_clocks(case, late, keeper)
        undated = asked(say.ReportProgress, case.report_id, at=late, text="Đang chờ vật tư")
        assert refusal(working.report_progress, case, undated, keeper) == "date_missing"

        later = late + DAY
        dated = asked(say.ReportProgress, case.report_id, at=later, text="Đang chờ vật tư", expected_on=later.date())
        working.report_progress(case, dated, keeper)

        [progress] = case.running("progress")
        assert progress.due_at == keeper.calendar.add(later, keeper.calendar.day * 3)


class TestHoursOfAnAgency:
    def test_count_for_what_only_the_agency_is_held_to_and_never_for_the_reporters_deadline(self, keeper):
        night = WorkingHours(weekdays=tuple(range(1, 8)), spans=(Span(begin=time(18), end=time(22)),))
        dh = keeper.province.agencies["dh"].model_copy(update={"working_hours": night})
        province = keeper.province.model_copy(update={"agencies": {**keeper.province.agencies, "dh": dh}})
        own = Timekeeper(version=1, province=province, calendar=keeper.calendar, hours={"dh": calendar_of(province, "dh")})

        case, plain = a_case(own), a_case(keeper)

        [take_up] = [clock for clock in case.clocks if clock.name == "take_up"]
        assert take_up.due_at == MONDAY.replace(hour=22) + DAY  # eight hours: two evenings of four
        assert case.due_at == plain.due_at
        assert own.next_half_day(MONDAY, "dh") == MONDAY.replace(hour=18)
