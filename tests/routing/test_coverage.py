"""Each class of defect is found on a broken copy of the real rules, and none on the rules themselves."""

import shutil
from datetime import date
from typing import Any

import pytest

from services.cli.rules import check
from services.routing.domain.coverage import Defect, defects, pairs
from shared.province import Province, Rule, read_province
from shared.settings import PROJECT

FOLDER = PROJECT / "deploy/provinces/quang-tri"
TODAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def province() -> Province:
    return read_province(FOLDER)


def with_rules(province: Province, *more: Rule, without: str = "") -> Province:
    kept = tuple(rule for rule in province.rules if rule.code != without)
    return province.model_copy(update={"rules": (*kept, *more)})


def rule(code: str, **fields: Any) -> Rule:
    return Rule(**{"code": code, "priority": 10, "categories": ["CS01"], "agency": "sxd", **fields})


def codes(found: list[Defect]) -> list[tuple[str, str]]:
    return [(defect.code, defect.rule) for defect in found]


class TestDefects:
    @pytest.mark.parametrize("day", [date(2021, 5, 1), date(2024, 5, 1), date(2025, 7, 1), TODAY])
    def test_quang_tri_has_none(self, province, day):
        assert defects(province, day) == []
        assert pairs(province) == 35 * 88

    def test_a_category_that_nobody_answers(self, province):
        [defect] = defects(with_rules(province, without="gt06"), TODAY)

        assert (defect.code, defect.rule) == ("uncovered", "")
        assert "GT06 is answered in 0 of 88 areas" in defect.text

    def test_a_category_that_is_answered_in_some_areas_or_for_some_answers_only(self, province):
        some = rule("gt06-dong-ha", categories=["GT06"], areas=["dh"])
        asking = rule("cs01-dem", hours={"begin": "18:00", "end": "05:00"})

        [uncovered] = defects(with_rules(province, some, without="gt06"), TODAY)
        [*_, gone] = defects(with_rules(province, asking, rule("khac", categories=["CX01", "CX02", "TN01"]), without="do-thi"), TODAY)[:1]

        assert "in 1 of 88 areas" in uncovered.text
        assert gone.text.startswith("CS01 is answered in 0 of 88")

    def test_a_rule_behind_one_that_asks_for_no_more(self, province):
        hidden = rule("an-1", priority=5)
        behind_an_answer = rule("an-2", priority=25, categories=["GT01"], attributes={"LOAI_DUONG": ["tinh_lo"]})
        narrower = rule("khong-an", priority=5, categories=["CS01", "KH99"])

        found = defects(with_rules(province, hidden, behind_an_answer, narrower), TODAY)

        assert codes(found) == [("never_matches", "an-1"), ("never_matches", "an-2")]
        assert "do-thi always comes first" in found[0].text

    def test_two_rules_that_only_their_place_in_the_file_tells_apart(self, province):
        tie = rule("hoa", categories=["GT01"], priority=30, attributes={"LOAI_DUONG": ["quoc_lo", "do_thi"]})
        other_area = rule("khong-hoa", categories=["MT01"], priority=20, areas=["hl"])

        found = defects(with_rules(province, tie, other_area), TODAY)

        assert codes(found) == [("tie", "hoa")]
        assert "gt01-quoc-lo wins" in found[0].text

    def test_a_rule_that_ended_and_the_hole_it_will_leave(self, province):
        ended = rule("het", priority=90, effective_to=date(2026, 11, 24))
        upside_down = rule("nguoc", priority=91, effective_from=date(2027, 5, 1), effective_to=date(2027, 1, 1))
        ends = next(one for one in province.rules if one.code == "gt06").model_copy(update={"effective_to": date(2027, 3, 1)})

        found = defects(with_rules(province, ended, upside_down, ends, without="gt06"), TODAY)

        assert codes(found) == [("uncovered", ""), ("expired", "het"), ("expired", "nguoc")]
        assert "GT06 is answered in 0 of 88 areas from 01/03/2027 on" in found[0].text

    def test_a_pair_that_is_answered_on_conditions_only(self, province):
        by_night = rule("gt06-dem", categories=["GT06"], hours={"begin": "00:00", "end": "23:59"})

        found = defects(with_rules(province, by_night, without="gt06"), TODAY)

        assert codes(found) == [("uncovered", "")]

    @pytest.mark.parametrize(
        ("stronger", "weaker", "dead"),
        [
            ({"keywords": ["a", "b"]}, {"keywords": ["b"]}, True),
            ({"keywords": ["a"]}, {"keywords": ["a", "b"]}, False),
            ({"portals": ["zalo"]}, {"portals": ["zalo"]}, True),
            ({"portals": ["zalo"]}, {}, False),
            ({"hours": {"begin": "22:00", "end": "06:00"}}, {"hours": {"begin": "23:00", "end": "02:00"}}, True),
            ({"hours": {"begin": "22:00", "end": "06:00"}}, {"hours": {"begin": "21:00", "end": "02:00"}}, False),
            ({"reported_urgent": True}, {"reported_urgent": True}, True),
            ({"reported_urgent": True}, {"reported_urgent": False}, False),
            ({"effective_to": date(2027, 1, 1)}, {"effective_to": date(2026, 12, 1)}, True),
            ({"effective_to": date(2027, 1, 1)}, {}, False),
            ({"effective_from": date(2027, 1, 1)}, {"effective_from": date(2027, 6, 1)}, True),
            ({"effective_from": date(2027, 1, 1)}, {"portals": ["zalo"]}, False),
        ],
    )  # fmt: skip
    def test_further_conditions_hide_what_asks_for_more(self, province, stronger, weaker, dead):
        found = defects(with_rules(province, rule("first", priority=40, **stronger), rule("second", priority=30, **weaker)), TODAY)

        assert codes(found) == ([("never_matches", "second")] if dead else [])

    @pytest.mark.parametrize(
        ("one", "other", "tie"),
        [
            ({"keywords": ["a"]}, {"keywords": ["b"]}, True),
            ({"portals": ["zalo"]}, {"portals": ["app"]}, False),
            ({"hours": {"begin": "06:00", "end": "12:00"}}, {"hours": {"begin": "11:00", "end": "13:00"}}, True),
            ({"hours": {"begin": "06:00", "end": "12:00"}}, {"hours": {"begin": "12:00", "end": "13:00"}}, False),
            ({"reported_urgent": True}, {"reported_urgent": False}, False),
            ({"effective_to": date(2027, 1, 1)}, {"effective_from": date(2027, 1, 1)}, False),
            ({"areas": ["dh"], "portals": ["zalo"]}, {"hours": {"begin": "06:00", "end": "12:00"}}, True),
            ({"areas": ["dh"], "portals": ["zalo"]}, {"areas": ["hl"]}, False),
        ],
    )  # fmt: skip
    def test_further_conditions_keep_equals_apart(self, province, one, other, tie):
        rules = (rule("first", priority=40, **one), rule("second", priority=40, agency="cat", **other))

        assert codes(defects(with_rules(province, *rules), TODAY)) == ([("tie", "second")] if tie else [])

    def test_names_nobody_bears_come_alone_and_with_their_place(self, province):
        found = defects(with_rules(province, rule("la", categories=["ZZ01"], supporting=["nobody"]), without="gt06"), TODAY)

        assert [(one.code, one.rule, one.place) for one in found] == [("unknown", "la", len(province.rules) - 1)] * 2

    def test_thousands_of_rules_are_compared_at_once(self, province):
        categories = [code for code, category in province.categories.items() if not category.by_hand]
        crowd = [
            rule(f"r-{number}", priority=40 + number % 7, categories=[categories[number % 35]], portals=[f"p-{number // 35}"])
            for number in range(3500)
        ]

        assert defects(with_rules(province, *crowd), TODAY) == []

    def test_an_agency_that_ended_without_a_successor(self, province):
        ended = {**province.agencies, "cqltt": province.agencies["cqltt"].model_copy(update={"effective_to": date(2026, 1, 1)})}

        found = defects(province.model_copy(update={"agencies": ended}), TODAY)

        assert codes(found) == [("uncovered", ""), ("gone", "tm01")]


