"""What a deadline skips, and why, in words a citizen understands."""

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.sla.__main__ import service
from services.sla.domain.calendar import calendar_of
from services.sla.domain.closures import Kind
from services.sla.domain.explaining import explain, made_up, stretches
from services.sla.settings import SlaSettings
from shared import messages as say
from shared.access import issue_token, new_key_pair
from shared.clock import now
from shared.service import Process
from tests.builders import MONDAY, VIETNAM, asked, envelope, received, routed
from tests.sla.cases import CENTRE, DAY, HOUR

MINUTES = st.integers(0, 120 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=VIETNAM) + timedelta(minutes=minutes))


@pytest.fixture(scope="session")
def calendar(quang_tri):
    return calendar_of(quang_tri)


def at(*moment):
    return datetime(*moment, tzinfo=VIETNAM)


class TestExplain:
    @given(one=MINUTES, other=MINUTES, limit=st.integers(8, 40))
    def test_leaves_nothing_out(self, calendar, one, other, limit):
        start, end = min(one, other), max(one, other)

        found = explain(calendar, start, end, limit=limit)

        assert sum((skipped.length for skipped in found), calendar.between(start, end)) == end - start

    @given(one=MINUTES, other=MINUTES)
    def test_names_only_time_that_does_not_count_and_never_the_same_twice(self, calendar, one, other):
        found = list(stretches(calendar, min(one, other), max(one, other)))

        assert all(calendar.between(skipped.begins, skipped.ends) == timedelta(0) for skipped in found)
        assert all(before.ends <= after.begins for before, after in pairwise(found))

    def test_names_tet_its_substitutes_and_weekends_by_their_names(self, calendar):
        found = explain(calendar, at(2024, 2, 7, 16), at(2024, 2, 19, 16))

        holidays = [skipped.reason for skipped in found if skipped.reason.kind == Kind.HOLIDAY]
        assert any("Tết" in reason.vi for reason in holidays)
        assert any("Lunar New Year" in reason.en for reason in holidays)
        assert {skipped.reason.vi for skipped in found} >= {"Ngoài giờ làm việc", "Nghỉ trưa", "Nghỉ cuối tuần"}

    def test_tells_a_weekend_as_one_and_nights_together(self, calendar):
        found = explain(calendar, at(2026, 11, 20, 9), at(2026, 11, 23, 9))

        assert [(one.reason.kind, one.times) for one in found] == [(Kind.BREAK, 1), (Kind.OFF_HOURS, 2), (Kind.WEEKEND, 1)]

    def test_says_what_the_province_decided_itself(self, calendar):
        [off] = [one for one in explain(calendar, at(2026, 1, 1, 9), at(2026, 1, 5, 9)) if one.reason.kind == Kind.PROVINCE]

        assert (off.begins.date(), off.length) == (date(2026, 1, 2), timedelta(days=1))
        assert [day for day, _ in made_up(calendar, at(2026, 1, 5, 9), at(2026, 1, 12, 9))] == [date(2026, 1, 10)]


class TestRoute:
    @pytest.fixture
    def ask(self, database_url, rooms):
        private, public = new_key_pair()
        settings = SlaSettings(database_url=database_url, jwt_public_key=public, jwt_issuer="hoiam", jwt_audience="hoiam")

        def get(report, role="operator"):
            token = issue_token(private, role=role, name="an", issuer="hoiam", audience="hoiam", at=now(), lasts=HOUR)
            return client.get(f"/v1/cases/{report.report_id}/explanation", headers={"Authorization": f"Bearer {token}"})

        with TestClient(Process(service(settings), settings).app) as client:
            yield get

    def test_says_how_the_deadline_was_counted_and_moved(self, ask, handling):
        report = received()
        extended = {"until": MONDAY + 8 * DAY, "reason": "Chờ vật tư thay thế"}
        facts = [report, routed(report), asked(say.AcceptCase, report.report_id)]
        handling.together([envelope(message) for message in (*facts, asked(say.ExtendCase, report.report_id, by=CENTRE, **extended))])

        found = ask(report).json()["deadline"]

        assert found["sla_class"] == "S3"
        assert [step["trigger"] for step in found["steps"]] == ["route", "extend"]
        assert "ngày làm việc" in found["in_words"][0]["vi"]
        assert found["in_words"][1]["en"].startswith("Extended by")
        assert {one["kind"] for one in found["skipped"]} >= {"off_hours", "break", "weekend"}
        assert datetime.fromisoformat(found["due_at"]) == MONDAY + 8 * DAY

    def test_has_no_deadline_to_explain_before_the_case_is_routed(self, ask, handling):
        report = received()
        handling.together([envelope(report)])

        assert ask(report).json()["deadline"] is None

    def test_is_for_who_may_see_the_case(self, ask, handling):
        report = received()
        handling.together([envelope(message) for message in (report, routed(report))])

        assert ask(report, role="agency:dh").status_code == 200
        assert ask(report, role="agency:sgtvt").status_code == 404
