<<<<<<< HEAD
"""One root a day, whoever makes it; what was in it can't be rewritten unseen, not even by who owns the database."""
=======
"""One root a day, whoever makes it; receipts that verify alone; a witness in another schema."""
>>>>>>> roots

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
<<<<<<< HEAD
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from services.cli import receipts
from services.cli.audit import verify
from services.cli.process import CannotStart
from services.intake.handlers import HANDLERS as INTAKE
from services.sla import store
from services.sla.domain.history import GENESIS, Move, seal
from services.sla.domain.roots import steps, tree_of
from services.sla.handlers import make_root
from services.sla.store import roots
from shared.database import Sessions, engine, migrate, sessions
from shared.errors import NotFound, Refused
from shared.handling import Handling
from shared.messages import AcceptCase, AuditRoot, SubmitResult, Tick
from shared.settings import PROJECT
from tests.builders import MONDAY, asked, envelope, received, routed, said

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SUNDAY_, MONDAY_ = date(2026, 11, 15), date(2026, 11, 16)
MIDNIGHT = MONDAY.replace(hour=0) + DAY  # after which Monday's root is made
ANSWER = {"outcome": "fixed", "answer": "Đã thay bóng đèn.", "evidence": ("media:anh-sau-khi-sua",)}


def a_case(handling: Handling):
    report = received()
    for message in (report, routed(report), asked(AcceptCase, report.report_id)):
        handling.together([envelope(message)])
    return report


def submit(handling: Handling, report) -> None:
    handling.together([envelope(asked(SubmitResult, report.report_id, **ANSWER))])


def make(handling: Handling, at=MIDNIGHT, most: int = 50) -> None:
    """As the loop does: step by step until there is nothing more to do."""
    for _ in range(most):
        with handling.sessions() as session:
            before = session.execute(text("SELECT (SELECT count(*) FROM leaves), (SELECT count(*) FROM roots)")).one()
        handling.run(lambda session: make_root(Tick(at=at), session))
        with handling.sessions() as session:
            if session.execute(text("SELECT (SELECT count(*) FROM leaves), (SELECT count(*) FROM roots)")).one() == before:
                return


def step(handling: Handling, at=MIDNIGHT, limit: int = 2) -> int:
    return handling.run(lambda session: roots.grow(session, at, limit=limit))


def made(rooms: Sessions) -> list[roots.Root]:
    with rooms() as session:
        return list(roots.all_roots(session))


def receipt(rooms: Sessions, report) -> roots.Receipt:
    with rooms() as session:
        return roots.receipt_of(session, report.report_id)


def verdict(url: str, **elsewhere) -> tuple[bool, list[str]]:
    lines: list[str] = []
    return verify(url, lines.append, elsewhere), lines


@pytest.fixture
def touch(rooms: Sessions):
    """As the owner of the database, whom no grant keeps away."""

    def run(statement: str, **values) -> None:
        with rooms.begin() as session:
            session.execute(text("SET ROLE NONE"))
            session.execute(text(statement), values)

    return run


@pytest.fixture
def rewrite(rooms: Sessions, touch):
    """Another actor in row 3 of a case, and the whole chain after it computed anew, so that it is whole again."""

    def run(report) -> None:
        with rooms() as session:
            moves = list(session.scalars(select(Move).where(store.history.c.report_id == report.report_id).order_by(store.history.c.seq)))
        end = moves[1].hash
        for move in moves[2:]:
            actor = "agency:sxd" if move.seq == 3 else move.actor
            again = seal(
                report_id=move.report_id, seq=move.seq, actor=actor, trigger=move.trigger, source=move.source, target=move.target,
                data=move.data, at=move.at, prev_hash=end,
            )  # fmt: skip
            touch(
                "UPDATE history SET actor = :actor, prev_hash = :before, hash = :hash WHERE report_id = :id AND seq = :seq",
                actor=actor, before=end, hash=again.hash, id=move.report_id, seq=move.seq,
            )  # fmt: skip
            end = again.hash
        touch("UPDATE cases SET last_hash = :hash WHERE report_id = :id", hash=end, id=report.report_id)

    return run


@pytest.fixture
def rewrite_roots(rooms: Sessions, touch):
    """Leaves and roots made to fit the histories as they are now."""

    def run() -> None:
        touch("UPDATE leaves SET hash = h.hash FROM history h WHERE h.report_id = leaves.report_id AND h.seq = leaves.seq")
        previous = GENESIS
        for root in made(rooms):
            with rooms() as session:
                tree = tree_of(root.day, previous, list(roots.ends_of(session, root.day)))
            touch("UPDATE roots SET root = :root, previous = :previous WHERE day = :day", root=tree.root, previous=previous, day=root.day)
            previous = tree.root

    return run
