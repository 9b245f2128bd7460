"""What became of decisions: figures of rules, and rules proposed from what people decided by hand."""

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest

from services.routing import store
from services.routing.domain.lessons import HandRouting, proposals
from services.routing.store import lessons
from shared.messages import CaseAssigned, CaseResolved, CaseReturned, Location, Outcome, ReportReceived
from shared.province import EVERYWHERE
from tests.builders import MONDAY, delivered, envelope, received
from tests.statements import heard

LATER = MONDAY + timedelta(hours=2)


def returned(report: ReportReceived, *, by: str = "dh", to: str = "", hop: int = 1) -> CaseReturned:
    head = {"report_id": report.report_id, "at": LATER, "version": hop + 2, "agency": by}
    return CaseReturned(**head, reason="Không thuộc địa bàn", proposed_agency=to, hop=hop)


def by_hand(report: ReportReceived, agency: str, *, hop: int = 2, category: str = "") -> CaseAssigned:
    head = {"report_id": report.report_id, "at": LATER, "version": hop + 2, "agency": agency, "due_at": LATER}
    return CaseAssigned(**head, hop=hop, rule="by-hand", category=category)


def resolved(report: ReportReceived, agency: str = "dh") -> CaseResolved:
    head = {"report_id": report.report_id, "at": LATER, "version": 9, "agency": agency, "submitted_at": LATER, "due_at": LATER}
    return CaseResolved(**head, outcome=Outcome.FIXED, answer="Đã thay bóng đèn.", on_time=True)


def figures(rooms: Any) -> dict[str, tuple[int, int, int]]:
    with rooms() as session:
        return {one.rule: (one.right, one.bounced, one.moved) for one in lessons.figures(session)}


class TestFigures:
    def test_a_rule_is_right_when_the_agency_it_named_answered(self, receive, understand, rooms):
        understand(resolved(receive()))

        assert figures(rooms) == {"do-thi": (1, 0, 0)}

    def test_what_came_back_is_never_right_whoever_answers(self, receive, understand, rooms):
        report = receive()

        understand(returned(report, to="hl"), resolved(report, "hl"))

        assert figures(rooms) == {"do-thi": (0, 1, 0)}

    def test_what_a_person_moved_was_not_right_either(self, receive, understand, rooms):
        report = receive()

        understand(by_hand(report, "cl"), resolved(report, "cl"))

        assert figures(rooms) == {"do-thi": (0, 0, 1)}

    def test_what_no_rule_placed_or_is_not_over_counts_for_none(self, receive, understand, rooms):
        unplaced = receive(category="KH99")
        receive()

        understand(by_hand(unplaced, "cl", hop=2), resolved(unplaced, "cl"))

        assert figures(rooms) == {}

    def test_end_the_same_in_whatever_order_the_news_comes(self, handling, rooms):
        for number, order in enumerate(permutations(range(3))):
            report = received(report_id=uuid4(), category="GT06", location=Location(area="dh"))
            story = [report, returned(report, by="sxd", to="hl"), resolved(report, "hl")]
            at = MONDAY + timedelta(hours=number)

            handling.deliveries([delivered(story[index]) for index in order], at)
            for again in range(1, 4):
                handling.retry_due(at + timedelta(seconds=10 * again))

            assert figures(rooms) == {"gt06": (0, number + 1, 0)}, order

    def test_are_shown_as_metrics_with_the_share_of_each(self, receive, understand, rooms):
        understand(*(resolved(receive()) for _ in range(3)), returned(receive()))

        with rooms() as session:
            shown = {s.name: s.value for family in store.gauges(session) for s in family.samples if s.labels.get("rule") == "do-thi"}

        assert shown == {
            "hoiam_rule_settled_reports": 4, "hoiam_rule_first_time_right_ratio": 0.75, "hoiam_rule_bounce_ratio": 0.25,
        }  # fmt: skip

    def test_are_shown_over_http_with_their_denominator(self, http, receive, understand):
        understand(resolved(receive()), returned(receive()))

        [shown] = http.get("/v1/rules/figures").json()["rules"]

        assert (shown["rule"], shown["settled"], shown["first_time_right"], shown["bounce_rate"]) == ("do-thi", 2, 0.5, 0.5)

    def test_a_hundred_answers_take_a_handful_of_statements(self, handling, rooms):
        reports = [received() for _ in range(100)]
        handling.together([envelope(report) for report in reports])

        with heard(rooms.kw["bind"]) as statements:
            handling.together([envelope(resolved(report)) for report in reports])

        assert 3 <= len(statements) <= 8, statements


def routing(category: str = "CS01", area: str = "dh", agency: str = "cl") -> HandRouting:
    return HandRouting(report_id=uuid4(), category=category, area=area, agency=agency)


class TestProposals:
    def test_three_times_the_same_is_a_rule_for_the_area(self):
        [found] = proposals([routing()] * 3)

        assert (found.rule.categories, found.rule.areas, found.rule.agency, found.times) == (("CS01",), ("dh",), "cl", 3)

    def test_twice_is_not(self):
        assert proposals([routing()] * 2) == []

    @pytest.mark.parametrize(("others", "proposed"), [(0, 1), (1, 1), (2, 0)])
    def test_people_must_agree(self, others, proposed):
        assert len(proposals([routing()] * 4 + [routing(agency="sxd")] * others)) == proposed

    def test_the_same_in_several_areas_is_a_rule_for_the_whole_category(self):
        [found] = proposals([routing(area="dh"), routing(area="hl"), routing(area="vl")])

        assert found.rule.areas == EVERYWHERE

    def test_different_in_each_area_is_a_rule_for_each(self):
        found = proposals([routing(area="dh")] * 3 + [routing(area="hl", agency="sxd")] * 3)

        assert [(one.rule.areas, one.rule.agency) for one in found] == [(("dh",), "cl"), (("hl",), "sxd")]

    def test_a_category_that_people_corrected_to_is_what_they_are_about(self, http, receive, understand):
        for _ in range(3):
            understand(by_hand(receive(category="KH99"), "sxd", category="XD01"))

        [found] = http.get("/v1/rules/proposals").json()["proposals"]

        assert (found["code"], found["times"], found["in_all"]) == ("hoc-xd01-dh", 3, 3)
        assert found["explanation"] == (
            "Trung tâm đã chuyển “Xây dựng không phép, sai phép” tại Thành phố Đông Hà cho Sở Xây dựng 3 trong 3 lần."
        )
        assert len(found["reports"]) == 3

    def test_are_accepted_into_a_draft_and_then_decide(self, http, receive, understand, rooms):
        for _ in range(3):
            understand(by_hand(receive(), "sxd"))

        draft = http.post("/v1/rules", json={"accept": ["hoc-cs01-dh"], "reason": "học từ thực tế"}).json()
        activation = http.post(f"/v1/rules/{draft['version']}/activation", json={"in_place_of": 1, "reason": "học từ thực tế"})
        report = receive()

        assert (draft["defects"], activation.status_code) == ([], 200)
        with rooms() as session:
            assert store.placement_of(session, report.report_id).agency == "sxd"
        assert http.get("/v1/rules/proposals").json()["proposals"] == []

    def test_that_nobody_made_can_not_be_accepted(self, http):
        answer = http.post("/v1/rules", json={"accept": ["hoc-cs01-dh"], "reason": "thử xem sao"})

        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_proposal")
