"""A made-up history through the real routing and sla ends in the figures it is to end in."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import text

from services.cli import audit, forecast, scorecard
from services.cli.process import CannotStart
from services.cli.simulate.agenda import SCENARIOS, Fate, plans
from services.cli.simulate.cast import Cast
from services.cli.simulate.difference import difference, seen
from services.cli.simulate.figures import figures, table
from services.cli.simulate.world import play, prepare, world
from services.cli.system import room
from services.sla import store
from services.sla.domain.calendar import calendar_of
from services.sla.domain.hindsight import Hindsight
from services.sla.store import forecasting, scoring
from shared.province import Province, read_province
from shared.settings import PROJECT
from tests.conftest import drop_database, fresh_database

SIXTY = SCENARIOS["sixty"]
FULL = SCENARIOS["quang-tri-2024"]


@pytest.fixture(scope="module")
def quang_tri() -> Province:
    return read_province(PROJECT / "deploy/provinces/quang-tri")


@pytest.fixture(scope="module")
def first(module_database_url, quang_tri):
    """A first history: a third of the plans (without those whose deadline moves as they go), and its moments."""
    planned = [plan for plan in plans(SIXTY, quang_tri, 1) if not (plan.asks or plan.objects)][::3]
    moments = {}
    play(module_database_url, SIXTY, planned, quang_tri, moments, silent)
    return planned, moments


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
        assert "Brier score" in forecast.check(database_url, silent)
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


def a_month(_calendar: object, at: datetime) -> datetime:
    """A longer horizon than the real one, so that more cases are in it."""
    return at + timedelta(days=30)


class TestForecast:
    def test_from_the_tables_is_the_one_from_the_histories_at_any_time(self, database_url, quang_tri, monkeypatch):
        """So what `hoiam forecast check` judges is what the service says."""
        monkeypatch.setattr("services.sla.domain.forecast.ENOUGH", 2)
        monkeypatch.setattr(forecasting, "horizon", a_month)
        prepare(database_url, quang_tri, SIXTY.since)
        compared = []
        with world(database_url, patient=False) as of, room(database_url, "sla") as rooms:
            cast = Cast(planned := plans(SIXTY, quang_tri, 1), quang_tri, calendar_of(quang_tri), of.later, {})
            for plan in planned:
                cast.begin(plan)
            for weeks in range(1, 19, 2):
                at = SIXTY.since + timedelta(weeks=weeks, hours=7)
                of.run(cast, at, silent)
                with rooms() as session:
                    compared += self.both(session, at)

        assert len(compared) > 10
        assert any(chance.value for chance in compared)

    def both(self, session, at):
        kept = forecasting.forecast(session, at)
        hindsight = Hindsight(lambda version: store.keeper_of(session, version))
        for row in forecasting.all_rows(session):
            hindsight.read(row)
        known = hindsight.risks(at, a_month(None, at))
        assert sorted(kept.risks, key=str) == sorted(known, key=str)
        return [one.chance for one in known]


class TestWhatIf:
    @pytest.fixture
    def again(self, postgres_url, first):
        """The same under another policy: what is seen of it."""
        url = fresh_database(postgres_url)

        def play_again(province):
            play(url, SIXTY, first[0], province, first[1], silent, patient=True)
            return seen(url)

        yield play_again
        drop_database(url)

    def test_changes_exactly_what_the_policy_implies(self, module_database_url, quang_tri, again):
        """Every result is handed in at the moment it was: it is late if that is later than one working day after receipt."""
        day = quang_tri.policy.classes["S1"]
        strict = quang_tri.policy.model_copy(update={"classes": dict.fromkeys(quang_tri.policy.classes, day)})
        before = seen(module_database_url)
        after = again(quang_tri.model_copy(update={"policy": strict}))

        implied = self.implied(module_database_url, calendar_of(quang_tri), before.outcomes)
        assert after.outcomes == implied
        lost = sum(was == "on_time" and implied[id_] == "late" for id_, was in before.outcomes.items())
        won = sum(was == "late" and implied[id_] == "on_time" for id_, was in before.outcomes.items())
        assert lost > won
        self.is_told(difference(before, after), before, after, lost=lost, won=won)

    def implied(self, url, calendar, before):
        with room(url, "sla") as rooms, rooms() as session:
            cases = {case.report_id: case for case in store.cases_where(session)}
        due_at = {id_: calendar.add(case.received_at, calendar.day) for id_, case in cases.items()}
        finished = {id_: "on_time" if case.submitted_at <= due_at[id_] else "late" for id_, case in cases.items() if case.submitted_at}
        overdue = {id_: "open_overdue" for id_, was in before.items() if was == "open_in_time" and due_at[id_] < SIXTY.until}
        return {**before, **finished, **overdue}

    def is_told(self, printed, before, after, *, lost, won):
        lines = printed.splitlines()
        moved = sum(after.outcomes[id_] != was for id_, was in before.outcomes.items())
        assert f"{lost:>6}  Xong đúng hạn (finished on time) → Xong quá hạn (finished late)" in lines
        assert f"(another outcome): {moved} of {len(before.outcomes)} cases" in printed
        figures = [line for line in lines if line.startswith("Đúng hạn (on time)") and "of finished" in line]
        whole = before.figures.finished
        shares = [f"{of.figures.on_time} = {100 * of.figures.on_time / whole:.1f} % of finished" for of in (before, after)]
        assert all(share in figures[0] for share in shares)
        assert f"{won - lost:+d} ({100 * (won - lost) / whole:+.1f} points)" in figures[0]
        parts = sum(card.met for card in after.cards["category"].values()) - sum(card.met for card in before.cards["category"].values())
        assert parts == won - lost

    def test_says_so_when_nothing_changes(self, module_database_url, quang_tri, again):
        same = again(quang_tri)

        assert (
            difference(seen(module_database_url), same)
            == f"No difference: the histories of all {len(same.hashes)} cases are the same, row by row."
        )
