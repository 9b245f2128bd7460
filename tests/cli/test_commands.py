"""The command line on its own database: keys, tokens, portals, loading, and parked messages."""

import json
import re
import shutil
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.exc import ProgrammingError
from typer.testing import CliRunner

from services.cli import commands, keys
from services.cli.process import CannotStart
from services.cli.system import HANDLERS, listens, room, whole_topology
from shared import mailbox
from shared.access import TokenVerifier
from shared.clock import now
from shared.mailbox import Held
from shared.province import read_province
from shared.settings import PROJECT
from tests.builders import MONDAY

QUANG_TRI = PROJECT / "deploy/provinces/quang-tri"


@pytest.fixture
def hoiam(database_url, monkeypatch, tmp_path):
    """Runs a command against a fresh database; its output, or the error that a person reads."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("HOIAM_FOLDER", str(tmp_path / "hoiam"))

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(commands.app, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output.strip()

    return run


def held(message_id: str, **fields: object) -> Held:
    usual = {
        "message_id": message_id, "exchange": "hoiam.events", "routing_key": "report.received", "sender": "", "body": b'{"a":"\xc4\x91"}',
        "received_at": MONDAY, "attempts": 5, "due_at": None, "code": "RuntimeError", "reason": "cannot swallow this",
    }  # fmt: skip
    return Held(**usual | fields)


class TestPrepare:
    def test_up_prepares_all_in_one_go_and_may_do_so_again(self, hoiam):
        hoiam("prepare")

        assert "124 of them for agencies" in hoiam("prepare")

    def test_what_runs_for_months_brings_no_service_and_no_sqlalchemy_with_it(self):
        look = "import sys, services.cli.starting; print(*(name for name in sys.modules if name.startswith(('services.', 'sqlalchemy'))))"
        loaded = subprocess.run([sys.executable, "-c", look], cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split()

        assert "services.cli.up" in loaded
        assert [name for name in loaded if not name.startswith("services.cli")] == []

    def test_migrating_loading_and_queues_can_be_repeated(self, hoiam):
        for _ in range(2):
            hoiam("migrate")
            loaded = hoiam("load")
            queues = hoiam("topology", "apply")

        assert loaded.count("version 1") == len(HANDLERS)
        assert "124 of them for agencies" in queues

    def test_a_dry_run_says_what_loading_would_change_and_changes_nothing(self, hoiam, tmp_path):
        hoiam("migrate")
        first = hoiam("load", "--dry-run")
        hoiam("load")
        same = hoiam("load", "--dry-run")
        changed = tmp_path / "changed"
        shutil.copytree(QUANG_TRI, changed)
        agencies = changed / "agencies.yaml"
        agencies.write_text(agencies.read_text(encoding="utf-8").replace("email: ", "email: x", 1), encoding="utf-8")

        other = hoiam("load", "--dry-run", "--province", str(changed))

        assert "everything would be new" in first
        assert "The same is in force already." in same
        assert re.search(r"^agencies: 1 changed \(\S+\)$", other, re.MULTILINE)
        assert all("Nothing was changed" in said for said in (first, same, other))
        assert hoiam("load").count("version 1") == len(HANDLERS)

    def test_a_portal_added_twice_has_two_keys(self, hoiam):
        hoiam("migrate")

        first, second = hoiam("portal", "add", "app", "Ứng dụng"), hoiam("portal", "add", "app", "Ứng dụng")

        assert first != second
        assert first.startswith("ha_app_")

    def test_a_province_with_mistakes_changes_nothing_and_names_them(self, hoiam, tmp_path):
        hoiam("migrate")
        broken = tmp_path / "broken"
        broken.mkdir()
        for path in QUANG_TRI.glob("*.yaml"):
            (broken / path.name).write_text(path.read_text(encoding="utf-8").replace("agency: nuoc", "agency: nobody"), encoding="utf-8")

        with pytest.raises(commands.ProvinceError, match=r"rules\.yaml"):
            hoiam("load", "--province", str(broken))


class TestKeys:
    def test_are_made_once_and_readable_by_their_owner_only(self, tmp_path):
        first = {path: Path(path).read_text(encoding="utf-8") for path in keys.make_keys(tmp_path / "keys").values()}
        again = {path: Path(path).read_text(encoding="utf-8") for path in keys.make_keys(tmp_path / "keys").values()}

        assert first == again
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (tmp_path / "keys").iterdir())

    def test_a_token_is_good_for_its_role_and_its_time(self, tmp_path):
        keys.make_keys(tmp_path)
        signed = keys.token(tmp_path / keys.PRIVATE, role="agency:dh", name="máy chủ", at=MONDAY, hours=1)
        public = (tmp_path / keys.PUBLIC).read_text(encoding="utf-8")

        assert TokenVerifier(public_key=public, issuer="hoiam", audience="hoiam").principal(signed, MONDAY).actor == "agency:dh"

    def test_without_a_signing_key_it_says_how_to_get_one(self, tmp_path):
        with pytest.raises(CannotStart, match="hoiam keys"):
            keys.token(tmp_path / "none.pem", role="operator", name="lan", at=MONDAY, hours=1)


class TestParked:
    @pytest.fixture(autouse=True)
    def two_parked(self, hoiam, database_url):
        hoiam("migrate")
        for service, message_id in (("routing", "m1"), ("sla", "m2")):
            with room(database_url, service) as rooms, rooms.begin() as session:
                mailbox.hold(session, held(message_id))
        with room(database_url, "notify") as rooms, rooms.begin() as session:
            mailbox.hold(session, held("m3", due_at=MONDAY + timedelta(minutes=1)))

    def test_all_services_messages_are_listed_with_their_reasons_and_those_to_be_retried_are_not(self, hoiam):
        lines = hoiam("parked", "list").splitlines()

        assert [line.split()[2:4] for line in lines] == [["routing", "m1"], ["sla", "m2"]]
        assert all("RuntimeError: cannot swallow this" in line for line in lines)

    def test_one_is_shown_whole(self, hoiam):
        shown = hoiam("parked", "show", "m1")

        assert json.loads(shown.split("attempts: 5\n")[1]) == {"a": "đ"}

    def test_one_is_retried_or_dropped_by_its_id_and_the_others_stay(self, hoiam, database_url):
        assert hoiam("parked", "retry", "m1").startswith("routing")
        assert hoiam("parked", "drop", "m2", "--reason", "Gửi nhầm").startswith("sla")

        assert hoiam("parked", "list") == "Nothing is parked."
        with room(database_url, "routing") as rooms, rooms() as session:
            due_at, attempts = session.execute(text("SELECT due_at, attempts FROM held")).one()
        assert due_at <= now()
        assert attempts == 0

    def test_who_dropped_what_and_why_is_kept_and_what_was_in_it_is_not(self, hoiam, database_url):
        hoiam("parked", "drop", "m2", "--by", "lan", "--reason", "Gửi nhầm")

        [line] = hoiam("parked", "list", "--dropped").splitlines()
        with room(database_url, "sla") as rooms, rooms() as session:
            [row] = session.execute(select(mailbox.dropped)).mappings()
        assert line.endswith("RuntimeError, dropped by lan: Gửi nhầm")
        assert "đ" not in str({name: value for name, value in row.items() if name != "reason"})

    def test_what_was_dropped_is_kept_for_ever(self, hoiam, database_url):
        hoiam("parked", "drop", "m2", "--reason", "Gửi nhầm")

        with room(database_url, "sla") as rooms, rooms() as session, pytest.raises(ProgrammingError, match="permission denied"):
            session.execute(delete(mailbox.dropped))

    def test_some_are_meant_by_service_code_topic_or_sender(self, hoiam):
        assert [line.split()[3] for line in hoiam("parked", "list", "--service", "sla").splitlines()] == ["m2"]
        assert len(hoiam("parked", "list", "--code", "RuntimeError").splitlines()) == 2
        for filters in (("--code", "crashed"), ("--topic", "case.opened"), ("--sender", "agency.hl"), ("--service", "intake")):
            assert hoiam("parked", "list", *filters) == "Nothing is parked."

        assert len(hoiam("parked", "retry", "--code", "RuntimeError").splitlines()) == 2

    @pytest.mark.parametrize("wrong", [("retry",), ("drop", "--reason", "Gửi nhầm"), ("drop", "m2", "--reason", " ")])
    def test_nothing_is_done_to_everything_by_accident_nor_dropped_without_a_reason(self, hoiam, wrong):
        with pytest.raises(CannotStart, match="Say w"):
            hoiam("parked", *wrong)

        assert len(hoiam("parked", "list").splitlines()) == 2

    @pytest.mark.parametrize("ids", [["m9"], ["m1", "m9"]])
    def test_an_unknown_id_is_said_to_be_one_and_nothing_is_done(self, hoiam, ids):
        for what in (("show",), ("retry",), ("drop", "--reason", "Gửi nhầm")):
            with pytest.raises(CannotStart, match="m9 is parked: `hoiam parked list`"):
                hoiam("parked", what[0], *ids, *what[1:])

        assert len(hoiam("parked", "list").splitlines()) == 2


class TestTopology:
    def test_every_agency_and_every_service_has_its_queue(self):
        province = read_province(QUANG_TRI)

        queues = set(whole_topology(province).queues)

        assert {f"agency.{code}" for code in province.agencies} <= queues
        assert {f"{service}.inbox" for service in HANDLERS} <= queues

    def test_only_sla_hears_what_agencies_ask(self):
        asked = {service for service in HANDLERS for binding in listens(service) if binding.exchange == "hoiam.requests"}

        assert asked == {"sla"}
