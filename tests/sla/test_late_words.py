"""Deadlines and words that come in another order than they were written. Without any database."""

from datetime import timedelta
from uuid import uuid4

from services.sla.domain import alarms, assigning, deciding, hearing, working
from services.sla.domain.case import Case
from shared import messages as say
from tests.builders import MONDAY, asked, received, routed
from tests.sla.cases import CENTRE, DAY, HOUR, a_case, approved, submitted

ASKED = MONDAY + HOUR


def ask(case, keeper, at=ASKED):
    working.ask(case, asked(say.AskReporter, case.report_id, at=at, question="Trước số nhà nào?"), keeper)


class TestPause:
    def test_ended_by_a_word_written_before_the_question_never_brings_the_deadline_forward(self, keeper):
        report = received(urgent=True)
        case, _ = Case.open(report, keeper)
        assigning.route(case, routed(report, urgent=True, sla_class="U4"), keeper, actor="routing", at=MONDAY)
        working.accept(case, asked(say.AcceptCase, case.report_id), keeper)
        before = case.due_at
        ask(case, keeper)

        earlier = say.ReportCommented(report_id=case.report_id, at=ASKED - timedelta(minutes=5), comment_id=uuid4(), text="Số 12")
        hearing.hear(case, earlier, keeper)

        assert case.due_at == before

    def test_of_a_case_opened_again_leaves_its_warnings_where_they_were(self, keeper):
        case = a_case(keeper)
        submitted(case, keeper, MONDAY + HOUR)
        approved(case, keeper, MONDAY + 2 * HOUR)
        again = MONDAY + 28 * DAY
        deciding.reopen(case, asked(say.ReopenCase, case.report_id, by=CENTRE, at=again, reason="Vẫn còn hỏng"), keeper)
        ask(case, keeper, again + HOUR)

        working.resume(case, keeper, actor="reporter", at=again + HOUR)

        assert alarms.call_clocks(case, again + 2 * HOUR, keeper) == []
