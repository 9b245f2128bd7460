"""What a case counts for: each exactly once, and nobody's figures get better by a trick."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.sla.domain import alarms, assigning, deciding, hearing, working
from services.sla.domain.case import Case
from services.sla.domain.clocks import Timekeeper
from services.sla.domain.scoring import OUTCOMES, WHOLE_LATENESS, Score, scores
from shared import messages as say
from tests.builders import MONDAY, asked, received, routed
from tests.sla.cases import CENTRE, DAY, HOUR, a_case, approved, refusal, submitted

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MIDNIGHT = datetime(2026, 11, 30, 23, 59, tzinfo=ZONE)


@pytest.fixture
def case(keeper):
    return a_case(keeper)


def scored(case: Case, keeper: Timekeeper) -> dict[str, Score]:
    return {score.agency: score for score in scores(case.moves, keeper.calendar, ZONE)}


def counted(score: Score) -> set[str]:
    """The outcomes it counts under."""
    return {name for name in OUTCOMES if getattr(score, name)}


def outcome(case: Case, keeper: Timekeeper, agency: str = "dh") -> str:
    found = scored(case, keeper)
    [only] = [name for score in found.values() for name in counted(score)]
    assert counted(found[agency]) == {only}
    return only


def calls(case: Case, keeper: Timekeeper, until: datetime) -> None:
    """Every clock that speaks by then, at its time."""
    while due := sorted(clock.next_at for clock in case.clocks if clock.next_at and clock.next_at <= until):
        alarms.call_clocks(case, due[0], keeper)


def given_back(case: Case, keeper: Timekeeper, at: datetime) -> Any:
    request = asked(say.ReturnCase, case.report_id, at=at, reason="Không thuộc địa bàn", proposed_agency="sgtvt")
    return assigning.give_back(case, request, keeper)


def rerouted(case: Case, keeper: Timekeeper, agency: str, at: datetime, **fields: Any) -> Any:
    request = {"agency": agency, "sla_class": "S3", "reason": "Đúng thẩm quyền", **fields}
    return assigning.route_by_hand(case, asked(say.RouteReport, case.report_id, by=CENTRE, at=at, **request), keeper)


class TestScore:
    def test_of_a_new_case_is_the_centres_until_it_is_routed(self, keeper):
        case, _ = Case.open(received(), keeper)

        [score] = scores(case.moves, keeper.calendar, ZONE)

        assert (score.agency, score.received, score.taken_up, counted(score)) == (case.agency, 1, 0, {"open_in_time"})

    def test_of_what_was_answered_in_time_is_on_time_with_the_working_time_it_took(self, case, keeper):
        submitted(case, keeper, MONDAY + 2 * HOUR)
        approved(case, keeper, MONDAY + 3 * HOUR)

        found = scored(case, keeper)["dh"]

        assert counted(found) == {"on_time"}
        assert (found.received, found.taken_up, found.held_minutes, found.late_thousandths) == (1, 1, 120, 0)
        assert (found.category, found.area, found.month) == ("CS01", "dh", date(2026, 11, 1))

    def test_is_on_time_apart_when_it_was_extended(self, case, keeper):
        until = case.due_at + DAY
        deciding.extend(case, asked(say.ExtendCase, case.report_id, by=CENTRE, until=until, reason="Chờ vật tư"), keeper)
        submitted(case, keeper, until - HOUR)
        approved(case, keeper, until)

        assert outcome(case, keeper) == "on_time_extended"

    def test_is_late_when_the_result_came_after_the_deadline(self, case, keeper):
        calls(case, keeper, case.due_at + HOUR)
        submitted(case, keeper, case.due_at + HOUR)
        approved(case, keeper, case.due_at + 2 * HOUR)

        assert outcome(case, keeper) == "late"

    def test_counts_ratings_by_the_last_word_and_answers_by_their_clocks(self, case, keeper):
        first, second = (say.ReportCommented(report_id=case.report_id, at=MONDAY + HOUR, comment_id=id_, text="Vẫn tối") for id_ in _ids(2))
        hearing.hear(case, first, keeper)
        hearing.hear(case, second, keeper)
        reply = {"comment_id": first.comment_id, "answer": "Đang chờ vật tư"}
        hearing.answer(case, asked(say.AnswerReporter, case.report_id, at=MONDAY + 2 * HOUR, **reply), keeper)

        before = scored(case, keeper)["dh"]
        calls(case, keeper, MONDAY + 2 * DAY)
        after = scored(case, keeper)["dh"]

        assert (before.comments, before.answered_in_a_day, before.answered_late) == (2, 1, 0)
        assert (after.comments, after.answered_in_a_day, after.answered_late) == (2, 1, 1)


def _ids(number: int) -> Sequence[Any]:
    return [received().report_id for _ in range(number)]


class TestTrick:
    """Attempts to look better than the work was."""

    def test_closing_without_evidence_is_refused_and_counts_nothing(self, case, keeper):
        bare = asked(say.SubmitResult, case.report_id, outcome=say.Outcome.FIXED, answer="Đã xử lý xong.", evidence=())

        assert refusal(working.submit, case, bare, keeper) == "evidence_missing"
        assert outcome(case, keeper) == "open_in_time"

    def test_an_extension_after_expiry_is_refused_and_it_stays_overdue(self, case, keeper):
        late = case.due_at + HOUR
        calls(case, keeper, late)
        request = asked(say.ExtendCase, case.report_id, by=CENTRE, at=late, until=late + DAY, reason="Xin thêm thời gian")

        assert refusal(deciding.extend, case, request, keeper) == "expired"
        assert outcome(case, keeper) == "open_overdue"

    def test_a_slower_category_gives_no_time_and_is_counted(self, case, keeper):
        due_at = case.due_at
        rerouted(case, keeper, "dh", MONDAY + HOUR, category="GT01", sla_class="C15")

        assert case.due_at <= due_at
        assert scored(case, keeper)["dh"].recategorised == 1

    def test_refusing_after_the_deadline_is_late_all_the_same(self, keeper):
        report = received()
        case, _ = Case.open(report, keeper)
        assigning.route(case, routed(report), keeper, actor="routing", at=MONDAY)
        at = case.due_at + timedelta(minutes=1)
        refusal_ = {"reason_code": "out_of_scope", "reason": "Không thuộc phạm vi", "redirect": "UBND phường"}
        deciding.refuse(case, asked(say.RefuseReport, case.report_id, by=CENTRE, at=at, **refusal_), keeper)

        found = scored(case, keeper)
        assert counted(found["dh"]) == {"refused"}
        assert found["dh"].refused_late == 1
        assert sum(score.late_thousandths for score in found.values()) == WHOLE_LATENESS

    def test_returning_at_the_last_minute_keeps_the_lateness_with_who_held_it(self, case, keeper):
        given_back(case, keeper, case.due_at - timedelta(minutes=1))
        rerouted(case, keeper, "sgtvt", case.due_at)
        calls(case, keeper, case.due_at + HOUR)
        submitted_by = asked(say.SubmitResult, case.report_id, by="agency:sgtvt", at=case.due_at + HOUR, **_answer())
        working.submit(case, submitted_by, keeper)
        approved(case, keeper, case.due_at + 2 * HOUR)

        found = scored(case, keeper)

        assert counted(found["sgtvt"]) == {"late"}
        assert (found["dh"].returned, found["dh"].received) == (1, 0)
        assert found["dh"].late_thousandths > 900 > 100 > found["sgtvt"].late_thousandths
        assert sum(score.late_thousandths for score in found.values()) == WHOLE_LATENESS

    def test_opening_again_after_months_end_takes_the_credit_from_the_month_of_receipt(self, case, keeper):
        submitted(case, keeper, MONDAY + HOUR)
        approved(case, keeper, MONDAY + 2 * HOUR)
        calls(case, keeper, MONDAY + 8 * DAY)
        assert outcome(case, keeper) == "on_time"

        december = MONDAY + 20 * DAY
        deciding.reopen(case, asked(say.ReopenCase, case.report_id, by=CENTRE, at=december, reason="Đèn lại tắt"), keeper)

        found = scored(case, keeper)["dh"]
        assert (counted(found), found.month, found.reopened) == ({"open_in_time"}, date(2026, 11, 1), 1)

    def test_leaving_it_open_over_months_end_leaves_it_overdue_in_its_month(self, case, keeper):
        calls(case, keeper, MIDNIGHT + 10 * DAY)

        found = scored(case, keeper)["dh"]
        assert (counted(found), found.month, found.late_thousandths) == ({"open_overdue"}, date(2026, 11, 1), WHOLE_LATENESS)

    def test_what_was_received_before_midnight_of_the_last_is_of_that_month_in_local_time(self, keeper):
        case, _ = Case.open(received(at=MIDNIGHT), keeper)
        [score] = scores(case.moves, keeper.calendar, ZONE)
        assert score.month == date(2026, 11, 1)


def _answer() -> dict[str, Any]:
    return {"outcome": say.Outcome.FIXED, "answer": "Đã thay bóng đèn.", "evidence": ("media:sau",)}
