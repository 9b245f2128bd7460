"""One root a day, whoever makes it; receipts that verify alone; a witness in another schema."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.cli import receipts
from services.cli.process import CannotStart
from services.intake.handlers import HANDLERS as INTAKE
from services.sla.domain.history import GENESIS
from services.sla.domain.roots import steps
from services.sla.store import roots
from shared.database import engine, migrate, sessions
from shared.errors import NotFound, Refused
from shared.handling import Handling
from shared.messages import AuditRoot
from shared.settings import PROJECT
from tests.builders import envelope, said
from tests.sla.rooting import DAY, HOUR, MIDNIGHT, MONDAY_, SUNDAY_, a_case, made, make, receipt, step, submit, verdict


class TestRootOfADay:
    def test_is_made_once_after_midnight_and_said(self, handling, rooms):
        reports = [a_case(handling) for _ in range(3)]
        make(handling, MIDNIGHT)
        make(handling, MIDNIGHT + 23 * HOUR)

        [root] = made(rooms)
        [news] = [message for message in said(rooms) if isinstance(message, AuditRoot)]
        assert (root.day, root.size, root.previous) == (MONDAY_, 4, GENESIS)
        assert (news.day, news.at, news.size, news.previous, news.root) == (root.day, root.at, root.size, root.previous, root.root)
        assert all(next(iter(steps(receipt(rooms, report), {root.day: root.root}))).passed for report in reports)

    def test_belongs_to_the_day_of_the_province_not_of_utc(self, handling, rooms):
        a_case(handling)
        make(handling, MIDNIGHT - timedelta(minutes=1))
        assert [root.day for root in made(rooms)] == [SUNDAY_]

        make(handling, MIDNIGHT)
        assert [root.day for root in made(rooms)] == [SUNDAY_, MONDAY_]

    def test_follows_from_the_one_before_and_holds_only_what_grew_since(self, handling, rooms):
        one, _ = a_case(handling), a_case(handling)
        make(handling, MIDNIGHT)
        submit(handling, one)
        make(handling, MIDNIGHT + DAY)
        make(handling, MIDNIGHT + 2 * DAY)

        first, second, third = made(rooms)
        assert [first.size, second.size, third.size] == [3, 2, 1]
        assert [second.previous, third.previous] == [first.root, second.root]
        assert (receipt(rooms, one).day, receipt(rooms, one).seq) == (second.day, 4)

    def test_covers_the_days_on_which_the_system_stood_still(self, handling, rooms, database_url):
        report = a_case(handling)
        make(handling, MIDNIGHT)
        submit(handling, report)
        make(handling, MIDNIGHT + 5 * DAY)

        assert [root.day for root in made(rooms)] == [MONDAY_, MONDAY_ + 5 * DAY]
        assert verdict(database_url)[0]

    def test_is_finished_by_whoever_comes_next_even_days_later(self, handling, rooms, database_url):
        reports = [a_case(handling) for _ in range(5)]
        step(handling)
        step(handling)  # four of five; then the process dies, and the next day nobody is there

        make(handling, MIDNIGHT + 2 * DAY)

        assert [(root.day, root.size) for root in made(rooms)] == [(MONDAY_, 6), (MONDAY_ + 2 * DAY, 1)]
        assert {receipt(rooms, report).day for report in reports} == {MONDAY_}
        assert verdict(database_url)[0]

    def test_leaves_to_tomorrow_who_grows_behind_it(self, handling, rooms, database_url):
        reports = sorted((a_case(handling) for _ in range(4)), key=lambda report: report.report_id)
        step(handling)
        submit(handling, reports[0])
        make(handling, MIDNIGHT)
        make(handling, MIDNIGHT + DAY)

        assert [root.size for root in made(rooms)] == [5, 2]
        assert (receipt(rooms, reports[0]).day, receipt(rooms, reports[0]).seq) == (MONDAY_ + DAY, 4)
        assert verdict(database_url)[0]

    def test_is_one_though_twins_make_it_together(self, handling, rooms, database_url):
        reports = [a_case(handling) for _ in range(12)]

        def one_of_two(_: int) -> None:
            for _ in range(1000):  # many a step finds the other at work and does nothing
                if made(rooms):
                    return
                step(handling)

        with ThreadPoolExecutor(2) as both:
            list(both.map(one_of_two, range(2)))

        [root] = made(rooms)
        assert root.size == 13
        assert len([message for message in said(rooms) if isinstance(message, AuditRoot)]) == 1
        assert len({receipt(rooms, report).position for report in reports}) == 12
        assert verdict(database_url)[0]

    def test_can_not_be_changed_or_removed_by_the_service(self, handling, rooms):
        a_case(handling)
        make(handling)
        for table in ("roots", "leaves"):
            for statement in (f"UPDATE {table} SET day = day", f"DELETE FROM {table}", f"TRUNCATE {table}"):
                with pytest.raises(Exception, match="permission denied"), rooms.begin() as session:
                    session.execute(text(statement))

    def test_its_age_is_measured_from_the_first_case_on(self, handling, rooms):
        def age() -> float:
            with rooms() as session:
                [family] = roots.gauges(session)
            return family.samples[0].value

        assert age() == 0
        make(handling)
        with rooms() as session:
            since = session.scalar(text("SELECT greatest(extract(epoch FROM now() - max(at)), 0) FROM roots"))
        assert age() == pytest.approx(float(since), abs=60)


class TestWitness:
    @pytest.fixture
    def intake(self, rooms, database_url):
        migrate(database_url, "intake")
        of = engine(database_url, "intake")
        yield Handling(service="intake", handlers=INTAKE, sessions=sessions(of))
        of.dispose()

    def test_intake_keeps_what_it_heard_first_and_refuses_another(self, handling, rooms, intake, database_url):
        a_case(handling)
        make(handling)
        [news] = [message for message in said(rooms) if isinstance(message, AuditRoot)]
        intake.together([envelope(news)])
        intake.together([envelope(news)])  # said twice under two names

        with pytest.raises(Refused) as refused:
            intake.together([envelope(news.model_copy(update={"root": "a" * 64}))])
        assert refused.value.code == "another_root"
        assert receipts.witnessed(database_url) == {news.day: news.root}

    def test_intake_itself_can_not_change_it(self, intake):
        for statement in ("UPDATE audit_roots SET root = ''", "DELETE FROM audit_roots"):
            with pytest.raises(Exception, match="permission denied"), intake.sessions.begin() as session:
                session.execute(text(statement))


class TestReceipt:
    def test_of_a_case_that_no_root_holds_yet_says_when_to_ask(self, handling, rooms):
        report = a_case(handling)

        with pytest.raises(NotFound, match="tomorrow") as refused:
            receipt(rooms, report)
        assert refused.value.code == "not_rooted"

    def test_verifies_alone_as_a_program_without_database_or_network(self, handling, rooms, database_url, tmp_path):
        report = a_case(handling)
        make(handling)
        file, kept = tmp_path / "receipt.json", tmp_path / "roots.jsonl"
        file.write_text(receipts.receipt(database_url, report.tracking_code.lower()), encoding="utf-8")
        kept.write_text("\n".join(receipts.lines(database_url)), encoding="utf-8")

        alone, with_roots = hoiam("check", file), hoiam("check", file, "--roots", kept)
        assert (alone.returncode, with_roots.returncode) == (0, 0), alone.stdout + with_roots.stdout
        assert alone.stdout.count("ok  ") == 3
        assert with_roots.stdout.count("ok  ") == 5

        forged = json.loads(file.read_text(encoding="utf-8")) | {"hash": "a" * 64}
        file.write_text(json.dumps(forged), encoding="utf-8")
        refused = hoiam("check", file)
        assert refused.returncode == 1
        assert refused.stdout.splitlines()[-1].startswith(f"FAILED  row 3 of report {report.report_id} leads to")

    def test_verifies_by_the_twenty_lines_of_the_page(self, handling, database_url, tmp_path):
        report = a_case(handling)
        make(handling)
        file = tmp_path / "receipt.json"
        file.write_text(receipts.receipt(database_url, str(report.report_id)), encoding="utf-8")
        program = (PROJECT / "docs/audit.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]

        assert subprocess.run([sys.executable, "-c", program, file], capture_output=True, timeout=60, check=False).returncode == 0
        file.write_text(file.read_text(encoding="utf-8").replace('"seq": 3', '"seq": 2'), encoding="utf-8")
        assert subprocess.run([sys.executable, "-c", program, file], capture_output=True, timeout=60, check=False).returncode == 1

    @pytest.mark.parametrize("words", ["", "{}", '{"form": "hoiam-receipt-1", "seq": 0}', "[1]"])
    def test_what_is_no_receipt_is_said_to_be_none(self, tmp_path, words):
        file = tmp_path / "receipt.json"
        file.write_text(words, encoding="utf-8")
        lines: list[str] = []

        assert not receipts.check(file, lines.append)
        assert lines[0].startswith("FAILED  this is a whole receipt: ")

    def test_an_unknown_report_and_a_file_without_roots_are_named(self, rooms, database_url, tmp_path):
        for unknown in (str(uuid4()), "QT-000000"):
            with pytest.raises(CannotStart):
                receipts.receipt(database_url, unknown)
        with pytest.raises(CannotStart, match="holds no roots"):
            receipts.kept_in(tmp_path / "none")


def hoiam(*arguments: object) -> subprocess.CompletedProcess[str]:
    """`hoiam audit …` with a database that nobody answers at."""
    program = [sys.executable, "-m", "services.cli"]
    environment = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "PATH": "/usr/bin", "PYTHONUTF8": "1", "COLUMNS": "300"}
    command = [*program, "audit", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, cwd=PROJECT, check=False)
