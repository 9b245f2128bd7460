"""A made-up history through the real routing and sla ends in the figures it is to end in."""

from datetime import date

import pytest
from sqlalchemy import text

from services.cli import audit, scorecard
from services.cli.process import CannotStart
from services.cli.simulate.agenda import SCENARIOS, Fate, plans
from services.cli.simulate.figures import figures, table
from services.cli.simulate.world import play, prepare
from services.cli.system import room
from services.sla.store import scoring
from shared.province import Province, read_province
from shared.settings import PROJECT
from tests.conftest import drop_database, fresh_database

SIXTY = SCENARIOS["sixty"]
FULL = SCENARIOS["quang-tri-2024"]


@pytest.fixture(scope="module")
def quang_tri() -> Province:
    return read_province(PROJECT / "deploy/provinces/quang-tri")


def silent(_text: str) -> None:
    """Nobody watches."""


class TestAgenda:
    def test_is_the_same_for_the_same_seed_and_another_for_another(self, quang_tri):
        assert plans(FULL, quang_tri, 1) == plans(FULL, quang_tri, 1)
        assert plans(FULL, quang_tri, 1) != plans(FULL, quang_tri, 2)

    def test_has_as_many_reports_of_each_fate_as_the_column_says(self, quang_tri):
        planned = plans(FULL, quang_tri, 1)

        assert len(planned) == 989
        assert {fate: sum(plan.fate == fate for plan in planned) for fate in Fate} == FULL.fates
        assert all(FULL.since <= plan.report.at < FULL.until for plan in planned)
        assert len({plan.report.category for plan in planned}) > 30


class TestHistory:
    @pytest.mark.parametrize("seed", [1, 2])
    def test_ends_in_its_figures_and_then_in_those_of_another_policy(self, database_url, quang_tri, seed):
        moments = {}
        planned = plans(SIXTY, quang_tri, seed)

        play(database_url, SIXTY, planned, quang_tri, moments, silent)

        found = figures(database_url)
        assert (found.received, found.taken_up, found.finished, found.in_hand, found.cancelled) == (60, 53, 52, 1, 7)
        assert (found.on_time, found.late) == (37, 15)
        assert "37 = 71.2 % of finished" in table(found)
        self.is_proven(database_url, found)
        with pytest.raises(CannotStart, match="holds cases already"):
            prepare(database_url, quang_tri, SIXTY.since)

    def is_proven(self, url, found):
        """The scorecards say the same, and are what the histories say, until a row of one is changed."""
        assert scorecard.verify(url, silent)
        assert audit.verify(url, silent)
        with room(url, "sla") as rooms, rooms.begin() as session:
            [total] = scoring.cards(session, date(2021, 1, 1), date(2025, 1, 1), ())
            assert (total.figures["received"], total.figures["taken_up"], total.met) == (found.received, found.taken_up, found.on_time)
            assert (total.figures["late"], total.figures["cancelled"]) == (found.late, found.cancelled)
            session.execute(text("SET ROLE NONE"))
            changed = session.scalar(text("UPDATE history SET actor = 'nobody' WHERE trigger = 'approve' RETURNING report_id"))
        told = []
        assert not audit.verify(url, told.append)
        assert any(str(changed) in line for line in told)

    def test_under_shorter_classes_has_more_that_is_late(self, database_url, postgres_url, quang_tri):
        moments = {}
        planned = plans(SIXTY, quang_tri, 1)
        play(database_url, SIXTY, planned, quang_tri, moments, silent)
        day = quang_tri.policy.classes["S1"]
        strict = quang_tri.policy.model_copy(update={"classes": {**dict.fromkeys(quang_tri.policy.classes, day)}})
        other = fresh_database(postgres_url)
        try:
            play(other, SIXTY, planned, quang_tri.model_copy(update={"policy": strict}), moments, silent, patient=True)
            before, after = figures(database_url), figures(other)
        finally:
            drop_database(other)

        assert after.received == before.received
        assert after.late > before.late
        assert "points" in table(before, after)
