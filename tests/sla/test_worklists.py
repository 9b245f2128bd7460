"""Work lists over HTTP: each case in the views it belongs to, page after page, and never another agency's."""

from datetime import datetime
from uuid import UUID, uuid4

import pytest

from services.sla import store
from services.sla.domain.lifecycle import OPEN
from shared import messages as say
from tests.builders import MONDAY
from tests.sla.calling import ROLES, calling
from tests.sla.cases import DAY, HOUR
from tests.sla.lists import LATE, NOW, SOON, VIEWS, a_case, ids, listed, settle

WORKED_ON = {"received", "routed", "in_progress"}


@pytest.fixture(scope="module")
def town(module_rooms):
    with calling(module_rooms) as caller:
        settle(caller)
        yield caller


@pytest.fixture
def call(town):
    """The town as it was; tests that change something open cases of their own, in the hands of Hướng Hóa."""
    town.watch.at = NOW
    return town


def belongs(row, view, at):
    """Which rows belong where, in the words of the documentation."""
    due = row["due_at"] and datetime.fromisoformat(row["due_at"])
    return {
        "all": True,
        "open": row["state"] in OPEN,
        "mine": row["state"] in {"received", "submitted"} or (row["state"] in {"routed", "in_progress"} and row["agency"] == "ioc"),
        "due_soon": row["state"] in WORKED_ON and due and at <= due < at + 24 * HOUR,
        "overdue": row["state"] in WORKED_ON and row["overdue"],
        "waiting_for_approval": row["state"] == "submitted",
        "waiting_for_reporter": row["state"] == "waiting",
        "to_answer": row["unanswered"] > 0,
    }[view]


class TestView:
    @pytest.mark.parametrize("at", [NOW, SOON, LATE], ids=["in time", "due soon", "late"])
    @pytest.mark.parametrize("view", VIEWS)
    def test_holds_every_case_that_belongs_there_and_no_other(self, call, view, at):
        call.watch.at = at
        everything = listed(call)

        found = listed(call, view=view, hours=24)

        assert sorted(ids(found)) == sorted(row["report_id"] for row in everything if belongs(row, view, at))
        assert found or (view, at) in {("due_soon", NOW), ("due_soon", LATE), ("overdue", NOW), ("overdue", SOON)}

    @pytest.mark.parametrize("view", VIEWS)
    def test_of_an_agency_holds_its_own_cases_only(self, call, view):
        found = listed(call, "agency:dh", view=view)

        assert {row["agency"] for row in found} <= {"dh"}
        assert {row["agency"] for row in listed(call, "agency:vl", view=view, agency="dh")} <= {"vl"}

    def test_mine_is_what_the_agency_has_to_take_up_and_to_do(self, call):
        found = listed(call, "agency:dh", view="mine")

        assert {row["state"] for row in found} == {"routed", "in_progress"}
        assert ids(found) == ids(listed(call, agency="dh", view="mine"))

    def test_due_soon_is_within_a_working_day_over_the_weekend(self, call):
        report = a_case(call)
        call.watch.at = call_due(call, report) - 12 * HOUR
        assert report in ids(listed(call, "agency:hh", view="due_soon"))

        call.watch.at -= 2 * DAY
        assert report not in ids(listed(call, "agency:hh", view="due_soon"))

    def test_supporting_holds_what_others_hold_and_the_agency_helps_with(self, call):
        report = a_case(call, supporting=("sxd",))

        assert ids(listed(call, "agency:sxd", view="supporting")) == [report]
        assert report not in ids(listed(call, "agency:sxd"))
        assert call.get("agency:sxd", f"/v1/cases/{report}").json()["possible"] == []
        assert call.get("operator", "/v1/cases", view="supporting").json()["code"] == "agency_missing"

    def test_a_question_asked_when_it_was_late_leaves_the_case_overdue(self, call):
        report = a_case(call)
        call.watch.at = LATE
        call.post("agency:hh", f"/v1/cases/{report}/accept")
        call.post("agency:hh", f"/v1/cases/{report}/ask", {"question": "Ở đâu ạ?"})

        assert report in ids(listed(call, "agency:hh", view="overdue"))
        assert report in ids(listed(call, "agency:hh", view="waiting_for_reporter"))

    def test_to_answer_comes_by_the_deadline_of_the_answer_and_goes_once_all_are_answered(self, call):
        first, second = a_case(call), a_case(call)
        comments = [say.ReportCommented(report_id=report, at=at, comment_id=uuid4(), text="Vẫn hỏng") for report, at in
                    ((second, NOW), (first, NOW + HOUR), (first, NOW + 2 * HOUR))]  # fmt: skip
        call.tell(*comments)

        found = listed(call, "agency:hh", view="to_answer")
        assert [(row["report_id"], row["unanswered"]) for row in found] == [(second, 1), (first, 2)]
        assert found[0]["answer_by"] < found[1]["answer_by"]

        for comment in comments:
            answer = {"comment_id": str(comment.comment_id), "answer": "Đang xử lý"}
            call.post("agency:hh", f"/v1/cases/{comment.report_id}/answer", answer)
        assert listed(call, "agency:hh", view="to_answer") == []
        assert call.get("operator", f"/v1/cases/{first}").json()["answer_by"] is None


