"""Cases as tests want them, in the hands of Đông Hà, and the usual things done to them."""

from datetime import timedelta
from typing import Any

import pytest

from services.sla.domain import assigning, deciding, working
from services.sla.domain.case import Case
from services.sla.domain.clocks import Timekeeper
from shared import messages as say
from shared.errors import Refused
from shared.messages import Message, Outcome
from tests.builders import MONDAY, asked, received, routed

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ANSWER = {"outcome": Outcome.FIXED, "answer": "Đã thay bóng đèn tại vị trí phản ánh.", "evidence": ("media:sau-khi-sua",)}
CENTRE = "operator:lan"


def topics(said: list[Message]) -> list[str]:
    return [message.topic for message in said]


def changed(keeper: Timekeeper, **policy: Any) -> Timekeeper:
    """The same rules but for ``policy``."""
    province = keeper.province.model_copy(update={"policy": keeper.province.policy.model_copy(update=policy)})
    return Timekeeper(version=2, province=province, calendar=keeper.calendar)


def a_case(keeper: Timekeeper, **fields: Any) -> Case:
    """In the hands of Đông Hà since Monday 9:00."""
    report = received(**fields)
    case, _ = Case.open(report, keeper)
    assigning.route(case, routed(report, urgent=report.urgent), keeper, actor="routing", at=MONDAY)
    working.accept(case, asked(say.AcceptCase, case.report_id), keeper)
    return case


def submitted(case: Case, keeper: Timekeeper, at: Any) -> list[Message]:
    return working.submit(case, asked(say.SubmitResult, case.report_id, at=at, **ANSWER), keeper)


def approved(case: Case, keeper: Timekeeper, at: Any, **ruling: Any) -> say.CaseResolved:
    [resolved] = deciding.approve(case, asked(say.ApproveResult, case.report_id, by=CENTRE, at=at, **ruling), keeper)
    return resolved


def refusal(decide: Any, *arguments: Any) -> str:
    with pytest.raises(Refused) as refused:
        decide(*arguments)
    return refused.value.code
