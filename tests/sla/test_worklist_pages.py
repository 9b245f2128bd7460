"""Work lists page after page: nothing twice, nothing left out, whatever moves meanwhile; and no page of somebody else's list."""

from uuid import uuid4

import pytest

from tests.sla.calling import calling
from tests.sla.lists import LATE, NOW, a_case, ids, listed, paged, settle


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


class TestPages:
    @pytest.mark.parametrize("limit", [3, 7])
    @pytest.mark.parametrize(
        ("view", "order"),
        [("all", "due"), ("all", "report"), ("open", "due"), ("open", "report"), ("mine", "due"), ("overdue", "due"), ("to_answer", "due")],
    )
    def test_follow_one_another_without_gap_or_repeat(self, call, view, order, limit):
        call.watch.at = LATE
        whole = listed(call, view=view, order=order)

        assert paged(call, limit, view=view, order=order) == ids(whole)
        assert whole == sorted(whole, key=place(view, order))

    def test_go_on_where_they_were_while_cases_move(self, call):
        reports = [a_case(call) for _ in range(6)]
        wanted = {"view": "mine", "limit": 2}
        first = call.get("agency:hh", "/v1/cases", **wanted).json()
        before = ids(listed(call, "agency:hh", view="mine"))

        ended, gone = before[0], before[-1]
        for report in (ended, gone):
            call.post("operator", f"/v1/cases/{report}/cancel", {"reason": "Không cần nữa"})
        rest = paged_on(call, first["next"], **wanted)

        assert ids(first["cases"]) + rest == [report for report in before if report != gone]
        assert set(reports) <= set(before)

    def test_end_without_an_empty_page(self, call):
        whole = listed(call, view="waiting_for_approval")

        page = call.get("operator", "/v1/cases", view="waiting_for_approval", limit=len(whole)).json()

        assert (len(page["cases"]), page["next"]) == (len(whole), None)


def paged_on(call, after, **wanted):
    seen = []
    while after:
        page = call.get("agency:hh", "/v1/cases", after=after, **wanted).json()
        seen += ids(page["cases"])
        after = page["next"]
    return seen


def place(view, order):
    due = "answer_by" if view == "to_answer" else "due_at"
    return lambda row: (order == "due" and (row[due] is None, row[due] or ""), row["report_id"])


class TestCursor:
    @pytest.fixture
    def cursor(self, call):
        return call.get("operator", "/v1/cases", view="open", limit=2).json()["next"]

    @pytest.mark.parametrize(
        "other",
        [{"view": "all"}, {"view": "open", "order": "report"}, {"view": "open", "agency": "dh"}, {"view": "open", "urgent": "false"}],
    )
    def test_of_another_query_is_refused(self, call, cursor, other):
        answer = call.get("operator", "/v1/cases", after=cursor, **other)

        assert (answer.status_code, answer.json()["code"]) == (409, "bad_cursor")

    def test_of_another_caller_is_refused(self, call, cursor):
        assert call.get("agency:dh", "/v1/cases", after=cursor, view="open").json()["code"] == "bad_cursor"

    def test_that_was_changed_anywhere_is_refused(self, call, cursor):
        for n in range(0, len(cursor), 7):
            broken = cursor[:n] + ("A" if cursor[n] != "A" else "B") + cursor[n + 1 :]
            assert call.get("operator", "/v1/cases", after=broken, view="open").json()["code"] == "bad_cursor"

    @pytest.mark.parametrize("garbage", ["x", "....", "null", str(uuid4()), "đ", "AAAA" * 40, "e30", "W10"])
    def test_that_is_none_is_refused(self, call, garbage):
        assert call.get("operator", "/v1/cases", after=garbage, view="open").json()["code"] == "bad_cursor"

    def test_goes_on_with_another_page_size(self, call, cursor):
        rest = call.get("operator", "/v1/cases", view="open", after=cursor, limit=200).json()["cases"]

        assert ids(rest) == ids(listed(call, view="open"))[2:]
