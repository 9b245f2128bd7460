"""How long each stage took, counted once, after the commit."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from services.sla.domain import assigning, deciding, hearing, working
from services.sla.domain.case import Case
from services.sla.domain.stages import ended
from shared import messages as say
from shared.messages import ReportCommented
from tests.builders import MONDAY, asked, delivered, envelope, received, routed
from tests.sla.cases import CENTRE, DAY, HOUR, approved, submitted

QUIET = ("hoiam_stage_seconds", "hoiam_stage_working_seconds")


def newest(case: Case) -> dict[str, timedelta]:
    """The stages that the moves since the last call ended, and how long each took."""
    found = {stage.name: stage.ends - stage.begins for stage in ended(case)}
    case.moves.clear()
    return found


@pytest.fixture
def case(keeper) -> Case:
    """Received on Monday at eight."""
    opened, _ = Case.open(received(), keeper)
    assert newest(opened) == {}
    return opened


def route(case, keeper, at):
    assigning.route(case, routed(received(report_id=case.report_id), hop=case.hop + 1), keeper, actor="routing", at=at)


def accept(case, keeper, at):
    working.accept(case, asked(say.AcceptCase, case.report_id, at=at), keeper)


class TestStages:
    def test_each_lasts_from_the_one_before_to_its_own_end(self, case, keeper):
        route(case, keeper, MONDAY + HOUR)
        assert newest(case) == {"routing": HOUR}
        accept(case, keeper, MONDAY + 3 * HOUR)
        assert newest(case) == {"taking_up": 2 * HOUR}
        submitted(case, keeper, MONDAY + DAY)
        assert newest(case) == {"working": 21 * HOUR}
        approved(case, keeper, MONDAY + DAY + HOUR)
        assert newest(case) == {"approving": HOUR}

    def test_triage_is_part_of_the_time_until_it_was_routed(self, case, keeper):
        assigning.wait_for_triage(case, MONDAY + HOUR, keeper, explanation="Chưa rõ")
        assert newest(case) == {}

        route(case, keeper, MONDAY + 4 * HOUR)

        assert newest(case) == {"routing": 4 * HOUR}

    def test_a_case_given_back_is_routed_again_from_then_on(self, case, keeper):
        route(case, keeper, MONDAY + HOUR)
        back = asked(say.ReturnCase, case.report_id, at=MONDAY + 2 * HOUR, reason="Không thuộc địa bàn quản lý", proposed_agency="sxd")
        assigning.give_back(case, back, keeper)
        newest(case)

        route(case, keeper, MONDAY + 5 * HOUR)

        assert newest(case) == {"routing": 3 * HOUR}

    def test_a_transfer_ends_nothing(self, case, keeper):
        route(case, keeper, MONDAY + HOUR)
        newest(case)

        route(case, keeper, MONDAY + 2 * HOUR)

        assert newest(case) == {}

    def test_work_sent_back_begins_anew(self, case, keeper):
        route(case, keeper, MONDAY)
        accept(case, keeper, MONDAY + HOUR)
        submitted(case, keeper, MONDAY + 2 * HOUR)
        request = asked(say.SendBackResult, case.report_id, by=CENTRE, at=MONDAY + 3 * HOUR, reason="Ảnh không rõ")
        deciding.send_back(case, request, keeper)
        newest(case)

        submitted(case, keeper, MONDAY + 7 * HOUR)

        assert newest(case) == {"working": 4 * HOUR}

    def test_each_message_of_the_reporter_has_its_own_answer(self, case, keeper):
        route(case, keeper, MONDAY)
        first, second = (
            ReportCommented(report_id=case.report_id, at=MONDAY + n * HOUR, comment_id=uuid4(), text="Còn hỏng") for n in (1, 2)
        )
        for comment in (first, second):
            hearing.hear(case, comment, keeper)
        newest(case)

        hearing.answer(
            case, asked(say.AnswerReporter, case.report_id, at=MONDAY + 5 * HOUR, comment_id=second.comment_id, answer="Mai sửa"), keeper
        )

        assert newest(case) == {"answering": 3 * HOUR}


def observed(agency: str) -> dict[str, tuple[float, float]]:
    """How many, and how many seconds in all, by metric, of the stage of routing."""
    labels = {"stage": "routing", "agency": agency}
    return {
        name: (REGISTRY.get_sample_value(f"{name}_count", labels) or 0, REGISTRY.get_sample_value(f"{name}_sum", labels) or 0)
        for name in QUIET
    }


@pytest.fixture
def newly() -> Callable[[str], dict[str, tuple[float, Any]]]:
    """As :func:`observed`, since the test began: other tests of this process have cases, too."""
    before = {agency: observed(agency) for agency in ("cl", "hh")}

    def since(agency: str) -> dict[str, tuple[float, Any]]:
        pairs = ((name, was, observed(agency)[name]) for name, was in before[agency].items())
        return {name: (now[0] - was[0], pytest.approx(now[1] - was[1])) for name, was, now in pairs}

    return since


class TestMetrics:
    def test_nights_count_on_the_wall_and_not_at_work(self, handling, newly):
        report, friday = received(), MONDAY + timedelta(days=4, hours=8)  # 16:00

        handling.deliveries([delivered(report)], MONDAY)
        handling.deliveries([delivered(routed(report, agency="cl"))], friday + timedelta(hours=17))

        assert newly("cl")["hoiam_stage_seconds"] == (1, timedelta(days=5, hours=1).total_seconds())
        assert newly("cl")["hoiam_stage_working_seconds"] == (1, 5 * 7.5 * 3600 - 1800)

    def test_what_comes_twice_is_counted_once_and_what_is_rolled_back_never(self, handling, newly):
        report = received()
        move = envelope(routed(report, agency="hh"))
        poison = envelope(received(tracking_code=report.tracking_code))  # breaks the commit of the whole batch

        outcomes = handling.batch([envelope(report), move, poison])
        handling.batch([move])

        assert [type(outcome).__name__ for outcome in outcomes] == ["bool", "bool", "IntegrityError"]
        assert newly("hh")["hoiam_stage_seconds"][0] == 1

    def test_a_time_that_somebody_made_up_spoils_nothing(self, handling):
        report = received()
        handling.together([envelope(report), envelope(routed(report, agency="gl"))])
        accepted = asked(say.AcceptCase, report.report_id, by="agency:gl", at=MONDAY.replace(year=1999))

        assert handling.batch([envelope(accepted)]) == [True]
