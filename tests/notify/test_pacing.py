"""When a message may go out: budgets, quiet hours, half days."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.notify.domain.audience import Pace
from services.notify.domain.halfdays import next_half_day
from services.notify.domain.notices import Notice
from services.notify.domain.restraint import Restraint
from tests.builders import MONDAY, VIETNAM
from tests.notify.test_restraint import RULES, local


def a_notice(**fields: Any) -> Notice:
    usual = {"subject": "", "body": "", "created_at": MONDAY, "due_at": MONDAY, "language": "vi", "pace": Pace.TELL, "channel": "reporter"}
    return Notice(**{"id": uuid4(), "report_id": uuid4(), "about": "case.resolved", **usual, **fields})


class TestWaitsUntil:
    def wait(self, told: list[datetime], at: datetime, rules: Restraint = RULES, **fields: Any) -> datetime | None:
        return rules.waits_until([a_notice(**fields)], told, at=at, zone=VIETNAM)

    def test_by_day_with_a_budget_left_is_now(self):
        assert self.wait([], MONDAY) is None
        assert self.wait([MONDAY - timedelta(minutes=10)] * 2, MONDAY) is None

    def test_the_last_of_the_hour_is_kept_for_what_is_gathered(self):
        told = [MONDAY - timedelta(minutes=minutes) for minutes in (50, 20, 10)]

        assert self.wait(told, MONDAY) == MONDAY + timedelta(minutes=10)
        assert self.wait(told, MONDAY + timedelta(minutes=10)) is None

    def test_a_day_has_its_budget_too(self):
        told = [MONDAY - timedelta(hours=2 * number) for number in range(11, 0, -1)]

        assert self.wait(told, MONDAY) == MONDAY + timedelta(hours=2)

    @pytest.mark.parametrize(
        ("at", "until"),
        [
            (local(16, 20, 59), None),
            (local(16, 21), local(17, 7)),
            (local(16, 23, 59), local(17, 7)),
            (local(17, 0), local(17, 7)),
            (local(17, 6, 59), local(17, 7)),
            (local(17, 7), None),
        ],
    )
    def test_nights_are_quiet(self, at, until):
        assert self.wait([], at) == until

    def test_quiet_hours_may_lie_within_a_day(self):
        rules = Restraint(per_hour=4, per_day=12, quiet=(time(12), time(13)))

        assert [self.wait([], local(16, hour), rules) for hour in (11, 12, 13)] == [None, local(16, 13), None]

    def test_what_is_urgent_waits_for_no_morning_but_has_a_budget(self):
        told = [local(16, 23)] * 3

        assert self.wait([], local(16, 23), urgent=True) is None
        assert self.wait(told, local(16, 23, 30), urgent=True) == local(17, 0)

    def test_what_somebody_waits_for_is_now(self):
        assert self.wait([local(16, 23)] * 50, local(16, 23), pace=Pace.NOW) is None


class TestHalfDays:
    @pytest.mark.parametrize(
        ("at", "begins"),
        [
            (local(16, 8), local(16, 13, 30)),
            (local(16, 6), local(16, 7, 30)),
            (local(16, 15), local(17, 7, 30)),
            (local(16, 7, 30), local(16, 13, 30)),
            (local(20, 15), local(23, 7, 30)),
            (datetime(2026, 9, 1, 20, tzinfo=VIETNAM), datetime(2026, 9, 3, 7, 30, tzinfo=VIETNAM)),
        ],
    )
    def test_begin_when_people_begin_to_work(self, quang_tri, at, begins):
        """20 November 2026 is a Friday; 1 and 2 September are a holiday."""
        spans = [f"{span.begin:%H:%M}-{span.end:%H:%M}" for span in quang_tri.policy.working_hours.spans]
        assert spans == ["07:30-11:30", "13:30-17:00"], "the times above are those of the province"

        assert next_half_day(at, quang_tri.agencies["dh"], quang_tri) == begins
