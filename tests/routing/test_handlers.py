"""routing's handlers through the runtime, on a real PostgreSQL."""

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from services.routing import store
from services.routing.domain.placement import State
from shared.database import Sessions
from shared.errors import NotYet
from shared.handling import Handling
from shared.messages import (
    CaseAssigned,
    CaseCancelled,
    CaseMerged,
    CaseRefused,
    CaseRehomed,
    CaseReturned,
    CaseUnmerged,
    Location,
    ReportReceived,
    ReportRouted,
    ReportUnrouted,
)
from shared.province import NoProvince
from tests.builders import MONDAY, delivered, envelope, received, said, topics
from tests.statements import heard

LATER = MONDAY + timedelta(hours=2)


def returned(report: ReportReceived, *, by: str = "dh", to: str = "", hop: int = 1) -> CaseReturned:
    return CaseReturned(
        report_id=report.report_id, at=LATER, version=hop + 2, agency=by, reason="Không thuộc địa bàn", proposed_agency=to, hop=hop
    )


def assigned(report: ReportReceived, agency: str = "dh", *, hop: int = 1) -> CaseAssigned:
    return CaseAssigned(report_id=report.report_id, at=LATER, version=hop + 1, agency=agency, due_at=LATER, hop=hop)


def ended(report: ReportReceived, kind: type[Any] = CaseCancelled) -> Any:
    words = {"reason": "Người dân rút phản ánh", "reason_code": "out_of_scope", "redirect": "Toà án", "leader_id": uuid4()}
    return kind(report_id=report.report_id, at=LATER, version=9, agency="ioc", **words)


def understand(handling: Handling, *messages: Any) -> None:
    """Each in a transaction of its own."""
    for message in messages:
        handling.together([envelope(message)])


def placement(rooms: Sessions, report: ReportReceived) -> Any:
    with rooms() as session:
        return store.placement_of(session, report.report_id)


def in_triage(rooms: Sessions) -> list[str]:
    with rooms() as session:
        return [entry.report.tracking_code for entry in store.page_of_triage(session, after=None, limit=10)]


class TestRouteReport:
    def test_says_who_answers(self, handling, rooms):
        report = received()

        understand(handling, report)

        [routed] = said(rooms)
        assert isinstance(routed, ReportRouted)
        assert (routed.agency, routed.rule, routed.sla_class, routed.hop, routed.at) == ("dh", "do-thi", "S3", 1, report.at)

    def test_says_when_nobody_can_be_named(self, handling, rooms):
        report = received(category="KH99")

        understand(handling, report)

        [unrouted] = said(rooms)
        assert isinstance(unrouted, ReportUnrouted)
        assert in_triage(rooms) == [report.tracking_code]

    def test_the_same_report_twice_is_routed_once(self, handling, rooms):
        report = received()

        understand(handling, report, report)

        assert topics(rooms) == ["report.routed"]

    def test_without_a_province_it_fails_and_says_nothing(self, handling, rooms):
        with rooms.begin() as session:
            session.execute(text("DELETE FROM province"))

        with pytest.raises(NoProvince):
            understand(handling, received())

        assert topics(rooms) == []

    def test_a_hundred_reports_take_a_handful_of_statements(self, handling, rooms):
        with heard(rooms.kw["bind"]) as statements:
            handling.together([envelope(received()) for _ in range(100)])

        assert len(topics(rooms)) == 100
        assert len(statements) - 1 <= 8, statements  # inbox, reports, province and its version, two inserts, outbox


class TestRouteAgain:
    def test_goes_once_to_whom_the_returner_proposes(self, handling, rooms):
        report = received()

        understand(handling, report, assigned(report), returned(report, to="hl"))

        last = said(rooms)[-1]
        assert isinstance(last, ReportRouted)
        assert (last.agency, last.rule, last.hop, last.sla_class) == ("hl", "proposed", 2, "S3")

    @pytest.mark.parametrize("to", ["", "nobody", "dh", "ioc"])
    def test_without_another_agency_a_person_decides(self, handling, rooms, to):
        report = received()

        understand(handling, report, returned(report, to=to))

        assert topics(rooms) == ["report.routed", "report.unrouted"]
        assert said(rooms)[-1].hop == 2

    def test_the_second_bounce_goes_to_a_person_whoever_is_proposed(self, handling, rooms):
        report = received()

        understand(handling, report, returned(report, to="hl"), assigned(report, "hl", hop=2), returned(report, by="hl", to="cl", hop=2))

        assert topics(rooms) == ["report.routed", "report.routed", "report.unrouted"]
        assert said(rooms)[-1].hop == 3
        assert in_triage(rooms) == [report.tracking_code]

    def test_the_same_return_twice_counts_once(self, handling, rooms):
        report = received()

        understand(handling, report, returned(report, to="hl"), returned(report, to="hl"))

        assert topics(rooms) == ["report.routed", "report.routed"]
        assert placement(rooms, report).returns == [1]

    def test_before_its_report_it_is_not_yet_time(self, handling):
        with pytest.raises(NotYet):
            understand(handling, returned(received()))

    def test_of_a_report_that_ended_says_nothing(self, handling, rooms):
        report = received()

        understand(handling, report, ended(report), returned(report, to="hl"))

        assert topics(rooms) == ["report.routed"]

    def test_a_bounce_after_routing_by_hand_still_may_go_to_another(self, handling, rooms):
        report = received(category="KH99")

        understand(handling, report, assigned(report, "cl"), returned(report, by="cl", to="hl"))

        last = said(rooms)[-1]
        assert (last.agency, last.hop, last.sla_class) == ("hl", 2, "S7")


