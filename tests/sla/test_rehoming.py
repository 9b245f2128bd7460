"""What becomes of the work of agencies that end, and whom their tokens and users speak for then."""

from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import text

from services.cli import audit, rehoming
from services.sla import store
from services.sla.domain.custody import stints
from shared import messages as say
from shared import province
from shared.database import Sessions
from shared.messages import Location
from shared.province import Province
from shared.province.places import Share
from tests.builders import MONDAY, asked, envelope, received, routed, said, topics
from tests.sla.cases import CENTRE, DAY, HOUR
from tests.sla.holding import a_case, case_of, metric
from tests.sla.ways import handle

ENDS = date(2026, 11, 18)  # Wednesday
AFTER = datetime.combine(ENDS, MONDAY.timetz()) + HOUR
OPEN_WAYS = ("routed", "in progress", "waiting", "submitted")


@pytest.fixture
def url(copied_url) -> str:
    return copied_url


@pytest.fixture
def rooms(copied_rooms) -> Sessions:
    return copied_rooms


@pytest.fixture
def spoken() -> list[str]:
    """What the command said."""
    return []


@pytest.fixture
def rehome(url, spoken):
    return lambda **options: rehoming.rehome(url, ENDS, AFTER, spoken.append, **options)


def ending(of: Province, code: str = "dh", **fields: Any) -> Province:
    """The province in which agency ``code`` ends."""
    ended = of.agencies[code].model_copy(update={"effective_to": ENDS, **fields})
    return of.model_copy(update={"agencies": of.agencies | {code: ended}})


def load(rooms: Sessions, of: Province) -> None:
    with rooms.begin() as session:
        province.store(session, of, AFTER)


def rows(rooms: Sessions, table: str, case: Any) -> list[str]:
    order = {"clocks": "id", "history": "seq"}[table]
    with rooms() as session:
        found = session.scalars(text(f"SELECT t::text FROM {table} AS t WHERE report_id = :id ORDER BY {order}"), {"id": case.report_id})
        return [str(row) for row in found]


class TestRehome:
    @pytest.mark.parametrize("way", OPEN_WAYS)
    def test_gives_an_open_case_to_the_successor_as_it_stands(self, rooms, quang_tri, rehome, way):
        case = a_case(rooms, way)
        clocks, history = rows(rooms, "clocks", case), rows(rooms, "history", case)
        load(rooms, ending(quang_tri, successor="sxd"))

        assert rehome() == 1

        now = case_of(rooms, case)
        assert (now.agency, now.state, now.due_at, now.hop, now.bounces) == ("sxd", case.state, case.due_at, case.hop, 0)
        assert rows(rooms, "clocks", case) == clocks
        assert rows(rooms, "history", case)[:-1] == history
        told = [message for message in said(rooms) if message.at == AFTER]
        assert [(message.topic, message.agency) for message in told] == [
            ("case.rehomed", "sxd"), ("transfer", "dh"), ("assignment", "sxd"),
        ]  # fmt: skip
        assert told[0].reason == "UBND thành phố Đông Hà hết nhiệm vụ từ ngày 18/11/2026; Sở Xây dựng đảm nhiệm."

    @pytest.mark.parametrize("way", ["received", "resolved", "closed", "refused", "cancelled", "merged"])
    def test_leaves_what_nobody_works_on(self, rooms, quang_tri, rehome, way):
        case = a_case(rooms, way)
        load(rooms, ending(quang_tri, successor="sxd"))

        assert rehome() == 0
        assert case_of(rooms, case).version == case.version

    def test_leaves_the_chain_of_hashes_whole_and_the_time_with_who_held_it(self, rooms, quang_tri, rehome, url, keeper):
        case = a_case(rooms, "in progress")
        load(rooms, ending(quang_tri, successor="sxd"))
        rehome()

        with rooms() as session:
            moves = store.history_of(session, case.report_id)
        held = [(stint.holder, stint.begins) for stint in stints(moves, keeper.calendar, AFTER + DAY)]
        assert audit.verify(url, lambda _: None)
        assert held[-2][0] == "dh"
        assert held[-1] == ("sxd", AFTER)

    def test_again_finds_nothing_to_do(self, rooms, quang_tri, rehome, spoken):
        a_case(rooms, "routed")
        load(rooms, ending(quang_tri, successor="sxd"))
        rehome()
        before = topics(rooms)

        assert rehome() == 0
        assert topics(rooms) == before
        assert spoken == ["1 cases so far", "dh → sxd: 1", "1 cases went to a successor", "0 cases went to a successor"]

    def test_goes_on_where_it_was_stopped(self, rooms, quang_tri, url, rehome, monkeypatch):
        cases = [a_case(rooms, "routed") for _ in range(5)]
        load(rooms, ending(quang_tri, successor="sxd"))
        monkeypatch.setattr(rehoming, "AT_ONCE", 2)

        def stop(word: str) -> None:
            if word.startswith("4"):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            rehoming.rehome(url, ENDS, AFTER, stop)
        assert [case_of(rooms, case).agency for case in cases].count("sxd") == 4

        assert rehome() == 1
        assert [case_of(rooms, case).agency for case in cases] == ["sxd"] * 5
        assert topics(rooms).count("case.rehomed") == 5

    def test_only_says_what_it_would_do_when_asked_to(self, rooms, quang_tri, rehome, spoken):
        case = a_case(rooms, "routed")
        load(rooms, ending(quang_tri, successor="sxd"))

        rehome(dry_run=True)

        assert spoken[-2:] == ["dh → sxd: 1", "1 cases would go to a successor"]
        assert case_of(rooms, case).agency == "dh"

    def test_of_an_agency_that_was_split_goes_by_what_the_report_is_about(self, rooms, quang_tri, rehome):
        lamp = a_case(rooms, "routed")  # CS01
        load(rooms, ending(quang_tri, shares=(Share(agency="pcqt", categories=("CS01",)), Share(agency="cat"))))
        rehome()

        assert case_of(rooms, lamp).agency == "pcqt"

    def test_of_an_agency_whose_area_was_divided_goes_by_where_the_report_is(self, rooms, quang_tri, rehome):
        of = ending(quang_tri, successor="area")
        report = received(location=Location(address="12 Hùng Vương, phường 5, Đông Hà"))
        with rooms.begin() as session:
            handle(session, report)
            handle(session, routed(report))
        load(rooms, of)
        rehome()

        assert case_of(rooms, report).agency == "ubnd-nam-dong-ha"

    @pytest.mark.parametrize("fields", [{}, {"successor": "area"}])
    def test_that_nobody_follows_leaves_it_to_the_centre(self, rooms, quang_tri, rehome, fields):
        case = a_case(rooms, "routed")  # its area is the old city, whose agency is the one that ends
        load(rooms, ending(quang_tri, **fields))
        rehome()

        assert case_of(rooms, case).agency == "ioc"
        assert "chưa có đơn vị kế thừa" in case_of(rooms, case).explanation

    def test_said_twice_under_two_names_is_done_once(self, rooms, quang_tri, handling):
        case = a_case(rooms, "routed")
        words = {"before": "dh", "agency": "sxd", "reason": "Sáp nhập"}
        for _ in range(2):
            handling.together([envelope(asked(say.RehomeCase, case.report_id, by="cli:lan", **words))])

        assert topics(rooms).count("case.rehomed") == 1

    def test_is_seen_in_the_metrics_until_it_is_done(self, rooms, quang_tri, rehome):
        a_case(rooms, "routed")
        load(rooms, ending(quang_tri, successor="sxd", effective_to=date(2020, 1, 1)))
        before = metric(rooms, "hoiam_cases_of_ended_agencies")
        rehome()

        assert (before, metric(rooms, "hoiam_cases_of_ended_agencies")) == ({"": 1}, {"": 0})


