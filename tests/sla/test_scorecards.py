"""Scorecards as agencies, the council and the public read them, on a real PostgreSQL."""

from datetime import date
from io import BytesIO
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from services.cli.scorecard import table, verify
from services.sla.__main__ import service
from services.sla.domain.scorecard import Card, ranked, wilson
from services.sla.domain.scoring import FIGURES, OUTCOMES
from services.sla.settings import SlaSettings
from services.sla.store import scoring
from shared import messages as say
from shared.access import issue_token, new_key_pair
from shared.clock import now
from shared.errors import Refused
from shared.service import Process
from tests.builders import MONDAY, asked, envelope, received, routed
from tests.sla.cases import ANSWER, CENTRE, DAY, HOUR

NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)
SPAN = {"since": "2026-11", "until": "2026-11"}


@pytest.fixture
def three(handling):
    """One answered in time, one overdue and open, one with the other agency."""
    done, overdue, other = received(), received(category="GT01"), received()
    facts = [done, overdue, other, routed(done), routed(overdue), routed(other, agency="sgtvt")]
    requests = [asked(say.AcceptCase, done.report_id), asked(say.SubmitResult, done.report_id, **ANSWER)]
    approval = asked(say.ApproveResult, done.report_id, by=CENTRE, at=MONDAY + 2 * HOUR)
    handling.together([envelope(message) for message in (*facts, *requests, approval)])
    for _ in range(20):
        handling.tick(MONDAY + 5 * DAY)
    handling.keep(scoring.score_some)
    return done, overdue, other


@pytest.fixture
def ask(database_url, three):
    """GET as anybody, or with a token."""
    private, public = new_key_pair()
    settings = SlaSettings(database_url=database_url, jwt_public_key=public, jwt_issuer="hoiam", jwt_audience="hoiam")

    def get(path, role="", **query):
        token = issue_token(private, role=role, name="an", issuer="hoiam", audience="hoiam", at=now(), lasts=HOUR) if role else ""
        return client.get(f"/v1/scorecards{path}", params=query, headers={"Authorization": f"Bearer {token}"} if role else {})

    with TestClient(Process(service(settings), settings).app) as client:
        yield get


def card_of(figures, **about):
    return Card(about=about, figures=dict.fromkeys(FIGURES, 0) | figures)


class TestScores:
    def test_are_kept_as_things_happen_and_sum_to_every_case_once(self, rooms, three):
        with rooms() as session:
            cards = scoring.cards(session, NOVEMBER, DECEMBER, ("agency",))
            [total] = scoring.cards(session, NOVEMBER, DECEMBER, ())
            assert scoring.waiting_to_be_scored(session) == 0

        assert {card.about["agency"]: card.figures["received"] for card in cards if card.figures["received"]} == {"dh": 2, "sgtvt": 1}
        assert total.sum(OUTCOMES) == total.figures["received"] == 3
        assert (total.figures["on_time"], total.figures["open_overdue"]) == (1, 2)

    def test_are_what_the_histories_say_until_somebody_changes_one(self, database_url, rooms, three):
        told = []
        assert verify(database_url, told.append)

        with rooms.begin() as session:
            session.execute(text("UPDATE scores SET on_time = 1, open_overdue = 0 WHERE open_overdue = 1 AND agency = 'dh'"))

        assert not verify(database_url, told.append)
        assert any(str(three[1].report_id) in line and "on_time is 1 and should be 0" in line for line in told)

    def test_that_are_missing_are_noticed(self, database_url, rooms, three):
        with rooms.begin() as session:
            session.execute(text("DELETE FROM scores WHERE agency = 'sgtvt'"))

        assert not verify(database_url, lambda _: None)

    def test_of_a_case_that_moves_are_counted_anew(self, handling, rooms, three):
        handling.together([envelope(asked(say.ReopenCase, three[0].report_id, by=CENTRE, at=MONDAY + 6 * DAY, reason="Đèn lại tắt"))])
        with rooms() as session:
            assert scoring.waiting_to_be_scored(session) == 1

        handling.keep(scoring.score_some)

        with rooms() as session:
            [total] = scoring.cards(session, NOVEMBER, DECEMBER, ())
        assert (total.figures["on_time"], total.figures["reopened"]) == (0, 1)


class TestFrozenMonth:
    def test_stays_as_it_was_and_shows_what_changed_since(self, ask, handling, rooms, three):
        with rooms.begin() as session:
            digest = scoring.freeze(session, NOVEMBER, MONDAY + 14 * DAY)
        before = ask("/frozen/2026-11").json()

        handling.together([envelope(asked(say.ReopenCase, three[0].report_id, by=CENTRE, at=MONDAY + 16 * DAY, reason="Đèn lại tắt"))])
        handling.keep(scoring.score_some)
        after = ask("/frozen/2026-11").json()

        assert (before["hash"], before["has_changed"]) == (digest, False)
        assert scoring.hashed(after["body"]) == digest
        assert after["has_changed"]
        assert (after["body"]["agencies"]["dh"]["on_time"], after["now"]["agencies"]["dh"].get("on_time")) == (1, None)

    def test_is_frozen_once_and_can_not_be_changed_by_the_service(self, rooms, three):
        with rooms.begin() as session:
            scoring.freeze(session, NOVEMBER, MONDAY)
        with rooms() as session, pytest.raises(Refused, match="frozen already"):
            scoring.freeze(session, NOVEMBER, MONDAY)
        for statement in ("UPDATE frozen SET hash = 'x'", "DELETE FROM frozen"):
            with rooms() as session, pytest.raises(ProgrammingError, match="permission denied"):
                session.execute(text(statement))

    def test_waits_until_everything_is_counted(self, handling, rooms):
        handling.together([envelope(received())])
        with rooms() as session, pytest.raises(Refused, match="1 cases wait"):
            scoring.freeze(session, NOVEMBER, MONDAY)


