"""Who answers what: the precedence of rules, and what people are told about it."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from services.routing.domain.rules import Decision, Rulebook, Unroutable
from shared.messages import Location
from shared.province import Rule, Share
from tests.builders import MONDAY, VIETNAM, received

BEFORE_MERGERS = datetime(2024, 11, 18, 8, 0, tzinfo=VIETNAM)
DONG_HA = Location(area="dh")


def rule(code: str, priority: int = 10, **fields: Any) -> Rule:
    return Rule(**{"code": code, "priority": priority, "categories": ("CS01",), "agency": "area", **fields})


def book(rulebook: Rulebook, *rules: Rule) -> Rulebook:
    return Rulebook(rulebook.province.model_copy(update={"rules": rules}))


def with_agency(rulebook: Rulebook, code: str, **changes: Any) -> Rulebook:
    of = rulebook.province
    agencies = of.agencies | {code: of.agencies[code].model_copy(update=changes)}
    return Rulebook(of.model_copy(update={"agencies": agencies}))


def decision(rulebook: Rulebook, **fields: Any) -> Decision:
    report = received(**fields)
    decided = rulebook.decide(report, report.at)
    assert isinstance(decided, Decision)
    return decided


class TestDecide:
    def test_area_means_the_agency_of_the_area(self, rulebook):
        decided = decision(rulebook, category="CS01", location=DONG_HA)

        assert (decided.agency, decided.rule, decided.sla_class) == ("dh", "do-thi", "S3")

    def test_an_answer_to_a_question_of_the_category_decides(self, rulebook):
        national = decision(rulebook, category="GT01", attributes={"LOAI_DUONG": "quoc_lo"}, at=BEFORE_MERGERS)
        urban = decision(rulebook, category="GT01", attributes={"LOAI_DUONG": "do_thi"}, at=BEFORE_MERGERS)

        assert (national.agency, national.supporting) == ("kqldb2", ("sgtvt",))
        assert urban.agency == "dh"

    def test_one_of_several_answers_is_enough(self, rulebook):
        assert decision(rulebook, category="GT01", attributes={"LOAI_DUONG": "do_thi, tinh_lo"}).rule == "gt01-tinh-lo"

    def test_a_rule_for_the_area_comes_before_one_for_everywhere(self, rulebook):
        here = decision(rulebook, category="MT01", location=DONG_HA)
        elsewhere = decision(rulebook, category="MT01", location=Location(area="hl"))

        assert (here.agency, here.supporting) == ("mtdt-dh", ("dh",))
        assert elsewhere.agency == "hl"

    def test_the_successor_answers_once_the_duties_moved(self, rulebook):
        before = decision(rulebook, category="GT06", at=BEFORE_MERGERS)
        after = decision(rulebook, category="GT06", at=MONDAY)

        assert (before.agency, after.agency) == ("sgtvt", "sxd")
        assert "thay Sở Giao thông vận tải từ ngày 01/03/2025" in after.explanation

    def test_of_an_agency_that_was_divided_the_part_for_such_reports_answers(self, rulebook):
        ended = {"effective_to": MONDAY.date(), "successor": "sxd", "shares": (Share(agency="cqltt", categories=("CS01",), areas=("dh",)),)}
        divided = with_agency(rulebook, "dh", **ended)

        assert decision(divided, category="CS01", location=DONG_HA).agency == "cqltt"
        assert decision(divided, category="CX02", location=DONG_HA).agency == "sxd"

    def test_nobody_answers_for_an_agency_that_ended_without_a_successor(self, rulebook):
        ended = with_agency(rulebook, "dh", effective_to=MONDAY.date(), successor=None)

        outcome = ended.decide(received(category="CS01", location=DONG_HA), MONDAY)

        assert isinstance(outcome, Unroutable)
        assert "đã kết thúc hoạt động và chưa có đơn vị kế thừa" in outcome.explanation

    def test_the_day_is_the_provinces_not_utcs(self, rulebook):
        first_minute = datetime(2025, 3, 1, 0, 0, tzinfo=VIETNAM)

        assert decision(rulebook, category="GT06", at=first_minute).agency == "sxd"
        assert decision(rulebook, category="GT06", at=first_minute - timedelta(seconds=1)).agency == "sgtvt"

    def test_an_agency_never_supports_itself(self, rulebook):
        rules = book(rulebook, rule("a", agency="dh", supporting=("area", "dh", "cat", "cat")))

        assert decision(rules).supporting == ("cat",)

    @pytest.mark.parametrize("order", list(permutations([("low", 1), ("high", 9), ("middle", 5)])))
    def test_the_highest_priority_wins_wherever_it_stands(self, rulebook, order):
        assert decision(book(rulebook, *(rule(code, priority) for code, priority in order))).rule == "high"

    def test_of_equals_the_first_in_the_file_wins(self, rulebook):
        assert decision(book(rulebook, rule("zebra"), rule("ant"))).rule == "zebra"
        assert decision(book(rulebook, rule("everywhere"), rule("here", areas=("dh",)))).rule == "everywhere"
        assert decision(book(rulebook, rule("here", areas=("dh",)), rule("everywhere"))).rule == "here"

    def test_urgency_counts_where_the_category_allows_it(self, rulebook):
        allowed = decision(rulebook, category="GT01", urgent=True)
        not_allowed = decision(rulebook, category="CS01", urgent=True)

        assert (allowed.urgent, allowed.sla_class) == (True, "U4")
        assert (not_allowed.urgent, not_allowed.sla_class) == (False, "S3")

    def test_a_rule_may_make_it_urgent_or_name_the_class(self, rulebook):
        always = decision(book(rulebook, rule("a", urgent=True)), urgent=False)
        named = decision(book(rulebook, rule("a", sla_class="C10")))
        never = decision(book(rulebook, rule("a", categories=("GT01",), urgent=False)), category="GT01", urgent=True)

        assert (always.urgent, always.sla_class) == (True, "U4")
        assert named.sla_class == "C10"
        assert (never.urgent, never.sla_class) == (False, "S7")


class TestExplanation:
    def test_names_category_area_agency_and_rule(self, rulebook):
        text = decision(rulebook, category="MT01", location=DONG_HA).explanation

        assert text == (
            "Lĩnh vực “Rác thải tồn đọng” (MT01) tại Thành phố Đông Hà do Công ty Cổ phần Môi trường và Công trình đô thị Đông Hà "
            "chủ trì xử lý theo quy tắc do-thi-dong-ha. Phối hợp: UBND thành phố Đông Hà. "
            "Địa bàn Thành phố Đông Hà được ghi trong phản ánh."
        )

    def test_says_that_a_point_is_approximate(self, rulebook):
        text = decision(rulebook, location=Location(latitude=16.81, longitude=107.10)).explanation

        assert "gần đúng theo tọa độ" in text
        assert "Phường Nam Đông Hà, cách khoảng" in text


class TestUnroutable:
    def outcome(self, rulebook: Rulebook, **fields: Any) -> str:
        outcome = rulebook.decide(received(**fields), MONDAY)
        assert isinstance(outcome, Unroutable)
        return outcome.explanation

    def test_when_the_area_decides_and_can_not_be_told(self, rulebook):
        text = self.outcome(rulebook, location=Location(address="trước số 12"))

        assert "do cơ quan của địa bàn xử lý (quy tắc do-thi), nhưng chưa xác định được địa bàn" in text

    def test_when_no_rule_is_about_the_category(self, rulebook):
        assert "Không có quy tắc nào phù hợp cho lĩnh vực “Khác" in self.outcome(rulebook, category="KH99")

    def test_when_the_category_is_not_ours(self, rulebook):
        assert self.outcome(rulebook, category="XX99") == "Mã lĩnh vực “XX99” không có trong danh mục."


class TestProposed:
    def propose(self, rulebook: Rulebook, agency: str, **fields: Any) -> Decision | Unroutable:
        return rulebook.proposed(agency, received(**fields), MONDAY, returner="dh", reason="Đường này của tỉnh")

    def test_goes_to_the_proposed_agency_in_the_same_class(self, rulebook):
        decided = self.propose(rulebook, "kqldb2", category="GT01", urgent=True)

        assert (decided.agency, decided.rule, decided.sla_class, decided.urgent) == ("kqldb2", "proposed", "U4", True)
        assert decided.explanation == ("UBND thành phố Đông Hà trả lại, đề xuất chuyển Khu Quản lý đường bộ II. Lý do: Đường này của tỉnh.")

    def test_goes_to_its_successor(self, rulebook):
        assert self.propose(rulebook, "sgtvt").agency == "sxd"

    def test_keeps_the_categorys_class_when_no_rule_fitted(self, rulebook):
        assert self.propose(rulebook, "cat", category="KH99").sla_class == "S7"

    @pytest.mark.parametrize("agency", ["", "nobody", "dh", "ioc"])
    def test_nobody_new_means_a_person_decides(self, rulebook, agency):
        assert isinstance(self.propose(rulebook, agency), Unroutable)


class TestConsider:
    def test_tells_of_every_rule_why(self, rulebook):
        report = received(category="GT01", attributes={"LOAI_DUONG": "tinh_lo"})

        considered = rulebook.consider(report, MONDAY)

        assert [(entry.rule.code, entry.matched, entry.why.vi) for entry in considered] == [
            ("gt01-quoc-lo", False, "Cần LOAI_DUONG là quoc_lo; phản ánh ghi “tinh_lo”."),
            ("gt01-tinh-lo", True, "Phù hợp và được chọn."),
            ("gt01", False, "Phù hợp, nhưng quy tắc gt01-tinh-lo được xét trước."),
        ]

    def test_tells_of_rules_for_other_areas(self, rulebook):
        elsewhere = rulebook.consider(received(category="MT01", location=Location(area="hl")), MONDAY)
        nowhere = rulebook.consider(received(category="MT01", location=Location()), MONDAY)

        assert elsewhere[0].why.vi == "Không áp dụng cho Huyện Hải Lăng."
        assert nowhere[0].why.vi == "Chỉ áp dụng cho một số địa bàn; phản ánh chưa rõ địa bàn."

    def test_agrees_with_decide_for_every_category_and_area(self, rulebook):
        for category in rulebook.province.categories:
            for area in ("dh", "19333", "19255", ""):
                report = received(category=category, location=Location(area=area))
                decided = rulebook.decide(report, MONDAY)
                matched = [entry.rule.code for entry in rulebook.consider(report, MONDAY) if entry.matched]

                if isinstance(decided, Decision):
                    assert matched == [decided.rule]
                else:
                    assert matched == [] or area == ""