class TestOldNames:
    @pytest.fixture
    def case(self, rooms, quang_tri, rehome) -> Any:
        """Of an agency that was merged."""
        case = a_case(rooms, "routed")
        load(rooms, ending(quang_tri, successor="sxd"))
        rehome()
        return case

    def test_a_token_of_before_works_for_the_successor(self, call, case):
        call.watch.at = AFTER + HOUR
        listed = call.get("agency:dh", "/v1/cases", view="mine").json()["cases"]
        accepted = call.post("agency:dh", f"/v1/cases/{case.report_id}/accept")

        assert [row["report_id"] for row in listed] == [str(case.report_id)]
        assert (accepted.status_code, accepted.json()["state"]) == (200, "in_progress")
        assert call.get("agency:vl", f"/v1/cases/{case.report_id}").status_code == 404

    def test_a_user_of_before_asks_for_the_successor_and_hears_the_answer(self, rooms, handling, case):
        handling.together([envelope(asked(say.AcceptCase, case.report_id, at=AFTER + HOUR))])

        done = said(rooms)[-1]
        assert case_of(rooms, case).state == "in_progress"
        assert (done.topic, done.agency) == ("request.done", "dh")

    def test_until_its_cases_were_given_on_it_speaks_for_itself(self, rooms, quang_tri, handling, call):
        case = a_case(rooms, "routed")
        load(rooms, ending(quang_tri, successor="sxd"))
        call.watch.at = AFTER + HOUR

        assert call.get("agency:dh", f"/v1/cases/{case.report_id}").status_code == 200
        assert call.post("agency:dh", f"/v1/cases/{case.report_id}/accept").status_code == 200

    def test_before_the_end_it_is_the_agencys_own(self, rooms, quang_tri, handling):
        case = a_case(rooms, "routed")
        load(rooms, ending(quang_tri, successor="sxd"))

        handling.together([envelope(asked(say.AcceptCase, case.report_id, at=MONDAY + HOUR))])

        assert case_of(rooms, case).agency == "dh"

    def test_an_agency_founded_since_can_be_given_an_older_case(self, rooms, quang_tri, handling):
        case = a_case(rooms, "routed")
        new = quang_tri.agencies["sxd"].model_copy(update={"code": "moi"})
        load(rooms, quang_tri.model_copy(update={"agencies": quang_tri.agencies | {"moi": new}}))

        handling.together([envelope(asked(say.RouteReport, case.report_id, by=CENTRE, agency="moi", reason="Đơn vị mới"))])

        assert case_of(rooms, case).agency == "moi"