class TestCheck:
    def test_names_the_line_and_fails(self, tmp_path):
        shutil.copytree(FOLDER, tmp_path / "p")
        file = tmp_path / "p/rules.yaml"
        file.write_text(file.read_text() + "  - {code: thua, priority: 5, categories: [CS01], agency: sxd}\n")
        lines: list[str] = []

        assert not check(tmp_path / "p", TODAY, lines.append)

        assert lines[0].startswith(f"rules.yaml:{len(file.read_text().splitlines())}: thua: never matches")
        assert lines[-1].endswith("1 defects")

    def test_passes_on_the_rules_as_they_are(self):
        assert check(FOLDER, TODAY, lambda _line: None)

    @pytest.mark.parametrize(
        ("broken", "said"),
        [
            ("{code: thua, priority: 5, categories: [ZZ01], agency: sxd}", "thua: unknown category 'ZZ01'"),
            ("{code: thua, priority: 5, categories: [CS01], areas: [mars], agency: sxd}", "thua: unknown area 'mars'"),
            ("{code: thua, priority: 5, categories: [CS01], agency: nobody}", "thua: unknown agency 'nobody'"),
            ("{code: thua, priority: 5, categories: [CS01], agency: sxd, sla_class: S99}", "thua: unknown SLA class 'S99'"),
            ("{code: thua, priority: 5, categories: [CS01], agency: sxd, colour: red}", "thua: colour: Extra inputs are not permitted"),
            ("{code: thua, priority: 50, categories: [CS01], agency: sxd, effective_to: 2020-01-01}", "thua: never matches any more"),
            ("{code: thua, priority: 10, categories: [CS01], agency: sxd}", "thua: never matches: do-thi always comes first"),
            ("{code: thua, priority: 30, categories: [GT01], attributes: {LOAI_DUONG: [do_thi, tinh_lo]}, agency: sxd}", "thua: ties"),
        ],
    )  # fmt: skip
    def test_names_the_line_of_each_class_of_defect(self, tmp_path, broken, said):
        shutil.copytree(FOLDER, tmp_path / "p")
        file = tmp_path / "p/rules.yaml"
        file.write_text(file.read_text() + f"  # added\n  - {broken}\n")
        lines: list[str] = []

        assert not check(tmp_path / "p", TODAY, lines.append)

        assert lines[0].startswith(f"rules.yaml:{len(file.read_text().splitlines())}: {said}")
