"""What was in a root can't be rewritten unseen, not even by who owns the database."""

import pytest
from sqlalchemy import text

from services.sla import store
from services.sla.domain.history import GENESIS, seal
from services.sla.domain.roots import steps, tree_of
from services.sla.store import roots
from shared.database import Sessions
from tests.sla.rooting import DAY, MIDNIGHT, MONDAY_, a_case, made, make, receipt, submit, verdict


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
            moves = store.history_of(session, report.report_id)
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
