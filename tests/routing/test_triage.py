"""The work list of what waits for a person: filters, candidates and their reasons."""

import pytest

from tests.builders import said
from tests.routing.test_lessons import returned


def waiting(http, query: str = "") -> list[dict]:
    return http.get(f"/v1/triage{query}").json()["reports"]


class TestFilters:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", {"none", "twice", "urgent"}),
            ("?cause=unrouted", {"none", "urgent"}),
            ("?cause=bounced", {"twice"}),
            ("?category=KH99", {"none", "urgent"}),
            ("?urgent=true", {"urgent"}),
            ("?cause=unrouted&urgent=false", {"none"}),
            ("?category=CS01&cause=unrouted", set()),
        ],
    )
    def test_leave_the_rest_out(self, http, receive, understand, query, found):
        receive(category="KH99", tracking_code="none")
        receive(category="KH99", tracking_code="urgent", urgent=True)
        twice = receive(tracking_code="twice")
        understand(returned(twice, to="hl"), returned(twice, by="hl", hop=2))
        receive(tracking_code="placed")

        assert {entry["tracking_code"] for entry in waiting(http, query)} == found

    @pytest.mark.parametrize("query", ["?cause=lost", "?limit=0", "?after=x", "?colour=red"])
    def test_that_are_none_are_refused(self, http, query):
        assert http.get(f"/v1/triage{query}").status_code == 422


class TestCandidates:
    def test_begin_with_whom_the_returner_proposed_and_leave_out_who_was_tried(self, http, receive, understand):
        report = receive()
        understand(returned(report, to="hl"), returned(report, by="hl", to="mtdt-dh", hop=2))

        [entry] = waiting(http)

        assert entry["cause"] == "bounced"
        assert (entry["candidates"][0]["agency"], entry["candidates"][0]["reason"]) == ("mtdt-dh", "Đơn vị trả lại đề xuất.")
        assert not {"dh", "hl"} & {one["agency"] for one in entry["candidates"]}

    def test_end_with_the_agency_of_the_place(self, http, receive):
        receive(category="KH99", description="")

        [entry] = waiting(http)

        assert [(one["agency"], one["reason_en"]) for one in entry["candidates"]] == [("dh", "Answers for Dong Ha City.")]

    def test_name_each_agency_once(self, http, receive):
        receive(category="KH99", description="Đèn đường hỏng, cây đổ, ngập nước, rác thải tồn đọng")

        agencies = [one["agency"] for one in waiting(http)[0]["candidates"]]

        assert len(agencies) == len(set(agencies)) > 0

    def test_are_ready_to_be_asked_of_sla(self, http, receive, rooms):
        report = receive(category="KH99")

        [entry] = waiting(http)

        assert entry["route"] == f"/v1/cases/{report.report_id}/route"
        assert said(rooms)[0].topic == "report.unrouted"
