"""What `hoiam load` does to the rules in force."""

from datetime import date, timedelta
from uuid import uuid4

import pytest

from services.cli.process import CannotStart
from services.cli.system import load_all, migrate_all
from services.routing.store import rulesets
from shared import province
from shared.province import Rule
from tests.builders import MONDAY
from tests.routing.drafts import NIGHT, activated, drafted


class TestLoad:
    def test_keeps_what_was_edited_until_the_files_change(self, rooms, http, quang_tri):
        activated(http, drafted(http, NIGHT)["version"])
        other = quang_tri.model_copy(update={"rules": quang_tri.rules[::-1]})

        with rooms.begin() as session:
            same = rulesets.load(session, quang_tri, MONDAY, name=uuid4())
            news = rulesets.load(session, other, MONDAY, name=uuid4())

        assert (same, news) == (2, 3)

    def test_refuses_data_that_break_the_rules_in_force_and_changes_nothing(self, database_url, quang_tri):
        migrate_all(database_url, lambda _: None)
        load_all(database_url, quang_tri, MONDAY, lambda _: None)
        gone = quang_tri.model_copy(update={"rules": tuple(rule for rule in quang_tri.rules if rule.code != "gt06")})
        lines: list[str] = []

        with pytest.raises(CannotStart, match="nothing was loaded"):
            load_all(database_url, gone, MONDAY, lines.append)

        assert lines == ["rules: GT06 is answered in 0 of 88 areas (no area at all): add a rule without conditions, or say by_hand: true"]

    def test_of_the_same_data_again_works_whatever_time_did_to_the_rules(self, database_url, quang_tri):
        migrate_all(database_url, lambda _: None)
        ends = quang_tri.model_copy(update={"rules": (*quang_tri.rules, Rule(**NIGHT, effective_to=date(2026, 12, 1)))})
        without_successor = ends.agencies["cqltt"].model_copy(update={"effective_to": date(2026, 12, 1)})
        ends = ends.model_copy(update={"agencies": {**ends.agencies, "cqltt": without_successor}})

        for at in (MONDAY, MONDAY + timedelta(days=100)):
            load_all(database_url, ends, at, lambda _: None)

    def test_a_rule_that_is_over_stops_nothing(self, http):
        draft = drafted(http, NIGHT | {"effective_to": "2020-01-01"})

        assert [defect["code"] for defect in draft["defects"]] == ["expired"]
        assert activated(http, draft["version"]).status_code == 200

    def test_before_any_version_was_kept_the_rules_of_the_province_hold(self, rooms):
        with rooms.begin() as session:
            assert rulesets.rules_of(session, 0) == province.current(session).rules
            assert len(rulesets.rulebook_of(session, 0).province.rules) == 51