class TestTriage:
    @pytest.mark.parametrize("news", [assigned, ended, lambda report: ended(report, CaseRefused), lambda report: ended(report, CaseMerged)])
    def test_is_left_when_a_person_decided(self, handling, rooms, news):
        report = received(category="KH99")

        understand(handling, report, news(report))

        assert in_triage(rooms) == []

    def test_has_a_duplicate_again_that_is_a_matter_of_its_own_after_all(self, handling, rooms):
        report = received()

        understand(handling, report, ended(report, CaseMerged), ended(report, CaseUnmerged))

        assert in_triage(rooms) == [report.tracking_code]

    def test_is_not_left_by_news_of_an_earlier_routing(self, handling, rooms):
        report = received()

        understand(handling, report, returned(report), assigned(report, hop=1))

        assert in_triage(rooms) == [report.tracking_code]

    def test_remembers_that_a_person_decided(self, handling, rooms):
        report, other = received(category="KH99"), received()

        understand(handling, report, assigned(report, "cl"), other, assigned(other, "dh"))

        assert (placement(rooms, report).state, placement(rooms, report).agency) == (State.BY_HAND, "cl")
        assert placement(rooms, other).state == State.PLACED

    def test_comes_in_pages_in_the_order_of_receipt(self, handling, rooms):
        reports = [received(category="KH99") for _ in range(5)]
        understand(handling, *reports)
        by_id = sorted(report.report_id for report in reports)

        with rooms() as session:
            first = store.page_of_triage(session, after=None, limit=3)
            rest = store.page_of_triage(session, after=first[-1].report_id, limit=3)

        assert [entry.report_id for entry in first + rest] == by_id


class TestSuccession:
    def test_names_the_successor_and_is_nobodys_decision(self, handling, rooms):
        report = received()
        rehomed = CaseRehomed(report_id=report.report_id, at=LATER, version=3, agency="sxd", before="dh", reason="Sáp nhập")

        understand(handling, report, assigned(report), rehomed, rehomed)

        end = placement(rooms, report)
        assert (end.agency, end.state, end.hop, end.returns) == ("sxd", State.PLACED, 1, [])
        assert topics(rooms) == ["report.routed"]

    def test_of_an_agency_that_has_it_no_more_changes_nothing(self, handling, rooms):
        report = received()
        rehomed = CaseRehomed(report_id=report.report_id, at=LATER, version=3, agency="sxd", before="dh", reason="Sáp nhập")

        understand(handling, report, assigned(report, "hl", hop=2), rehomed)

        assert placement(rooms, report).agency == "hl"


class TestAnyOrder:
    def test_ends_in_the_same_place(self, handling, rooms):
        """Facts of one report in every order, those that come too early held and tried again."""
        for number, order in enumerate(permutations(range(4))):
            report = received(report_id=uuid4())
            story = [report, assigned(report), returned(report, to="hl"), assigned(report, "hl", hop=2)]
            at = MONDAY + timedelta(hours=number)

            handling.deliveries([delivered(story[index]) for index in order], at)
            for again in range(1, 4):
                handling.retry_due(at + timedelta(seconds=10 * again))

            end = placement(rooms, report)
            assert (end.agency, end.hop, end.returns) == ("hl", 2, [1]), order


class TestDecisions:
    def test_are_kept_with_the_version_of_the_rules(self, handling, rooms):
        report = received()

        understand(handling, report, returned(report, to="hl"), returned(report, by="hl", hop=2))

        with rooms() as session:
            rows = session.execute(text("SELECT hop, rule, agency, province_version FROM decisions ORDER BY hop")).all()
        assert [tuple(row) for row in rows] == [(1, "do-thi", "dh", 1), (2, "proposed", "hl", 1), (3, "", "", 1)]

    @pytest.mark.parametrize("statement", ["UPDATE decisions SET agency = 'x'", "DELETE FROM decisions"])
    def test_can_not_be_changed(self, handling, rooms, statement):
        understand(handling, received())

        with rooms() as session, pytest.raises(ProgrammingError, match="permission denied"):
            session.execute(text(statement))


class TestGauges:
    def test_count_reports_by_outcome(self, handling, rooms):
        report = received(category="KH99")
        understand(handling, received(), received(location=Location()), report, assigned(report))

        with rooms() as session:
            samples = {(s.name, s.labels.get("outcome", "")): s.value for family in store.gauges(session) for s in family.samples}

        assert samples == {
            ("hoiam_routed_reports", "placed"): 1,
            ("hoiam_routed_reports", "triage"): 1,
            ("hoiam_routed_reports", "by_hand"): 1,
            ("hoiam_routed_reports", "ended"): 0,
            ("hoiam_triage_reports", ""): 1,
        }
