"""The conditions of rules, each alone, and that many rules cost no more than few."""

from datetime import date, datetime, time
from itertools import product
from typing import Any

import pytest
from pydantic import ValidationError

from services.routing.domain.matching import Circumstances, RuleIndex
from services.routing.domain.rules import Decision, Rulebook
from shared.province import Hours, Rule
from tests.builders import MONDAY, VIETNAM, received

NIGHT = datetime(2026, 11, 16, 23, 30, tzinfo=VIETNAM)


def rule(code: str, priority: int = 10, **fields: Any) -> Rule:
    return Rule(**{"code": code, "priority": priority, "categories": ("CS01",), "agency": "cl", **fields})


def chosen(rulebook: Rulebook, special: Rule, at: datetime = MONDAY, **fields: Any) -> bool:
    """Whether ``special`` decides, and not the general rule behind it."""
    of = Rulebook(rulebook.province.model_copy(update={"rules": (rule("general"), special)}))
    decided = of.decide(received(at=at, **fields), at)
    assert isinstance(decided, Decision)
    return decided.rule == special.code


class TestConditions:
    @pytest.mark.parametrize(
        ("text", "matches"),
        [
            ("Trụ đèn NĂNG LƯỢNG mặt trời hỏng", True),
            ("tru den nang luong mat troi hong", True),
            ("đèn pha sân bóng không sáng", True),
            ("Đèn trước nhà hỏng", False),
            ("năng lượng gió", False),
            ("", False),
        ],
    )
    def test_keywords_are_found_as_whole_words_with_or_without_diacritics(self, rulebook, text, matches):
        special = rule("special", 20, keywords=("năng lượng mặt trời", "đèn pha"))

        assert chosen(rulebook, special, description=text) is matches

    @pytest.mark.parametrize(("portal", "matches"), [("zalo", True), ("app", False)])
    def test_portals(self, rulebook, portal, matches):
        assert chosen(rulebook, rule("special", 20, portals=("zalo", "facebook")), portal=portal) is matches

    @pytest.mark.parametrize(
        ("at", "matches"), [(MONDAY, False), (NIGHT, True), (NIGHT.replace(hour=5), True), (NIGHT.replace(hour=6, minute=0), False)]
    )
    def test_hours_reach_over_midnight_in_the_time_of_the_province(self, rulebook, at, matches):
        special = rule("special", 20, hours={"begin": "22:00", "end": "06:00"})

        assert chosen(rulebook, special, at.astimezone()) is matches

    @pytest.mark.parametrize("urgent", [True, False])
    def test_urgency_as_the_reporter_says_it(self, rulebook, urgent):
        assert chosen(rulebook, rule("special", 20, reported_urgent=True), urgent=urgent) is urgent
        assert chosen(rulebook, rule("special", 20, reported_urgent=False), urgent=urgent) is not urgent

    @pytest.mark.parametrize(("day", "matches"), [(15, False), (16, True), (17, True), (18, False)])
    def test_effective_dates_hold_from_the_first_day_to_before_the_last(self, rulebook, day, matches):
        special = rule("special", 20, effective_from=date(2026, 11, 16), effective_to=date(2026, 11, 18))

        assert chosen(rulebook, special, datetime(2026, 11, day, 0, 30, tzinfo=VIETNAM)) is matches

    def test_all_must_hold_together(self, rulebook):
        conditions = {"keywords": ("đèn",), "portals": ("app",), "reported_urgent": False, "attributes": {"LOAI": ("a",)}}
        special = rule("special", 20, **conditions)
        fitting = {"description": "đèn hỏng", "portal": "app", "urgent": False, "attributes": {"LOAI": "b, a"}}
        wrong = {"description": "nước", "portal": "web", "urgent": True, "attributes": {"LOAI": "b"}}

        assert chosen(rulebook, special, **fitting)
        for name in wrong:
            assert not chosen(rulebook, special, **fitting | {name: wrong[name]}), name


class TestReasons:
    @pytest.mark.parametrize(
        ("condition", "vi", "en"),
        [
            ({"keywords": ("đèn pha",)}, "Cần một trong các từ “đèn pha” trong nội dung.", "Needs one of the words “đèn pha” in the text."),
            ({"portals": ("zalo",)}, "phản ánh đến từ “app”", "it came from “app”"),
            ({"hours": {"begin": "22:00", "end": "06:00"}}, "từ 22:00 đến 06:00; phản ánh gửi lúc 08:00", "from 22:00 to 06:00; it came"),
            ({"reported_urgent": True}, "Chỉ áp dụng cho phản ánh khẩn.", "Applies to urgent reports only."),
            ({"effective_to": date(2026, 1, 1)}, "trước ngày 01/01/2026", "before 2026-01-01"),
        ],
    )  # fmt: skip
    def test_are_told_in_both_languages(self, rulebook, condition, vi, en):
        of = Rulebook(rulebook.province.model_copy(update={"rules": (rule("special", **condition),)}))

        [considered] = of.consider(received(), MONDAY)

        assert vi in considered.why.vi
        assert en in considered.why.en

    def test_name_the_rules_that_would_match_but_come_later(self, rulebook):
        of = Rulebook(rulebook.province.model_copy(update={"rules": (rule("late"), rule("first", 30), rule("other", 20, areas=("hl",)))}))

        considered = of.consider(received(), MONDAY)

        assert [(one.rule.code, one.matched, one.shadowed) for one in considered] == [
            ("first", True, False), ("other", False, False), ("late", False, True),
        ]  # fmt: skip


class TestHours:
    @pytest.mark.parametrize(("begin", "end"), [("08:00", "17:00"), ("22:00", "06:00"), ("22:00", "00:00")])
    def test_covering_and_meeting_agree_with_every_quarter_of_an_hour(self, begin, end):
        one = Hours(begin=begin, end=end)
        quarters = [time(hour, minute) for hour in range(24) for minute in (0, 15, 30, 45)]
        for first, last in product(range(0, 24, 3), range(1, 24, 3)):
            other = Hours(begin=time(first), end=time(last))
            inside = [at for at in quarters if other.holds(at)]

            assert one.covers(other) == all(map(one.holds, inside))
            assert one.meets(other) == any(map(one.holds, inside))

    def test_that_end_when_they_begin_are_none(self):
        with pytest.raises(ValidationError, match="leave hours out"):
            Hours(begin="08:00", end="08:00")


class TestManyRules:
    @pytest.mark.parametrize(
        "condition",
        [
            {"areas": ("hl",)},
            {"attributes": {"LOAI": ("x",)}},
            {"keywords": ("ổ gà",)},
            {"portals": ("zalo",)},
            {"categories": ("GT01",)},
        ],
        ids=str,
    )
    def test_only_those_that_may_match_are_looked_at(self, condition):
        crowd = [rule(f"other-{number}", priority=90, **condition) for number in range(5000)]
        of = Circumstances(question=received(attributes={"LOAI": "y"}), day=MONDAY.date(), time=MONDAY.time())

        looked_at = list(RuleIndex([*crowd, rule("mine")]).candidates("dh", of))

        assert [found.code for found in looked_at] == ["mine"]