=======
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
>>>>>>> roots


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
            for _ in range(12):
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


<<<<<<< HEAD
class TestVerify:
    @pytest.fixture(autouse=True)
    def two_roots(self, handling, rooms):
        """Of three cases, one of which grew on the second day."""
        self.reports = [a_case(handling) for _ in range(3)]
        make(handling, MIDNIGHT)
        submit(handling, self.reports[0])
        make(handling, MIDNIGHT + DAY)
        self.kept = {root.day: root.root for root in made(rooms)}

    def test_passes_what_was_not_touched(self, database_url):
        assert verdict(database_url, kept=self.kept) == (
            True, ["3 cases, 0 broken", "2 roots, 0 broken; 0 cases differ from them; compared with kept: 1 of 1 agree"],
        )  # fmt: skip

    def test_names_a_case_whose_whole_chain_was_computed_anew(self, rewrite, database_url):
        rewrite(self.reports[0])

        passed, lines = verdict(database_url)
        assert not passed
        assert lines[:2] == [
            "3 cases, 0 broken",
            f"report {self.reports[0].report_id}: row 3 is not the one that went into the root of {MONDAY_}",
        ]

    def test_names_a_case_that_was_removed_whole(self, touch, database_url):
        gone = self.reports[1].report_id
        for table in ("clocks", "history", "scores", "cases"):
            touch(f"DELETE FROM {table} WHERE report_id = :id", id=gone)

        passed, lines = verdict(database_url)
        assert not passed
        assert lines[:2] == ["2 cases, 0 broken", f"report {gone}: row 3 is not the one that went into the root of {MONDAY_}"]

    def test_names_the_first_root_that_was_kept_otherwise_when_even_the_roots_were_made_anew(self, rewrite, rewrite_roots, database_url):
        rewrite(self.reports[0])
        rewrite_roots()
        assert verdict(database_url)[0]  # seen from inside, all is well again

        passed, lines = verdict(database_url, kept=self.kept)
        assert not passed
        assert lines[1] == f"root of {MONDAY_} is another one here: kept has {self.kept[MONDAY_]}"

    def test_a_receipt_given_before_tells_of_it_too(self, rooms, rewrite, rewrite_roots):
        before = receipt(rooms, self.reports[0])
        rewrite(self.reports[0])
        rewrite_roots()

        assert [step.passed for step in steps(before)] == [True, True]
        assert [step.passed for step in steps(before, {root.day: root.root for root in made(rooms)})] == [True, True, True, False]

    @pytest.mark.parametrize(
        ("statement", "says"),
        [
            ("UPDATE roots SET root = repeat('a', 64) WHERE day = '2026-11-16'", "root of 2026-11-16 is not what its leaves give"),
            ("UPDATE roots SET previous = root WHERE day = '2026-11-17'", "root of 2026-11-17 does not follow from the root before it"),
            ("DELETE FROM leaves WHERE day = '2026-11-16' AND position = 2", "root of 2026-11-16 was made of 4 leaves, not of 3"),
            (
                "UPDATE leaves SET position = 5 - position + 10 * (position - 1) WHERE position < 3",
                "root of 2026-11-16 is not what its leaves give",
            ),
            ("DELETE FROM roots WHERE day = '2026-11-16'", "root of 2026-11-17 does not follow from the root before it"),
            ("DELETE FROM roots WHERE day = '2026-11-17'", "root of 2026-11-17 is missing here: kept has"),
        ],
    )
    def test_names_the_first_root_that_was_touched(self, touch, database_url, statement, says):
        touch(statement)

        passed, lines = verdict(database_url, kept=self.kept)
        assert not passed
        assert any(line.startswith(says) for line in lines), lines


=======
>>>>>>> roots
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
<<<<<<< HEAD
    program = Path(sys.executable).with_name("hoiam")
    environment = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "PATH": "/usr/bin", "PYTHONUTF8": "1", "COLUMNS": "300"}
    command = [program, "audit", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
=======
    program = [sys.executable, "-c", "from services.cli.commands import main; main()"]
    environment = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "PATH": "/usr/bin", "PYTHONUTF8": "1", "COLUMNS": "300"}
    command = [*program, "audit", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, cwd=PROJECT, check=False)
>>>>>>> roots
