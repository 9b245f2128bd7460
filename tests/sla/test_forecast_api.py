"""The forecast as it is made from the tables, kept, and read over HTTP and in the terminal; on a real PostgreSQL."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from services.cli import commands
from services.cli.forecast import table
from services.sla import store
from services.sla.__main__ import service
from services.sla.domain.forecast import Basis, by_risk, horizon
from services.sla.domain.hindsight import Hindsight
from services.sla.handlers import make_forecast
from services.sla.settings import SlaSettings
from services.sla.store import forecasting
from shared import messages as say
from shared.access import ROUTES, Role, issue_token, new_key_pair
from shared.clock import now
from shared.messages import Tick
from shared.service import Process
from tests.builders import MONDAY, asked, envelope, received, routed
from tests.sla.cases import ANSWER, CENTRE, DAY, HOUR

BEFORE = MONDAY - 14 * DAY  # a Monday too
MORNING = (MONDAY + 2 * DAY).replace(hour=7, minute=30)  # 14.5 of 22.5 working hours after MONDAY


@pytest.fixture
def world(handling):
    """Hears of facts and requests, in the order of their moments."""
    return lambda *facts: handling.together([envelope(fact) for fact in sorted(facts, key=lambda fact: fact.at)])


@pytest.fixture
def known(world, keeper):
    """Twenty-four street lights of Đông Hà that took 1, 2, … 24 working hours of their 22.5."""
    reports = {hours: received(at=BEFORE) for hours in range(1, 25)}
    ends = {hours: keeper.calendar.add(BEFORE, hours * HOUR) for hours in reports}
    world(
        *reports.values(),
        *(routed(report) for report in reports.values()),
        *(asked(say.SubmitResult, report.report_id, at=ends[hours], **ANSWER) for hours, report in reports.items()),
        *(asked(say.ApproveResult, report.report_id, by=CENTRE, at=ends[hours] + HOUR) for hours, report in reports.items()),
    )


@pytest.fixture
def due(world, known):
    """One of Đông Hà that is due on Thursday at 8, one of the construction department."""
    ours, theirs = received(), received()
    world(ours, theirs, routed(ours), routed(theirs, agency="sxd"))
    return ours, theirs


@pytest.fixture
def tick(handling):
    return lambda at=MORNING: handling.run(lambda session: make_forecast(Tick(at=at), session))


@pytest.fixture
def made(rooms):
    """The forecast as it would be made now."""

    def make(at=MORNING):
        with rooms() as session:
            return forecasting.forecast(session, at)

    return make


@pytest.fixture
def ask(database_url, rooms):
    private, public = new_key_pair()
    settings = SlaSettings(database_url=database_url, jwt_public_key=public, jwt_issuer="hoiam", jwt_audience="hoiam")

    def get(role="", **query):
        token = issue_token(private, role=role, name="an", issuer="hoiam", audience="hoiam", at=now(), lasts=HOUR) if role else ""
        return client.get("/v1/forecast", params=query, headers={"Authorization": f"Bearer {token}"} if role else {})

    with TestClient(Process(service(settings), settings).app) as client:
        yield get


class TestForecast:
    def test_is_what_similar_cases_took(self, made, due):
        found = made()

        by_agency = {one.kind.agency: one for one in found.risks}
        ours, theirs = by_agency["dh"], by_agency["sxd"]
        assert (ours.chance.value, ours.chance.similar, ours.chance.basis) == (0.2, 10, Basis.AGENCY)  # 23 and 24 of 15 to 24
        assert (theirs.chance.value, theirs.chance.similar, theirs.chance.basis) == (0.2, 10, Basis.CATEGORY)
        assert (ours.left, found.until) == (8 * HOUR, (MONDAY + 3 * DAY).replace(hour=17))
        assert [(one.agency, one.due, one.expected, one.likely, one.unknown) for one in found.outlooks] == [
            ("dh", 1, 0.2, 0, 0),
            ("sxd", 1, 0.2, 0, 0),
        ]

    def test_says_so_when_too_few_similar_cases_took_that_long(self, made, due):
        [outlook] = [one for one in made(MORNING + HOUR).outlooks if one.agency == "dh"]
        assert (outlook.due, outlook.unknown, outlook.expected) == (1, 1, 0)

    def test_is_not_about_what_is_due_later_or_handed_in_or_waits_for_its_reporter(self, made, world, due):
        later, done, asking = received(at=MONDAY), received(at=MONDAY), received(at=MONDAY)
        world(later, done, asking, routed(later, sla_class="S7"), routed(done), routed(asking))
        world(asked(say.AcceptCase, asking.report_id), asked(say.SubmitResult, done.report_id, **ANSWER))
        world(asked(say.AskReporter, asking.report_id, at=MONDAY + 2 * HOUR, question="Xin cho biết số cột đèn?"))

        assert {one.report_id for one in made().risks} == {report.report_id for report in due}
        assert sum(one.overdue for one in made(MONDAY + 5 * DAY).outlooks) == len(due)

    def test_counts_the_overdue_apart(self, made, due):
        found = made(MONDAY + 5 * DAY)

        assert found.risks == []
        assert [(one.agency, one.due, one.overdue) for one in found.outlooks] == [("dh", 0, 1), ("sxd", 0, 1)]

    def test_forgets_what_a_case_took_once_it_is_opened_again(self, made, world, rooms, due):
        with rooms() as session:
            slowest = max(store.cases_where(session, store.cases.c.state == "resolved"), key=lambda case: case.submitted_at)
        world(asked(say.ReopenCase, slowest.report_id, by=CENTRE, at=MONDAY - DAY, reason="Đèn lại tắt sau một ngày"))

        [ours] = [one for one in made().risks if one.report_id == due[0].report_id]
        assert (ours.chance.value, ours.chance.similar) == (None, 9)

    def test_from_the_tables_is_the_one_from_the_histories(self, made, rooms, world, due, keeper):
        """Two ways to the same: what is kept beside the cases, and what is read from all that ever happened to them."""
        paused, returned = received(at=MONDAY), received(at=MONDAY)
        world(paused, returned, routed(paused), routed(returned), asked(say.AcceptCase, paused.report_id))
        world(asked(say.AskReporter, paused.report_id, at=MONDAY + 2 * HOUR, question="Xin cho biết số cột đèn?"))
        world(say.ReportCommented(report_id=paused.report_id, at=MONDAY + 3 * HOUR, comment_id=paused.report_id, text="Cột số 12"))
        world(asked(say.ReturnCase, returned.report_id, at=MONDAY + HOUR, reason="Không thuộc địa bàn", proposed_agency="sxd"))
        with rooms() as session:
            hindsight = Hindsight(lambda version: store.keeper_of(session, version))
            for row in forecasting.all_rows(session):
                hindsight.read(row)

        found = made()

        assert len(found.risks) == 4
        assert sorted(by_risk(hindsight.risks(MORNING, horizon(keeper.calendar, MORNING))), key=str) == sorted(found.risks, key=str)


class TestKept:
    def test_is_made_anew_after_some_minutes_and_not_before(self, rooms, tick, due):
        moments = []
        for minutes in (0, 9, 11):
            tick(MORNING + timedelta(minutes=minutes))
            with rooms() as session:
                moments.append(forecasting.last_made(session)[0])

        assert moments == [MORNING, MORNING, MORNING + timedelta(minutes=11)]

    def test_names_the_likeliest_of_each_agency_only_and_counts_all(self, rooms, tick, due, monkeypatch):
        monkeypatch.setattr(forecasting, "MOST", 0)
        tick()

        with rooms() as session:
            assert forecasting.page_of_risks(session) == []
            assert [one.due for one in forecasting.kept_outlooks(session)] == [1, 1]

    def test_is_shown_as_a_metric(self, rooms, tick, due):
        tick()

        with rooms() as session:
            shown = {
                sample.name: sample.value for family in forecasting.gauges(session) for sample in family.samples if "dh" in str(sample)
            }
        assert shown == {"hoiam_forecast_breaches": pytest.approx(0.2), "hoiam_forecast_due": 1, "hoiam_forecast_unknown": 0}


class TestRoute:
    def test_says_so_before_the_first_forecast(self, ask):
        answer = ask("operator")
        assert (answer.status_code, answer.json()["code"]) == (404, "no_forecast")

    def test_shows_an_agency_its_own_only(self, ask, tick, due):
        tick()

        for query in ({}, {"agency": "sxd"}):
            mine = ask("agency:dh", **query).json()
            assert [one["agency"] for one in mine["agencies"]] == ["dh"]
            assert [case["report_id"] for case in mine["cases"]] == [str(due[0].report_id)]
        nothing = ask("agency:gl").json()
        assert (nothing["agencies"], nothing["cases"]) == ([], [])

    def test_shows_the_others_all_or_one_agency(self, ask, tick, due):
        tick()

        assert {role: len(ask(role).json()["cases"]) for role in ("operator", "auditor", "admin")} == {
            "operator": 2,
            "auditor": 2,
            "admin": 2,
        }
        [theirs] = ask("auditor", agency="sxd").json()["cases"]
        assert theirs["report_id"] == str(due[1].report_id)
        assert (theirs["chance"], theirs["similar"], theirs["basis"], theirs["hours_left"]) == (0.2, 10, "category", 8.0)

    def test_is_for_those_who_may_read_cases(self, ask):
        assert ROUTES["GET /v1/forecast"] == {Role.AGENCY, Role.OPERATOR, Role.AUDITOR, Role.ADMIN}
        assert ask().status_code == 401

    def test_pages_follow_one_another_without_gap_or_repeat(self, ask, tick, due):
        tick()

        first = ask("operator", limit=1).json()
        second = ask("operator", limit=1, after=first["next"]).json()
        third = ask("operator", limit=1, after=second["next"]).json()

        assert {page["cases"][0]["report_id"] for page in (first, second)} == {str(report.report_id) for report in due}
        assert (third["cases"], third["next"]) == ([], None)

    def test_leaves_out_what_was_handed_in_since(self, ask, tick, world, due):
        tick()
        world(asked(say.SubmitResult, due[0].report_id, at=MORNING + HOUR, **ANSWER))

        assert [case["agency"] for case in ask("operator").json()["cases"]] == ["sxd"]

    def test_says_what_is_wrong_with_a_question(self, ask):
        for query in ({"limit": 0}, {"limit": 201}, {"after": -1}, {"after": "x"}, {"agency": "a" * 41}):
            answer = ask("operator", **query)
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


class TestTerminal:
    def test_shows_the_same(self, rooms, due):
        with rooms() as session:
            shown = table(session, MORNING, agency="sxd")

        assert "1 cases fall due" in shown
        assert "20% of 10 (category)" in shown
        assert "Đông Hà" not in shown

    def test_judges_the_past(self, database_url, monkeypatch, due, world, handling):
        for _ in range(5):
            handling.tick(MONDAY + 5 * DAY)
        world(say.ReportCommented(report_id=due[0].report_id, at=MONDAY + 9 * DAY, comment_id=due[1].report_id, text="Đèn vẫn chưa sáng"))
        monkeypatch.setenv("DATABASE_URL", database_url)

        judged = CliRunner().invoke(commands.app, ["forecast", "check"], catch_exceptions=False)

        assert judged.exit_code == 0, judged.output
        assert "0.4 breaches expected, 2 happened" in judged.output
