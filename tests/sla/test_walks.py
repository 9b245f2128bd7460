"""Any walk of a few reports through sla, on a real PostgreSQL: in any order, twice, late, by the wrong people, under a policy that changes.

What must hold after each step is in the invariants of :class:`Walk`; on a failure hypothesis prints the steps.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from services.sla import store
from services.sla.domain.audit import breaks
from services.sla.domain.calendar import Calendar
from services.sla.domain.case import Case
from services.sla.domain.clocks import Timekeeper
from services.sla.domain.custody import REPORTER, stints
from services.sla.domain.history import Move
from services.sla.domain.lifecycle import OPEN, State
from services.sla.handlers import HANDLERS
from services.sla.store import open_cases
from shared import messages as say
from shared import province
from shared.database import Sessions, engine, migrate, sessions
from shared.envelope import Envelope
from shared.errors import NotYet, Refused
from shared.handling import Handling
from shared.messages import Message
from shared.province import Allowance, Province
from tests.builders import MONDAY, envelope, received
from tests.conftest import drop_database, fresh_database
from tests.sla.cases import HOUR, changed
from tests.sla.ways import ALLOWED, FACTS, REQUESTS, about, in_database, may

MINUTE = timedelta(minutes=1)
NAMES = [uuid5(UUID(int=0), f"report {n}") for n in range(3)]
REPORTS = st.sampled_from(NAMES)
KINDS = sorted(ALLOWED, key=lambda kind: kind.topic)
QUIET = 5  # ticks after which nothing more is due

# Which clocks run in a state, beside those of the reporter's messages and of word of progress.
RUNNING = {
    State.RECEIVED: ({"route"}, {"route", "resolve"}),
    State.ROUTED: ({"take_up", "resolve"},),
    State.IN_PROGRESS: ({"resolve"},),
    State.WAITING: ({"pause"},),
    State.SUBMITTED: ({"approve"},),
    State.RESOLVED: ({"objection"},),
}
HURRIED = {State.RECEIVED, State.ROUTED, State.IN_PROGRESS}  # where word of progress may be owed


@dataclass(frozen=True)
class Ground:
    """An empty database of sla, ready to be copied, and the rules in force in it."""

    postgres_url: str
    template: str
    keeper: Timekeeper


@pytest.fixture(scope="module")
def ground(module_database_url: str, postgres_url: str, keeper: Timekeeper) -> Ground:
    migrate(module_database_url, "sla")
    of = engine(module_database_url, "sla")
    with sessions(of).begin() as session:
        province.store(session, keeper.province, MONDAY)
    of.dispose()
    return Ground(postgres_url, module_database_url.rsplit("/", 1)[1], keeper)


def stricter(keeper: Timekeeper) -> Province:
    """The next policy: everything takes half the time."""
    classes = {name: Allowance(amount=1, unit="hours", time="working") for name in keeper.province.policy.classes}
    return changed(keeper, classes=classes, pause_limit=Allowance(amount=1, unit="hours", time="working")).province


def without_clock(rooms: Sessions) -> list[float]:
    """The metric that is always 0."""
    with rooms() as session:
        [family] = [family for family in open_cases.gauges(session) if family.name == "hoiam_open_cases_without_clock"]
    return [sample.value for sample in family.samples]


class Walk(RuleBasedStateMachine):
    """``late`` is what was written and has not come yet, ``sent`` what has come (and may come again)."""

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self.keeper, self.now = ground.keeper, MONDAY
        self.url = fresh_database(ground.postgres_url, ground.template)
        self.of = engine(self.url, "sla", pool=2)
        self.rooms = sessions(self.of)
        self.handling = Handling(service="sla", handlers=HANDLERS, sessions=self.rooms, preload=store.preload)
        self.late: list[Envelope] = []
        self.sent: list[Envelope] = []
        self.reloaded = False
        self.seen: dict[UUID, tuple[Case, list[Move]]] = {}

    def teardown(self) -> None:
        stuck = without_clock(self.rooms)
        self.of.dispose()
        drop_database(self.url)
        assert stuck == [0]

    # --- what happens -----------------------------------------------------------------------------------------------------

    @initialize(urgent=st.lists(st.booleans(), min_size=3, max_size=3), opened=st.integers(1, 3))
    def reports_come(self, urgent: list[bool], opened: int) -> None:
        self.reports = {name: received(report_id=name, tracking_code=f"QT-{n}", urgent=urgent[n]) for n, name in enumerate(NAMES)}
        for name in NAMES[:opened]:
            self.come(envelope(self.reports[name]))
        self.late += [envelope(self.reports[name]) for name in NAMES[opened:]]

    @rule(report=REPORTS, data=st.data())
    def what_may_happen(self, report: UUID, data: st.DataObject) -> None:
        """The next step of the lifecycle: it is never refused by the table."""
        case = self.case(report)
        if report not in self.seen:
            return
        kind = data.draw(st.sampled_from([kind for kind in KINDS if may(kind, case)]))
        outcome = self.come(envelope(self.message(kind, case)))
        assert not (isinstance(outcome, Refused) and outcome.code == "illegal_move"), outcome

    @rule(report=REPORTS, kind=st.sampled_from(REQUESTS), by=st.sampled_from(["", "agency:txqt"]))
    def what_is_asked(self, report: UUID, kind: type[Message], by: str) -> None:
        self.come(envelope(self.message(kind, self.case(report), **({"by": by} if by else {}))))

    @rule(report=REPORTS, kind=st.sampled_from(FACTS), late=st.booleans())
    def what_is_told(self, report: UUID, kind: type[Message], late: bool) -> None:
        told = envelope(self.message(kind, self.case(report)))
        if late:
            self.late.append(told)
        else:
            self.come(told)

    @precondition(lambda self: self.late)
    @rule(data=st.data())
    def what_was_late_comes(self, data: st.DataObject) -> None:
        self.come(self.late.pop(data.draw(st.integers(0, len(self.late) - 1))))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def what_came_comes_again(self, data: st.DataObject) -> None:
        before = self.everything()
        assert self.handling.batch([data.draw(st.sampled_from(self.sent))], self.now) == [False]
        assert self.everything() == before

    @rule(minutes=st.sampled_from([1, 20, 45, 3 * 60, 9 * 60, 26 * 60, 4 * 24 * 60, 9 * 24 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.now += minutes * MINUTE
        self.everything_due_is_said()

    def everything_due_is_said(self) -> None:
        said = [self.handling.tick(self.now) for _ in range(QUIET)]
        assert said[-1] == 0, f"always something more to say: {said}"

    @precondition(lambda self: not self.reloaded)
    @rule()
    def the_policy_is_reloaded(self) -> None:
        """No clock that runs is moved, at once or by the next look at the time."""
        self.everything_due_is_said()  # of what came late, something may be due already
        before = self.everything()
        with self.rooms.begin() as session:
            province.store(session, stricter(self.keeper), self.now)
        self.reloaded = True
        assert self.handling.tick(self.now) == 0
        assert self.everything() == before

    # --- what always holds ------------------------------------------------------------------------------------------------

    @invariant()
    def every_case_is_whole(self) -> None:
        for case, moves in self.cases():
            self.has_one_holder(case, moves)
            self.has_its_clocks(case)
            self.has_its_history(case, moves)
            self.keeps_its_word(case, moves)
            self.seen[case.report_id] = (case, moves)

    @invariant()
    def leaders_know_their_followers(self) -> None:
        cases = [case for case, _ in self.seen.values()]
        for case in cases:
            assert case.followers == sum(other.leader_id == case.report_id for other in cases)
            assert (case.leader_id is not None) == (case.state == State.MERGED)

    def has_one_holder(self, case: Case, moves: list[Move]) -> None:
        found = stints(moves, self.keeper.calendar, self.now)
        going_on = [stint.holder for stint in found if stint.ends is None]
        holder = REPORTER if case.state == State.WAITING else self.centre if case.state == State.SUBMITTED else case.agency
        assert going_on == ([holder] if case.state in OPEN else [])
        ends = found[-1].ends or max(self.now, found[-1].begins)
        assert sum((stint.working for stint in found), timedelta(0)) == worked(self.keeper.calendar, moves[0].at, ends)

    def has_its_clocks(self, case: Case) -> None:
        names = [clock.name for clock in case.clocks if clock.running and clock.name != "answer"]
        assert len(names) == len(set(names)), names
        assert "progress" not in names or case.state in HURRIED
        assert set(names) - {"progress"} in RUNNING.get(case.state, (set(),)), (case.state, names)
        assert all(clock.next_at is None for clock in case.clocks if not clock.running)
        assert all(clock.due_at == case.due_at for clock in case.running("resolve"))

    def has_its_history(self, case: Case, moves: list[Move]) -> None:
        assert case.version == len(moves)
        assert moves[-1].target == case.state
        assert list(breaks(moves, [(case.report_id, case.version, case.last_hash)])) == [None]

    def keeps_its_word(self, case: Case, moves: list[Move]) -> None:
        """Only a routing brings a deadline forward, or beginning anew where there was more time than the class gives; the first promise
        and the policy stay, and what was written stays."""
        before, written = self.seen.get(case.report_id, (case, moves))
        assert [move.hash for move in moves[: len(written)]] == [move.hash for move in written]
        assert case.policy_version == before.policy_version
        assert before.promised_at in (None, case.promised_at)
        if case.due_at and before.due_at and case.due_at < before.due_at:
            assert {"route", "object", "reopen"} & {move.trigger for move in moves[len(written) :]}

    # --- how it is done ---------------------------------------------------------------------------------------------------

    @property
    def centre(self) -> str:
        return self.keeper.province.centre

    def come(self, envelope: Envelope) -> Any:
        """Handled, refused without a trace, or too early: then it comes later. Anything else is a fault."""
        before = self.everything()
        [outcome] = self.handling.batch([envelope], self.now)
        if isinstance(outcome, NotYet):
            self.late.append(envelope)
        elif not isinstance(outcome, Refused):
            assert outcome is True, outcome
            self.sent.append(envelope)
            return outcome
        assert self.everything() == before
        return outcome

    def message(self, kind: type[Message], case: Case, **fields: Any) -> Message:
        if kind is say.ReportReceived:
            return self.reports[case.report_id]
        if kind is say.MergeCase:
            fields["leader_id"] = NAMES[(NAMES.index(case.report_id) + 1) % len(NAMES)]
        if kind is say.ReportCommented:
            fields["comment_id"] = uuid5(case.report_id, f"{len(self.sent)} {len(self.late)}")
        return about(kind, case, self.now, **fields)

    def case(self, report: UUID) -> Case:
        """As it is, or as it would be had it come."""
        known = self.seen.get(report)
        return known[0] if known else Case.open(self.reports[report], self.keeper)[0]

    def cases(self) -> Iterator[tuple[Case, list[Move]]]:
        with self.rooms() as session:
            for case in store.cases_where(session):
                yield case, store.history_of(session, case.report_id)

    def everything(self) -> tuple[list[str], Any]:
        with self.rooms() as session:
            return in_database(session, *NAMES), session.scalar(text("SELECT count(*) FROM outbox"))


def worked(calendar: Calendar, since: datetime, until: datetime) -> timedelta:
    return max(calendar.between(since, until), timedelta(0))


class TestAnyWalk:
    def test_keeps_every_case_held_timed_and_written_down(self, ground):
        run_state_machine_as_test(
            lambda: Walk(ground),
            settings=settings(
                max_examples=25,
                stateful_step_count=40,
                deadline=None,
                phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )


class TestInvariant:
    def test_is_a_metric_that_sees_a_clock_stopped_behind_the_services_back(self, handling, rooms):
        handling.together([envelope(received()), envelope(received())])
        assert without_clock(rooms) == [0]

        with rooms.begin() as session:
            session.execute(
                text("UPDATE clocks SET stopped_at = :at WHERE id = (SELECT min(id::text)::uuid FROM clocks)"), {"at": MONDAY + HOUR}
            )

        assert without_clock(rooms) == [1]
