"""Working time, to the minute, in Vietnam."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sla.domain.calendar import Calendar, calendar_of
from services.sla.domain.closures import BY_PROVINCE, WORKED_BY_PROVINCE
from tests.builders import VIETNAM

HOURS = [(time(7, 30), time(11, 30)), (time(13, 30), time(17, 0))]
CLOSED = dict.fromkeys((date(2024, 4, 29), date(2024, 4, 30), date(2024, 5, 1)), BY_PROVINCE)
WORKED = {date(2024, 5, 4): WORKED_BY_PROVINCE}
SPRING = Calendar(
    hours=HOURS, weekdays=range(5), closed=CLOSED, worked=WORKED, zone=VIETNAM, first=date(2024, 4, 1), last=date(2024, 6, 30)
)
MINUTES = st.integers(0, 30 * 24 * 60).map(lambda minutes: datetime(2024, 4, 15, tzinfo=VIETNAM) + timedelta(minutes=minutes))
AMOUNTS = st.integers(1, 60 * 60).map(lambda minutes: timedelta(minutes=minutes))


def walked(start: datetime, end: datetime) -> timedelta:
    """Minute by minute, the way a child would count."""
    minutes = int((end - start).total_seconds() // 60)
    return timedelta(minutes=sum(is_working(start + timedelta(minutes=n)) for n in range(minutes)))


def is_working(moment: datetime) -> bool:
    day = moment.date()
    workday = day in WORKED or (day.weekday() < 5 and day not in CLOSED)
    return workday and any(opens <= moment.time() < closes for opens, closes in HOURS)


class TestVietnam:
    @pytest.mark.parametrize(
        ("start", "days", "end"),
        [
            ((2024, 2, 7, 16, 0), 3, (2024, 2, 19, 16, 0)),  # over Tết
            ((2024, 4, 26, 17, 0), 1, (2024, 5, 2, 17, 0)),  # over the long holiday
            ((2024, 5, 3, 10, 0), 1, (2024, 5, 4, 10, 0)),  # a worked Saturday
            ((2023, 1, 21, 19, 30), 7, (2023, 2, 6, 17, 0)),  # received during Tết
            ((2026, 1, 1, 9, 0), 1, (2026, 1, 5, 17, 0)),  # 2/1/2026 off by the province's own list
            ((2026, 1, 9, 17, 0), 1, (2026, 1, 10, 17, 0)),  # and worked on 10/1/2026
        ],
    )
    def test_deadlines_land_where_the_state_calendar_puts_them(self, quang_tri, start, days, end):
        calendar = calendar_of(quang_tri)

        assert calendar.add(datetime(*start, tzinfo=VIETNAM), calendar.day * days) == datetime(*end, tzinfo=VIETNAM)

    def test_beyond_the_years_it_knows_it_says_so_instead_of_guessing(self):
        with pytest.raises(ValueError, match="calendar"):
            SPRING.add(datetime(2024, 6, 28, 16, tzinfo=VIETNAM), timedelta(hours=100))


class TestWorkingTime:
    @given(start=MINUTES, end=MINUTES)
    def test_between_agrees_with_counting_minute_by_minute(self, start, end):
        start, end = min(start, end), max(start, end)

        assert SPRING.between(start, end) == walked(start, min(end, start + timedelta(days=40)))

    @given(start=MINUTES, amount=AMOUNTS)
    def test_adding_then_measuring_gives_the_same_amount(self, start, amount):
        assert SPRING.between(start, SPRING.add(start, amount)) == amount

    @given(start=MINUTES, amount=AMOUNTS)
    def test_a_deadline_is_the_first_moment_by_which_the_time_is_used_up(self, start, amount):
        due = SPRING.add(start, amount)

        assert SPRING.between(start, due - timedelta(seconds=1)) < amount

    @given(start=MINUTES, later=MINUTES, amount=AMOUNTS)
    def test_who_starts_later_is_never_due_earlier(self, start, later, amount):
        start, later = min(start, later), max(start, later)

        assert SPRING.add(start, amount) <= SPRING.add(later, amount)

    @given(end=MINUTES, amount=AMOUNTS)
    def test_subtracting_gives_the_last_moment_from_which_so_much_is_left(self, end, amount):
        start = SPRING.subtract(end, min(amount, timedelta(hours=40)))

        assert SPRING.between(start, end) == min(amount, timedelta(hours=40))
        assert SPRING.between(start + timedelta(minutes=1), end) < SPRING.between(start, end)

    @given(start=MINUTES, amount=AMOUNTS)
    def test_subtracting_what_was_added_comes_back_to_working_time_at_the_same_count(self, start, amount):
        assert SPRING.between(start, SPRING.subtract(SPRING.add(start, amount), amount)) == timedelta(0)


class Counted(list):
    """A list that counts how often it is looked into."""

    looks = 0

    def __getitem__(self, index):
        Counted.looks += 1
        return super().__getitem__(index)


class TestCost:
    def test_of_a_deadline_years_away_is_that_of_one_tomorrow(self, quang_tri):
        calendar, start = calendar_of(quang_tri), datetime(2021, 1, 4, 9, tzinfo=VIETNAM)
        for name in ("_starts", "_ends", "_before"):
            setattr(calendar, name, Counted(getattr(calendar, name)))

        def looks(days: int) -> int:
            Counted.looks = 0
            calendar.subtract(calendar.add(start, calendar.day * days), calendar.day * days)
            return Counted.looks

        assert looks(4000) <= 1.2 * looks(1)
        assert looks(4000) < 200
