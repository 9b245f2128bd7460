"""Everything that may be asked of a case or told about it, in every state it can be in, through the real handlers on a real PostgreSQL."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import pytest

from services.sla import store
from services.sla.domain.case import Case
from services.sla.domain.lifecycle import TABLE, State
from services.sla.handlers import HANDLERS
from shared import messages as say
from shared import province
from shared.database import Sessions, engine, migrate, sessions
from shared.errors import Forbidden, NotFound, NotYet, Refused
from shared.handling import Handling
from shared.messages import Message, Tick
from shared.province import Province
from tests.builders import MONDAY, envelope
from tests.sla.cases import DAY
from tests.sla.ways import (
    ALLOWED,
    FACTS,
    OF_AGENCIES,
    REQUESTS,
    WAYS,
    about,
    go,
    handle,
    in_database,
    in_memory,
    leader_of,
    may,
)  # fmt: skip

# What is not allowed in a state has one code for all; an answer is refused for want of a question.
CODES: dict[type[Message], str] = {kind: "illegal_move" for kind in REQUESTS} | {say.AnswerReporter: "no_such_comment"}
TRIGGERS: dict[type[Message], str] = {
    say.AcceptCase: "accept", say.ReturnCase: "return", say.AskReporter: "ask", say.RouteReport: "route", say.RefuseReport: "refuse",
    say.ApproveResult: "approve", say.SendBackResult: "send_back", say.ReopenCase: "reopen", say.CancelCase: "cancel",
    say.MergeCase: "merge", say.UnmergeCase: "unmerge", say.RehomeCase: "rehome", say.ReportRouted: "route", say.ReportWithdrawn: "cancel",
    say.ReportObjected: "object",
}  # fmt: skip


@pytest.fixture(scope="module")
def all_rooms(module_database_url: str, quang_tri: Province) -> Iterator[Sessions]:
    """One database for the whole file: each test opens a case of its own."""
    migrate(module_database_url, "sla")
    of = engine(module_database_url, "sla")
    with sessions(of).begin() as session:
        province.store(session, quang_tri, MONDAY)
    yield sessions(of)
    of.dispose()


@pytest.fixture
def desk(all_rooms: Sessions) -> "Desk":
    return Desk(all_rooms)


class Desk:
    """sla, and one look at a case before and after."""

    def __init__(self, rooms: Sessions) -> None:
        self.rooms = rooms
        self.handling = Handling(service="sla", handlers=HANDLERS, sessions=rooms, preload=store.preload)

    def case(self, way: str, *more: type[Message]) -> Case:
        with self.rooms.begin() as session:
            return go(session, way, *more)

    def rows(self, case: Case) -> list[str]:
        with self.rooms() as session:
            return in_database(session, case.report_id, leader_of(case))

    def outcome(self, message: Message) -> Any:
        """True, False, or the exception."""
        [outcome] = self.handling.batch([envelope(message)])
        return outcome

    def refusal(self, message: Message) -> str:
        """The code of the refusal, having looked that nothing changed: not in the database, and not in the case that was loaded."""
        before = self._rows_of(message)
        refused = self.outcome(message)
        assert isinstance(refused, Refused), refused
        assert self._rows_of(message) == before
        assert self._in_memory(message) == refused.code
        return refused.code

    def _rows_of(self, message: Message) -> list[str]:
        with self.rooms() as session:
            return in_database(session, message.report_id)

    def _in_memory(self, message: Message) -> str:
        with self.rooms() as session:
            store.preload([message], session)
            case = store.case_of(session, message.report_id)
            before = in_memory(case)
            with pytest.raises(Refused) as refused:
                handle(session, message)
            assert in_memory(case) == before
        return refused.value.code

    def is_ignored(self, message: Message) -> bool:
        """Whether it is no error and does nothing."""
        with self.rooms() as session:
            before, spoken = in_database(session, message.report_id), said_about(session)
        assert self.outcome(message) is True
        with self.rooms() as session:
            return (in_database(session, message.report_id), said_about(session)) == (before, spoken)


def said_about(session: Any) -> int:
    """How much was said in all."""
    return int(session.connection().exec_driver_sql("SELECT count(*) FROM outbox").scalar_one())


def pairs(kinds: tuple[type[Message], ...]) -> Any:
    every = sorted(product(kinds, WAYS), key=lambda pair: (pair[0].topic, pair[1]))
    return pytest.mark.parametrize(("kind", "way"), every, ids=[f"{kind.__name__}-{way}" for kind, way in every])


class TestMatrix:
    def test_covers_every_state_and_everything_that_sla_understands(self):
        assert {state for state, _ in WAYS.values()} == set(State)
        assert set(ALLOWED) == set(HANDLERS) - {Tick}

    @pytest.mark.parametrize(("kind", "trigger"), TRIGGERS.items(), ids=TRIGGERS.values())
    def test_is_what_the_table_of_the_lifecycle_says(self, kind, trigger):
        rows = [row["source"] for row in TABLE if row["trigger"] == trigger]
        sources = {state for source in rows for state in (source if isinstance(source, list) else [source])}

        assert ALLOWED[kind] == sources

    @pytest.mark.parametrize("way", WAYS)
    def test_each_way_leads_where_it_says(self, desk, way):
        assert desk.case(way).state == WAYS[way][0]


class TestRequest:
    @pairs(REQUESTS)
    def test_is_done_where_the_table_allows_it_else_refused_with_its_code_and_nothing_changes(self, desk, kind, way):
        case = desk.case(way)
        message = about(kind, case, version=case.version)  # asked by somebody who saw the case as it is

        if not may(kind, case):
            assert desk.refusal(message) == CODES[kind]
            return
        before = desk.rows(case)
        assert desk.outcome(message) is True
        assert len(desk.rows(case)) > len(before)

    @pairs(OF_AGENCIES)
    def test_of_an_agency_that_does_not_hold_the_case_is_forbidden_in_any_state(self, desk, kind, way):
        message = about(kind, desk.case(way), by="agency:txqt")

        assert desk.refusal(message) == "not_your_case"
        assert isinstance(desk.outcome(message), Forbidden)

    @pytest.mark.parametrize("way", WAYS)
    def test_an_answer_to_the_reporter_is_possible_in_any_state_and_once(self, desk, way):
        case = desk.case(way, say.ReportCommented)
        answer = about(say.AnswerReporter, case)

        assert desk.outcome(answer) is True
        assert desk.refusal(answer) == "no_such_comment"

    @pytest.mark.parametrize("kind", [kind for kind in REQUESTS if kind is not say.AnswerReporter], ids=lambda kind: kind.__name__)
    def test_of_somebody_who_saw_the_case_before_its_last_move_is_stale(self, desk, kind):
        way = next(way for way, (state, steps) in WAYS.items() if steps and state in ALLOWED[kind] and way != "in triage")
        case = desk.case(way)

        assert desk.refusal(about(kind, case, version=case.moved - 1)) == "stale"

    @pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
    def test_about_a_report_nobody_knows_is_not_found(self, desk, kind):
        message = about(kind, desk.case("received")).model_copy(update={"report_id": uuid4()})

        assert isinstance(desk.outcome(message), NotFound)


LATE = MONDAY + 20 * DAY
FAULTS = [
    (say.MergeCase, "in progress", lambda case: {"leader_id": case.report_id}, "same_case"),
    (say.MergeCase, "in progress", lambda _: {"leader_id": uuid4()}, "not_found"),
    (say.RouteReport, "received", lambda _: {"agency": "nowhere"}, "no_such_agency"),
    (say.RouteReport, "received", lambda _: {"category": "nothing"}, "no_such_category"),
    (say.RouteReport, "received", lambda _: {"sla_class": "never"}, "no_such_class"),
    (say.ReturnCase, "routed", lambda case: {"proposed_agency": case.agency}, "proposes_itself"),
    (say.ReturnCase, "routed", lambda _: {"proposed_agency": "nowhere"}, "no_such_agency"),
    (say.SubmitResult, "routed", lambda _: {"evidence": ()}, "evidence_missing"),
    (say.SubmitResult, "in progress", lambda _: {"evidence": ()}, "evidence_missing"),
    (say.ReportProgress, "in progress", lambda _: {"at": LATE, "expected_on": None}, "date_missing"),
    (say.ReportProgress, "in progress", lambda _: {"at": LATE, "expected_on": MONDAY.date()}, "date_missing"),
    (say.ExtendCase, "in progress", lambda case: {"until": case.due_at + 30 * DAY}, "too_long"),
    (say.ExtendCase, "in progress", lambda case: {"until": case.due_at}, "too_long"),
    (say.ExtendCase, "in progress", lambda _: {"at": LATE}, "expired"),
    (say.RequestExtension, "in progress", lambda case: {"until": case.due_at}, "too_long"),
    (say.RequestExtension, "in progress", lambda _: {"at": LATE}, "expired"),
]


class TestFault:
    @pytest.mark.parametrize(("kind", "way", "fault", "code"), FAULTS, ids=[f"{kind.__name__}-{code}" for kind, _, _, code in FAULTS])
    def test_in_a_request_has_a_code_of_its_own_and_changes_nothing(self, desk, kind, way, fault, code):
        case = desk.case(way)

        assert desk.refusal(about(kind, case, **fault(case))) == code

    def test_a_second_extension_is_refused(self, desk):
        case = desk.case("in progress", say.ExtendCase)

        assert [desk.refusal(about(kind, case)) for kind in (say.ExtendCase, say.RequestExtension)] == ["extended_before"] * 2

    def test_a_third_return_is_refused_for_the_centre_has_decided(self, desk):
        back = (say.ReturnCase, say.RouteReport)

        assert desk.refusal(about(say.ReturnCase, desk.case("routed", *back, *back))) == "settled"

    def test_waiting_longer_than_the_policy_allows_in_all_is_refused(self, desk):
        case = desk.case("waiting")
        with desk.rooms.begin() as session:
            store.preload([about(say.ReportCommented, case)], session)
            handle(session, about(say.ReportCommented, case, LATE))

        assert desk.refusal(about(say.AskReporter, case, LATE + timedelta(hours=1))) == "pause_used_up"

    @pytest.mark.parametrize("kind", [say.RefuseReport, say.CancelCase, say.MergeCase], ids=lambda kind: kind.__name__)
    def test_who_leads_others_is_neither_refused_nor_cancelled_nor_merged(self, desk, kind):
        follower = desk.case("merged")
        with desk.rooms() as session:
            leader = store.case_of(session, leader_of(follower))

        assert desk.refusal(about(kind, leader, **({"leader_id": follower.report_id} if kind is say.MergeCase else {}))) == "has_followers"

    def test_what_is_not_open_leads_nobody(self, desk):
        ended, case = desk.case("closed"), desk.case("in progress")

        assert desk.refusal(about(say.MergeCase, case, leader_id=ended.report_id)) == "leader_not_open"


REPEATED = [kind for kind in FACTS if kind is not say.ReportRated]  # people may rate again: each word is kept


class TestFact:
    @pairs(FACTS)
    def test_that_is_late_is_no_error_and_does_nothing(self, desk, kind, way):
        case = desk.case(way)
        fact = about(kind, case)

        if not may(kind, case):
            assert desk.is_ignored(fact)
            return
        before = desk.rows(case)
        assert desk.outcome(fact) is True
        assert len(desk.rows(case)) > len(before)

    @pytest.mark.parametrize("kind", REPEATED, ids=lambda kind: kind.__name__)
    def test_said_again_under_another_name_does_nothing(self, desk, kind):
        way = next((way for way, (state, _) in WAYS.items() if state in ALLOWED[kind]), "received")
        fact = about(kind, desk.case(way))
        assert desk.outcome(fact) is True

        assert desk.is_ignored(fact)

    @pytest.mark.parametrize("kind", [kind for kind in FACTS if kind is not say.ReportReceived], ids=lambda kind: kind.__name__)
    def test_about_a_report_not_opened_yet_is_waited_for(self, desk, kind):
        fact = about(kind, desk.case("received")).model_copy(update={"report_id": uuid4()})

        assert isinstance(desk.outcome(fact), NotYet)

    @pytest.mark.parametrize("way", WAYS)
    def test_that_no_time_has_passed_changes_nothing(self, desk, way):
        case = desk.case(way)
        before = desk.rows(case)

        desk.handling.tick(MONDAY)

        assert desk.rows(case) == before
