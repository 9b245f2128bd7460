"""The registry of agencies, what waits for each, and what is sent again to one that lost it."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services.cli import rehoming
from services.cli.process import CannotStart
from services.sla.store import agencies
from shared.database import Sessions
from shared.envelope import decode
from tests.builders import MONDAY, envelope, received, routed
from tests.sla.cases import HOUR
from tests.sla.holding import a_case, case_of, metric
from tests.sla.ways import WAYS, about

NOW = datetime(2026, 11, 18, 9, tzinfo=MONDAY.tzinfo)


@pytest.fixture
def url(copied_url) -> str:
    return copied_url


@pytest.fixture
def rooms(copied_rooms) -> Sessions:
    return copied_rooms


def assignments(rooms: Sessions, report: Any) -> list[tuple[str, Any]]:
    """Ids and contents of those in the outbox, in order."""
    with rooms() as session:
        bodies = session.scalars(text("SELECT body FROM outbox WHERE type = 'vn.hoiam.assignment.v1' ORDER BY id")).all()
    found = [decode(bytes(body)) for body in bodies]
    return [(str(one.id), one.message) for one in found if one.message.report_id == report.report_id]


class TestRedeliver:
    @pytest.mark.parametrize("way", ["routed", "transferred", "in progress", "sent back", "objected", "waiting"])
    def test_sends_an_open_cases_assignment_again_under_the_id_it_had(self, rooms, handling, url, way):
        report = received()
        handling.together([envelope(report)])
        for kind in WAYS[way][1]:
            handling.together([envelope(about(kind, case_of(rooms, report)))])
        case = case_of(rooms, report)
        *_, (first, _) = assignments(rooms, report)

        assert rehoming.redeliver(url, case.agency, date(2026, 11, 1), NOW, lambda _: None) == 1

        again, work = assignments(rooms, report)[-1]
        assert (again, work.version) == (first, case.version)

    def test_leaves_out_what_was_given_before(self, rooms, url):
        a_case(rooms, "routed")

        assert rehoming.redeliver(url, "dh", date(2026, 11, 17), NOW, lambda _: None) == 0

    @pytest.mark.parametrize("way", ["submitted", "resolved", "cancelled", "returned"])
    def test_leaves_out_what_is_not_to_be_worked_on(self, rooms, url, way):
        a_case(rooms, way)

        assert rehoming.redeliver(url, "dh", date(2026, 11, 1), NOW, lambda _: None) == 0

    def test_knows_no_stranger(self, rooms, url):
        with pytest.raises(CannotStart, match="no agency has the code 'xx'"):
            rehoming.redeliver(url, "xx", date(2026, 11, 1), NOW, lambda _: None)


class TestMetrics:
    def test_tell_how_much_an_agency_has_not_taken_up_and_for_how_long(self, rooms):
        a_case(rooms, "routed")
        a_case(rooms, "routed")
        a_case(rooms, "in progress")
        with rooms() as session:
            queue = agencies.queues(session)["dh"]

        assert (queue.waiting, queue.unsent) == (2, 0)
        assert timedelta(0) <= queue.since - MONDAY < HOUR
        assert metric(rooms, "hoiam_agency_waiting_cases") == {"dh": 2}
        assert metric(rooms, "hoiam_agency_waiting_seconds").keys() == {"dh"}

    def test_tell_what_its_queue_did_not_take(self, rooms, handling):
        report = received()
        handling.together([envelope(report)])
        handling.together([envelope(routed(report))])
        with rooms.begin() as session:
            session.execute(text("UPDATE outbox SET attempts = 1 WHERE exchange = 'hoiam.agencies'"))

        assert metric(rooms, "hoiam_agency_unsent_messages") == {"dh": 1}


class TestRegistry:
    def test_tells_everybody_who_works_here_whom_to_name(self, call, rooms):
        a_case(rooms, "routed")

        listed = {line["code"]: line for line in call.get("agency:dh", "/v1/agencies").json()["agencies"]}

        assert len(listed) == 124
        assert (listed["dh"]["waiting"], listed["dh"]["duties_with"]) == (1, "dh")
        assert (listed["sgtvt"]["waiting"], listed["sgtvt"]["duties_with"], listed["sgtvt"]["effective_to"]) == (0, "sxd", "2025-03-01")

    def test_tells_of_one_whom_to_call_and_who_was_before(self, call):
        told = call.get("operator", "/v1/agencies/sxd").json()

        assert (told["queue"], told["predecessors"]) == ("agency.sxd", ["sgtvt"])
        assert [contact["who"]["vi"] for contact in told["escalation"]] == ["Chánh Văn phòng UBND tỉnh"]
        assert call.get("operator", "/v1/agencies/xx").json()["code"] == "no_such_agency"
