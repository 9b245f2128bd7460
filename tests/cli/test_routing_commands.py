"""`hoiam routing` and `hoiam bench routing` as an officer types them."""

import re
import shutil
from typing import Any
from uuid import uuid4

import pytest
import yaml
from typer.testing import CliRunner

from services.cli import commands
from services.cli.bench.routing import measure
from services.cli.system import load_all, migrate_all, room
from services.routing import store
from services.routing.domain.rulesets import Defective, KeepRules
from services.routing.handlers import HANDLERS
from services.routing.store import rulesets
from shared.clock import now
from shared.handling import Handling
from shared.province import Rule, read_province
from shared.settings import PROJECT
from tests.builders import MONDAY, envelope, received

FOLDER = PROJECT / "deploy/provinces/quang-tri"
LIGHT = Rule(code="den-dong-ha", priority=40, categories=("CS01",), areas=("dh",), agency="mtdt-dh")


@pytest.fixture
def rooms(database_url):
    migrate_all(database_url, lambda _: None)
    load_all(database_url, read_province(FOLDER), now(), lambda _: None)
    with room(database_url, "routing") as rooms:
        yield rooms


@pytest.fixture
def hoiam(database_url, monkeypatch):
    """Runs a command; what it printed."""
    monkeypatch.setenv("DATABASE_URL", database_url)

    def run(*arguments: str, fails: bool = False) -> str:
        result = CliRunner().invoke(commands.app, ["routing", *arguments], catch_exceptions=False)
        assert (result.exit_code != 0) is fails, result.output
        return result.output.strip()

    return run


@pytest.fixture
def drafted(rooms):
    """Makes a version of the rules in force and one more."""

    def one(*more: Rule) -> int:
        name = uuid4()
        with rooms.begin() as session:
            rules = (*rulesets.rules_of(session, 1), *more)
            rulesets.keep(session, KeepRules(report_id=name, at=MONDAY, rules=rules, based_on=1, actor="operator:lan", reason="thử đèn"))
            return rulesets.version_named(session, name)

    return one


def receive(rooms: Any, number: int = 1) -> None:
    handling = Handling(service="routing", handlers=HANDLERS, sessions=rooms, preload=store.preload)
    handling.together([envelope(received()) for _ in range(number)])


class TestVersions:
    def test_say_who_made_them_and_which_is_in_force(self, hoiam, drafted):
        drafted(LIGHT)

        draft, loaded, put = hoiam("versions").splitlines()

        assert re.search(r"^\s*2  of 1 .* 52 rules  operator:lan: thử đèn", draft)
        assert re.search(r"^\*\s+1  of 0 .* 51 rules  hoiam load: loaded with the province", loaded)
        assert "in force" in put


class TestActivate:
    def test_puts_in_force_and_rollback_takes_back(self, hoiam, drafted, rooms):
        version = drafted(LIGHT)

        assert hoiam("activate", str(version), "--reason", "đã thử") == "version 2 is in force, in place of 1"
        assert hoiam("rollback", "--reason", "nhầm") == "version 1 is in force, in place of 2"
        with rooms() as session:
            assert rulesets.in_force(session) == 1

    def test_refuses_defects(self, hoiam, drafted):
        version = drafted(LIGHT, LIGHT.model_copy(update={"code": "nua", "agency": "sxd"}))

        with pytest.raises(Defective, match="never matches: den-dong-ha"):
            hoiam("activate", str(version), "--reason", "đã thử")
        assert f"version {version}, rule 52: nua: never matches" in hoiam("check", str(version), fails=True)


class TestReplay:
    def test_lists_differences_and_shows_how_far_it_is(self, hoiam, drafted, rooms):
        receive(rooms, 501)
        version = drafted(LIGHT)

        lines = hoiam("replay", str(version)).splitlines()

        assert lines[:2] == ["500 reports, 500 would be different", "501 reports, 501 would be different"]
        assert lines[2].endswith("CS01  dh by do-thi -> mtdt-dh by den-dong-ha")
        assert lines[-2:] == ["   501 from dh to mtdt-dh", "of 501 with an agency: right at once 501 now, 0 then"]

    def test_of_the_files_tells_what_loading_them_would_change(self, hoiam, rooms, tmp_path):
        receive(rooms)
        shutil.copytree(FOLDER, tmp_path / "p")
        rules = yaml.safe_load((FOLDER / "rules.yaml").read_text())
        rules["rules"].append(LIGHT.model_dump(mode="json", exclude_unset=True))
        (tmp_path / "p/rules.yaml").write_text(yaml.safe_dump(rules))

        assert "1 reports, 0 would be different" in hoiam("replay")
        assert "1 reports, 1 would be different" in hoiam("replay", "--province", str(tmp_path / "p"))


class TestExplain:
    def test_says_who_and_why_in_both_languages(self, hoiam, rooms):
        told = hoiam("explain", "GT01", "--area", "hl", "--attribute", "LOAI_DUONG=quoc_lo", "--text", "đèn đường hỏng")

        assert "-> kqldb2, rule gt01-quoc-lo, class S7" in told
        assert "~   10 gt01" in told
        assert "Matches, but rule gt01-quoc-lo comes first." in told
        assert re.search(r"\? CS01 +\d+%", told)


class TestSuggest:
    def test_prints_how_often_it_is_right(self, hoiam):
        assert re.search(r"280 labelled reports of 35 categories\nright at first +\d+\.\d%", hoiam("suggest", "--check"))

    def test_says_which_words_made_it(self, hoiam):
        assert "CS01" in hoiam("suggest", "đèn đường hỏng").splitlines()[0]


class TestBench:
    def test_a_hundred_times_the_rules_cost_at_most_three_times_as_much(self):
        small, large = measure(read_province(FOLDER), small=(100, 10), large=(10_000, 1_000), rounds=3)

        assert min(large.costs) <= 3 * min(small.costs)
