"""Who held a case and for how long: nothing is left out, nothing counted twice, and nobody is charged for another's time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sla.domain.custody import Stint, shares, stints
from services.sla.domain.lifecycle import TABLE, State
from tests.builders import MONDAY

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Row:
    trigger: str
    target: str
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)


def a_history(*steps: tuple[str, State, float] | tuple[str, State, float, str]) -> list[Row]:
    """Each step so many hours after Monday 8:00; the fourth is the agency of a routing."""
    first = Row("receive", State.RECEIVED, MONDAY, {"agency": "ioc"})
    rows = [Row(step[0], step[1], MONDAY + step[2] * HOUR, {"agency": step[3]} if len(step) > 3 else {}) for step in steps]
    return [first, *rows]


def told(found: list[Stint]) -> list[tuple[str, float]]:
    return [(stint.holder, stint.working / HOUR) for stint in found]


@pytest.fixture(scope="session")
def calendar(keeper):
    return keeper.calendar


class TestStints:
    def test_each_holder_has_its_own_time(self, calendar):
        rows = a_history(
            ("route", State.ROUTED, 0.5, "dh"), ("return", State.RECEIVED, 2.5), ("route", State.ROUTED, 3, "sxd"),
            ("accept", State.IN_PROGRESS, 3.25), ("submit", State.SUBMITTED, 7.5), ("approve", State.RESOLVED, 8.5),
        )  # fmt: skip

        found = stints(rows, calendar, MONDAY + 100 * HOUR)

        assert told(found) == [("ioc", 0.5), ("dh", 2), ("ioc", 0.5), ("sxd", 2.5), ("ioc", 1)]  # 11:30 to 13:30 is nobody's
        assert shares(found) == {"ioc": 2 * HOUR, "dh": 2 * HOUR, "sxd": 2.5 * HOUR}

    def test_the_time_a_reporter_takes_is_charged_to_nobody(self, calendar):
        rows = a_history(
            ("route", State.ROUTED, 0, "dh"), ("accept", State.IN_PROGRESS, 1), ("ask", State.WAITING, 1), ("resume", State.IN_PROGRESS, 3)
        )

        found = stints(rows, calendar, MONDAY + 3.5 * HOUR)

        assert told(found) == [("ioc", 0), ("dh", 1), ("reporter", 2), ("dh", 0.5)]
        assert shares(found) == {"ioc": timedelta(0), "dh": 1.5 * HOUR}

    def test_while_the_case_is_open_the_last_stint_goes_on(self, calendar):
        [_, held] = stints(a_history(("route", State.ROUTED, 0, "dh")), calendar, MONDAY + 2 * HOUR)

        assert (held.ends, held.working) == (None, 2 * HOUR)

    @pytest.mark.parametrize("end", [State.REFUSED, State.CANCELLED, State.MERGED])
    def test_nothing_is_held_after_the_end(self, calendar, end):
        rows = a_history(("route", State.ROUTED, 1, "dh"), ("ends", end, 2))

        assert told(stints(rows, calendar, MONDAY + 900 * HOUR)) == [("ioc", 1), ("dh", 1)]

    def test_the_wait_for_an_objection_counts_only_when_there_was_one(self, calendar):
        answered = a_history(("route", State.ROUTED, 0, "dh"), ("submit", State.SUBMITTED, 1), ("approve", State.RESOLVED, 1))
        reopened = [*answered, Row("object", State.IN_PROGRESS, MONDAY + 2 * HOUR)]

        assert told(stints(answered, calendar, MONDAY + 9 * HOUR)) == [("ioc", 0), ("dh", 1), ("ioc", 0)]
        assert told(stints(reopened, calendar, MONDAY + 3 * HOUR)) == [("ioc", 0), ("dh", 1), ("ioc", 0), ("reporter", 1), ("dh", 1)]


@st.composite
def walks(draw: st.DrawFn) -> list[Row]:
    """Any way through the lifecycle, at any hours; also with rows that state an earlier time than the one before."""
    rows, state, at = a_history(), State.RECEIVED, MONDAY
    for _ in range(draw(st.integers(0, 12))):
        row = draw(st.sampled_from([row for row in TABLE if state in _sources(row)] or [None]))
        if row is None:
            break
        state, at = row["dest"], max(MONDAY, at + draw(st.integers(-120, 40_000)) * timedelta(minutes=1))
        rows.append(Row(row["trigger"], state, at, {"agency": draw(st.sampled_from(["dh", "sxd"]))} if row["trigger"] == "route" else {}))
    return rows


def _sources(row: Mapping[str, Any]) -> list[State]:
    return row["source"] if isinstance(row["source"], list) else [row["source"]]


class TestAnyHistory:
    @given(walks(), st.integers(0, 100_000))
    def test_sums_to_the_working_time_from_receipt_to_the_end(self, calendar, rows, minutes):
        latest = max(row.at for row in rows)
        until = latest + minutes * timedelta(minutes=1)

        found = stints(rows, calendar, until)

        assert all(one.ends == next_.begins for one, next_ in pairwise(found))
        assert found[0].begins == MONDAY
        end = found[-1].ends or until
        assert sum((stint.working for stint in found), timedelta(0)) == calendar.between(MONDAY, end)
