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
        asking = rule("cs01-hoi", priority=10, categories=["CS01"], attributes={"LOAI": ["a"]})

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

    def test_an_agency_that_ended_without_a_successor(self, province):
        ended = {**province.agencies, "cqltt": province.agencies["cqltt"].model_copy(update={"effective_to": date(2026, 1, 1)})}

        found = defects(province.model_copy(update={"agencies": ended}), TODAY)

        assert codes(found) == [("gone", "tm01")]


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