def call_due(call, report):
    with call.handling.sessions() as session:
        return store.asked_case(session, UUID(report)).due_at


class TestFilter:
    @pytest.mark.parametrize(
        ("wanted", "holds"),
        [
            ({"state": "waiting"}, lambda row: row["state"] == "waiting"),
            ({"agency": "dh"}, lambda row: row["agency"] == "dh"),
            ({"category": "CS01"}, lambda row: row["category"] == "CS01"),
            ({"category": "GT01"}, lambda row: row["category"] == "GT01"),
            ({"area": "dh"}, lambda row: row["area"] == "dh"),
            ({"area": "vl"}, lambda row: row["area"] == "vl"),
            ({"sla_class": "S3"}, lambda row: row["sla_class"] == "S3"),
            ({"urgent": "true"}, lambda row: row["urgent"]),
            ({"urgent": "false"}, lambda row: not row["urgent"]),
            ({"emergency": "true"}, lambda row: row["emergency"]),
            ({"received_from": MONDAY.isoformat()}, lambda row: True),
            ({"received_until": MONDAY.isoformat()}, lambda row: False),
            ({"due_from": MONDAY.isoformat()}, lambda row: row["due_at"]),
            ({"due_until": MONDAY.isoformat()}, lambda row: False),
        ],
        ids=lambda of: "&".join(of) if isinstance(of, dict) else "",
    )
    @pytest.mark.parametrize("view", ["all", "open"])
    def test_leaves_what_has_it(self, call, view, wanted, holds):
        everything = listed(call, view=view)

        assert ids(listed(call, view=view, **wanted)) == [row["report_id"] for row in everything if holds(row)]

    def test_on_a_state_that_is_not_in_the_view_leaves_nothing(self, call):
        assert listed(call, view="waiting_for_approval", state="closed") == []

    @pytest.mark.parametrize(
        "wrong",
        [{"view": "yours"}, {"state": "asleep"}, {"order": "luck"}, {"limit": 0}, {"limit": 201}, {"due_from": "soon"},
         {"due_from": "2026-11-16T08:00:00"}, {"hours": 0}, {"hours": 721}, {"urgent": "perhaps"}, {"colour": "red"}, {"agency": "x" * 61},
         {"agency": "\x00"}, {"area": "đh"}],
    )  # fmt: skip
    def test_that_makes_no_sense_is_named(self, call, wrong):
        answer = call.get("operator", "/v1/cases", **wrong)

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert [error["field"] for error in answer.json()["errors"]] == list(wrong)

    @pytest.mark.parametrize("view", ["due_soon", "overdue", "to_answer"])
    def test_by_a_deadline_has_no_other_order(self, call, view):
        assert call.get("operator", "/v1/cases", view=view, order="report").json()["code"] == "invalid"


class TestRow:
    def test_says_what_is_to_be_done_next_and_by_when(self, call):
        report = a_case(call)

        [row] = [row for row in listed(call, "agency:hh", view="mine") if row["report_id"] == report]
        assert (row["next_clock"]["name"], row["overdue"], row["unanswered"], row["followers"]) == ("take_up", False, 0, 0)

        call.post("agency:hh", f"/v1/cases/{report}/accept")
        [row] = [row for row in listed(call, "agency:hh", view="mine") if row["report_id"] == report]
        assert row["next_clock"] == {"name": "resolve", "due_at": row["due_at"]}

        call.watch.at = LATE
        [row] = [row for row in listed(call, "agency:hh", view="mine") if row["report_id"] == report]
        assert (row["next_clock"], row["overdue"]) == (None, True)

    def test_of_a_result_handed_in_in_time_is_not_overdue_while_it_waits_for_approval(self, call):
        call.watch.at = LATE

        assert not any(row["overdue"] for row in listed(call, view="waiting_for_approval"))

    def test_counts_who_follows(self, call):
        assert {row["followers"] for row in listed(call)} == {0, 1}


class TestSummary:
    @pytest.mark.parametrize("at", [NOW, SOON, LATE], ids=["in time", "due soon", "late"])
    @pytest.mark.parametrize("agency", ["", "dh", "ioc", "vl"])
    def test_counts_what_the_lists_show(self, call, agency, at):
        call.watch.at = at
        counted = call.get("operator", "/v1/cases/summary", agency=agency).json()["views"]

        assert counted == {view: len(listed(call, view=view, agency=agency)) for view in counted}
        assert set(counted) == {*VIEWS} - {"all"} | ({"supporting"} if agency else set())

    def test_of_an_agency_is_its_own(self, call):
        own = call.get("agency:vl", "/v1/cases/summary", agency="dh").json()

        assert (own["agency"], own["views"]["open"]) == ("vl", 1)


class TestAccess:
    @pytest.mark.parametrize("path", ["/v1/cases", "/v1/cases/summary"])
    @pytest.mark.parametrize("role", ROLES)
    def test_is_for_who_works_with_cases(self, call, role, path):
        assert call.get(role, path).status_code == 200

    @pytest.mark.parametrize("path", ["/v1/cases", "/v1/cases/summary"])
    def test_is_not_for_strangers(self, call, path):
        assert call.get("", path).json()["code"] == "credentials_missing"
