"""The chance that a case breaks its deadline: a plain share of similar cases, and what becomes of such shares later."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sla.domain.calibration import Said, bands, base_rate, brier, each_morning, tried
from services.sla.domain.forecast import (
    ENOUGH,
    LIKELY,
    Basis,
    Chance,
    Experience,
    Kind,
    Outlook,
    Risk,
    Running,
    by_risk,
    horizon,
    next_morning,
    outlooks,
    risk,
)  # fmt: skip
from services.sla.domain.hindsight import Hindsight
from tests.builders import MONDAY, VIETNAM
from tests.sla.cases import DAY, HOUR

LIGHTS = Kind(agency="dh", category="CS01", sla_class="S3", on_the_wall=False)
OTHERS = {
    Basis.CATEGORY: Kind(agency="gl", category="CS01", sla_class="S3", on_the_wall=False),
    Basis.CLASS: Kind(agency="gl", category="GT01", sla_class="S3", on_the_wall=False),
    Basis.ALL: Kind(agency="dh", category="CS01", sla_class="S5", on_the_wall=False),
}
hours = st.integers(min_value=0, max_value=200)


def learnt(took, kind=LIGHTS, into=None):
    experience = into or Experience()
    for number in took:
        experience.add(kind, number * HOUR)
    return experience


def a_risk(value, agency="dh", due_at=MONDAY):
    kind = Kind(agency=agency, category="CS01", sla_class="S3", on_the_wall=False)
    return Risk(report_id=uuid4(), kind=kind, due_at=due_at, left=HOUR, chance=Chance(value=value, basis=Basis.CLASS, similar=10))


class TestChance:
    @pytest.mark.parametrize(
        ("used", "allowed", "value", "similar"),
        [
            (0, 20, 0.0, 20),
            (0, 10, 0.5, 20),
            (0, 0, 1.0, 20),
            (5, 10, 10 / 15, 15),
            (5, 15, 5 / 15, 15),
            (10, 15, 0.5, 10),
            (10, 10, 1.0, 10),
            (11, 15, None, 9),
            (30, 40, None, 0),
        ],
    )
    def test_is_the_share_of_those_that_took_longer_than_is_used_which_took_longer_than_is_allowed(self, used, allowed, value, similar):
        found = learnt(range(1, 21)).chance(LIGHTS, used=used * HOUR, allowed=allowed * HOUR)

        assert (found.value, found.similar) == (value if value is None else pytest.approx(value), similar)
        assert (found.basis == Basis.TOO_FEW) == (value is None)

    def test_who_took_exactly_what_is_allowed_was_in_time(self):
        assert learnt([8] * ENOUGH).chance(LIGHTS, used=HOUR, allowed=8 * HOUR).value == 0

    @pytest.mark.parametrize("basis", OTHERS)
    def test_is_taken_from_the_narrowest_group_that_is_large_enough(self, basis):
        experience = learnt([9] * (ENOUGH - 1))
        assert experience.chance(LIGHTS, used=HOUR, allowed=8 * HOUR) == Chance(value=None, basis=Basis.TOO_FEW, similar=ENOUGH - 1)

        learnt([7], OTHERS[basis], experience)
        assert experience.chance(LIGHTS, used=HOUR, allowed=8 * HOUR) == Chance(value=0.9, basis=basis, similar=ENOUGH)

        learnt([7], LIGHTS, experience)
        assert experience.chance(LIGHTS, used=HOUR, allowed=8 * HOUR).basis == Basis.AGENCY

    def test_is_never_taken_from_cases_counted_in_another_time(self):
        by_night = Kind(agency="dh", category="CS01", sla_class="U4", on_the_wall=True)
        assert learnt([9] * 50, by_night).chance(LIGHTS, used=HOUR, allowed=2 * HOUR).value is None

    def test_forgets_a_case_that_is_opened_again(self):
        experience = learnt([5, 9, 9] * ENOUGH)
        for _ in range(ENOUGH):
            experience.remove(LIGHTS, 5 * HOUR)
        assert experience.chance(LIGHTS, used=HOUR, allowed=6 * HOUR).value == 1

    @given(took=st.lists(hours, min_size=ENOUGH), used=st.tuples(hours, hours).map(sorted), allowed=hours)
    def test_lies_between_none_and_all_and_grows_with_the_time_used(self, took, used, allowed):
        sooner, later = (learnt(took).chance(LIGHTS, used=hour * HOUR, allowed=allowed * HOUR).value for hour in used)

        assert sooner is None or 0 <= sooner <= 1
        assert sooner is None or later is None or sooner <= later

    @given(took=st.lists(hours.map(lambda hour: hour + 1), min_size=ENOUGH), allowed=hours)
    def test_of_a_case_that_has_just_begun_is_the_plain_share(self, took, allowed):
        value = learnt(took).chance(LIGHTS, used=timedelta(0), allowed=allowed * HOUR).value

        assert value == pytest.approx(sum(hour > allowed for hour in took) / len(took))


class TestHorizon:
    @pytest.mark.parametrize(
        ("at", "until"),
        [
            (MONDAY, "2026-11-17 17:00"),
            (MONDAY.replace(hour=23, minute=59), "2026-11-17 17:00"),
            (MONDAY + 4 * DAY, "2026-11-23 17:00"),  # a Friday
            (MONDAY + 5 * DAY, "2026-11-23 17:00"),
            (datetime(2026, 4, 29, 9, tzinfo=VIETNAM), "2026-05-04 17:00"),  # 30/4 and 1/5, then a weekend
        ],
    )
    def test_is_the_end_of_the_next_working_day(self, keeper, at, until):
        assert f"{horizon(keeper.calendar, at):%Y-%m-%d %H:%M}" == until
        assert next_morning(keeper.calendar, at) == horizon(keeper.calendar, at).replace(hour=7, minute=30)


class TestRisk:
    def test_counts_working_time_and_leaves_out_what_the_reporter_took(self, keeper):
        due_at = keeper.calendar.add(MONDAY, 10 * HOUR)
        running = Running(report_id=uuid4(), kind=LIGHTS, begins=MONDAY, due_at=due_at, paused=2 * HOUR)
        at = keeper.calendar.add(MONDAY, 6 * HOUR)

        found = risk(running, learnt(range(1, 21)), keeper, at)  # used 4 of 8 hours

        assert (found.left, found.chance.similar, found.chance.value) == (4 * HOUR, 16, 12 / 16)

    def test_counts_every_hour_of_a_class_that_runs_by_the_clock(self, keeper):
        kind = Kind(agency="dh", category="CS01", sla_class="U4", on_the_wall=True)
        at_night = MONDAY.replace(hour=20)
        running = Running(report_id=uuid4(), kind=kind, begins=at_night, due_at=at_night + 4 * HOUR, paused=timedelta(0))

        assert risk(running, Experience(), keeper, at_night + HOUR).left == 3 * HOUR

    def test_the_likeliest_comes_first_then_the_earliest_and_the_unknown_last(self):
        unknown, small, great, later = a_risk(None), a_risk(0.1), a_risk(0.9), a_risk(0.9, due_at=MONDAY + HOUR)
        assert by_risk([unknown, small, later, great]) == [great, later, small, unknown]

    def test_an_outlook_sums_the_chances_and_keeps_the_overdue_apart(self):
        risks = [a_risk(0.25), a_risk(LIKELY), a_risk(None), a_risk(1.0, agency="gl")]

        assert outlooks(risks, {"dh": 3, "sxd": 1}) == [
            Outlook(agency="dh", due=3, expected=0.75, likely=1, unknown=1, overdue=3),
            Outlook(agency="gl", due=1, expected=1.0, likely=1, unknown=0, overdue=0),
            Outlook(agency="sxd", due=0, expected=0, likely=0, unknown=0, overdue=1),
        ]


class TestCalibration:
    def said(self, value):
        return Said(at=MONDAY, until=MONDAY + DAY, risk=a_risk(value, due_at=MONDAY + 3 * HOUR))

    def test_only_a_deadline_broken_within_the_time_of_the_forecast_counts(self):
        broke, early, late, _moved, unknown = said = [self.said(value) for value in (0.9, 0.8, 0.7, 0.6, None)]
        at = {broke: 3 * HOUR, early: -HOUR, late: 2 * DAY, unknown: 3 * HOUR}
        found = tried(said, {one.risk.report_id: [MONDAY + after] for one, after in at.items()})

        assert [(one.chance, one.broke) for one in found] == [(0.9, True), (0.8, False), (0.7, False), (0.6, False)]

    def test_of_two_forecasts_is_counted_by_hand(self):
        good, bad = [self.said(0.9), self.said(0.4)]
        found = tried([good, bad], {good.risk.report_id: [MONDAY + HOUR]})

        assert brier(found) == pytest.approx((0.1**2 + 0.4**2) / 2)
        assert base_rate(found) == 0.5
        assert [(band.number, band.said, band.happened) for band in bands(found)] == [(1, 0.4, 0.0), (1, 0.9, 1.0)]

    def test_a_certain_forecast_is_in_the_last_band(self):
        [band] = bands(tried([self.said(1.0)], {}))
        assert (band.least, band.most, band.happened) == (0.9, 1.0, 0.0)


class TestMornings:
    def test_know_only_what_happened_before(self, keeper):
        """A case due on Wednesday is spoken of on Tuesday morning, and no more once its result was handed in."""
        due_at = (MONDAY + 2 * DAY).isoformat()
        route = {"agency": "dh", "category": "CS01", "sla_class": "S3", "due_at": due_at}
        report_id = uuid4()

        def row(trigger, target, at, **data):
            return SimpleNamespace(report_id=report_id, policy_version=1, trigger=trigger, target=target, data=data, at=at)

        rows = [
            row("receive", "received", MONDAY, agency="ioc", category="CS01"),
            row("route", "routed", MONDAY, **route),
            row("submit", "submitted", MONDAY + DAY + HOUR),
            row("approve", "resolved", MONDAY + 4 * DAY),
        ]
        mornings = list(each_morning(rows, Hindsight(lambda _: keeper), keeper.calendar))

        assert [f"{at:%a %H:%M}" for at, _ in mornings] == ["Tue 07:30", "Wed 07:30", "Thu 07:30", "Fri 07:30"]
        assert [len(said) for _, said in mornings] == [1, 0, 0, 0]
