"""Duplicates: who follows, who leads, and who is let go. Without any database."""

import pytest

from services.sla.domain import deciding, hearing, merging
from services.sla.domain.lifecycle import State
from shared import messages as say
from tests.builders import MONDAY, asked
from tests.sla.cases import ANSWER, CENTRE, HOUR, a_case, approved, refusal, submitted, topics


@pytest.fixture
def case(keeper):
    return a_case(keeper)


class TestMerge:
    def test_who_follows_hears_what_the_leader_hears_and_its_clocks_stand_still(self, case, keeper):
        leader = a_case(keeper)
        merged = merging.merge(case, leader, asked(say.MergeCase, case.report_id, by=CENTRE, leader_id=leader.report_id))
        assert topics(merged) == ["case.merged", "withdrawal"]
        assert [clock.name for clock in case.clocks if clock.running] == []

        submitted(leader, keeper, MONDAY + HOUR)
        [told] = merging.follow(case, approved(leader, keeper, MONDAY + 2 * HOUR))

        assert (told.report_id, told.version, told.answer) == (case.report_id, case.version, ANSWER["answer"])

    def test_who_leads_is_not_refused_and_goes_on_when_its_own_reporter_withdraws(self, case, keeper):
        leader = a_case(keeper)
        merging.merge(case, leader, asked(say.MergeCase, case.report_id, by=CENTRE, leader_id=leader.report_id))

        cancel = asked(say.CancelCase, leader.report_id, by=CENTRE, reason="Không cần nữa")
        assert refusal(deciding.cancel, leader, cancel, keeper) == "has_followers"
        assert hearing.withdraw(leader, say.ReportWithdrawn(report_id=leader.report_id, at=MONDAY + HOUR), keeper) == []

        assert leader.state == State.IN_PROGRESS

    def test_let_go_it_is_routed_anew_to_the_deadline_it_had(self, case, keeper):
        leader, due_at = a_case(keeper), case.due_at
        merging.merge(case, leader, asked(say.MergeCase, case.report_id, by=CENTRE, leader_id=leader.report_id))

        request = asked(say.UnmergeCase, case.report_id, by=CENTRE, reason="Vị trí khác")
        assert topics(merging.unmerge(case, leader, request, keeper)) == ["case.unmerged"]

        assert (case.state, case.agency, case.due_at, leader.followers) == (State.RECEIVED, "ioc", due_at, 0)
        assert {clock.name for clock in case.clocks if clock.running} == {"route", "resolve"}

    def test_nobody_follows_itself_or_what_is_not_open(self, case, keeper):
        leader = a_case(keeper)
        deciding.call_off(leader, actor="reporter", at=MONDAY + HOUR, reason="")
        itself = asked(say.MergeCase, case.report_id, by=CENTRE, leader_id=case.report_id)

        assert refusal(merging.merge, case, case, itself) == "same_case"
        assert refusal(merging.merge, case, leader, asked(say.MergeCase, case.report_id, by=CENTRE, leader_id=leader.report_id)) == (
            "leader_not_open"
        )