class TestRoute:
    def test_shows_everybody_the_figures_with_their_denominators(self, ask):
        found = ask("", **SPAN).json()

        assert found["waiting"] == 0
        assert found["total"]["figures"]["received"] == 3
        assert found["total"]["shares"]["on_time_of_fallen_due"] == pytest.approx(
            {"part": 1, "whole": 3, "of": "fallen due", "value": 1 / 3, "lowest": wilson(1, 3)}
        )
        [dong_ha] = [card for card in found["cards"] if card["about"] == {"agency": "dh"}]
        assert dong_ha["name"] == "UBND thành phố Đông Hà"
        assert [card["about"]["category"] for card in ask("", **SPAN, by="category").json()["cards"]] == ["CS01", "GT01"]

    def test_drills_down_to_the_cases_of_a_figure_page_by_page(self, ask, three):
        query = {**SPAN, "figure": "open_overdue", "limit": 1}
        first = ask("/cases", role="operator", **query).json()
        second = ask("/cases", role="operator", **query, after=first["next"]).json()
        third = ask("/cases", role="operator", **query, after=second["next"]).json()

        found = [case["report_id"] for page in (first, second, third) for case in page["cases"]]
        assert sorted(found) == sorted(str(report.report_id) for report in three[1:])
        assert third == {"figure": "open_overdue", "cases": [], "next": None}

    def test_shows_cases_to_nobody_without_a_right_and_to_agencies_their_own(self, ask, three):
        query = {**SPAN, "figure": "received"}
        assert ask("/cases", **query).status_code == 401
        mine = ask("/cases", role="agency:sgtvt", **query, agency="dh").json()
        assert [case["report_id"] for case in mine["cases"]] == [str(three[2].report_id)]

    def test_gives_a_workbook_a_table_and_a_picture(self, ask):
        book = load_workbook(BytesIO(ask("", **SPAN, format="xlsx").content))
        assert book.sheetnames == ["Kết quả", "Xếp hạng", "Giải thích"]
        cells = {row[0]: row[2] for row in book["Kết quả"].iter_rows(min_row=4, values_only=True)}
        assert (cells["dh"], cells["sgtvt"]) == (2, 1)

        lines = ask("", **SPAN, format="csv").text.splitlines()
        assert lines[0].startswith("\ufeffĐơn vị (agency)")
        assert any(line.startswith("dh,UBND thành phố Đông Hà,2,") for line in lines)

        picture = ask("", **SPAN, format="svg")
        assert "Đông Hà" in "".join(ElementTree.fromstring(picture.content).itertext())
        assert b"script" not in picture.content

    @pytest.mark.parametrize(
        ("path", "query", "status", "code"),
        [
            ("", {"since": "2026-12", "until": "2026-11"}, 409, "period_backwards"),
            ("", {"since": "2026-13", "until": "2026-11"}, 422, "invalid"),
            ("/cases", {**SPAN, "figure": "nonsense"}, 409, "no_such_figure"),
            ("/cases", {**SPAN, "figure": "late", "after": "x"}, 409, "bad_cursor"),
            ("/frozen/2026-10", {}, 404, "not_found"),
            ("/frozen/then", {}, 409, "not_a_month"),
        ],
    )
    def test_says_what_is_wrong_with_a_question(self, ask, path, query, status, code):
        answer = ask(path, role="operator", **query)
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    def test_says_the_same_in_the_terminal(self, rooms, three):
        with rooms() as session:
            shown = table(session, "2026-11", "2026-11", "agency")
        assert "1 / 3 fallen due = 33.3 %" in shown.replace("33.3%", "33.3 %")
        assert "UBND thành phố Đông Hà" in shown


class TestRanking:
    def test_does_not_punish_who_got_the_hard_cases(self):
        easy, hard = {"category": "CS01"}, {"category": "GT01"}
        cards = [
            card_of({"on_time": 90, "late": 10, "late_thousandths": 10_000}, agency="a", **easy),
            card_of({"on_time": 80, "late": 20, "late_thousandths": 20_000}, agency="b", **easy),
            card_of({"on_time": 50, "late": 50, "late_thousandths": 50_000}, agency="c", **hard),
            card_of({"on_time": 40, "late": 60, "late_thousandths": 60_000}, agency="b", **hard),
        ]

        by_name = {one.agency: one for one in ranked(cards)}

        assert by_name["a"].raw_rank == 1
        assert by_name["c"].raw_rank == 3
        assert by_name["c"].adjusted_rank < by_name["b"].adjusted_rank

    def test_marks_who_has_few_cases_and_leaves_out_who_has_none(self):
        cards = [card_of({"on_time": 3}, agency="few", category="CS01"), card_of({"received": 2}, agency="none", category="CS01")]
        [only] = ranked(cards)
        assert (only.agency, only.is_small) == ("few", True)

    def test_charges_lateness_to_who_held_the_case_and_not_to_who_got_it_last(self):
        cards = [
            card_of({"on_time": 10, "late_thousandths": 950}, agency="dumper", category="CS01"),
            card_of({"on_time": 10, "late": 1, "late_thousandths": 50}, agency="dumped", category="CS01"),
        ]
        assert [one.agency for one in ranked(cards)] == ["dumped", "dumper"]


class TestWilson:
    def test_is_the_textbooks_value(self):
        assert wilson(8, 10) == pytest.approx(0.4902, abs=1e-4)
        assert wilson(0, 5) == pytest.approx(0)
        assert 0 < wilson(5, 5) < 1
