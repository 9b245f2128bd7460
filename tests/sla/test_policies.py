"""The policies there were, and a dry run of another: what it would change, and that it changes nothing."""

from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.sla.domain.policy_trial import changes, patched, typical_moments
from shared import messages as say
from shared import province
from tests.builders import MONDAY, VIETNAM, asked, received, routed
from tests.sla.calling import ROLES, calling
from tests.sla.cases import ANSWER, CENTRE, DAY, HOUR

DRY_RUN = "/v1/policies:dry-run"
SHORTER = {"classes": {"S3": {"amount": 2}}}


@pytest.fixture(scope="module")
def quiet(module_rooms):
    """Without a case, for what changes nothing anyway."""
    with calling(module_rooms) as caller:
        yield caller


def try_out(call, change, role="operator", **more):
    answer = call.post(role, DRY_RUN, {"change": change, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def problems(call, body):
    answer = call.post("operator", DRY_RUN, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


def load(call, quang_tri, at, **policy):
    """Another version in force, as `hoiam load` makes it."""
    changed = quang_tri.model_copy(update={"policy": quang_tri.policy.model_copy(update=policy)})
    with call.handling.sessions.begin() as session:
        return province.store(session, changed, at)


def a_case(call, done_after, **fields):
    """One that was answered so long after its receipt, and closed."""
    report = received(**fields)
    submit = asked(say.SubmitResult, report.report_id, at=MONDAY + done_after, **ANSWER)
    call.tell(report, routed(report), submit)
    at = {"at": MONDAY + done_after + HOUR}
    call.tell(asked(say.ApproveResult, report.report_id, by=CENTRE, **at), say.ReportRated(report_id=report.report_id, rating=4, **at))
    return str(report.report_id)


class TestDryRun:
    def test_names_each_new_deadline_that_would_be_another(self, call, keeper):
        trial = try_out(call, SHORTER)

        assert trial["changes"] == [{"place": "classes.S3.amount", "before": 3, "after": 2}]
        assert {(one["clock"], one["kind"]) for one in trial["new_cases"]} == {("resolve", "S3")}
        assert [one["moment"] for one in trial["new_cases"]] == ["morning", "night", "before_weekend", "before_longest_holiday"]
        for one in trial["new_cases"]:
            begins, before, after = (datetime.fromisoformat(one[name]) for name in ("at", "before", "after"))
            assert before == keeper.calendar.add(begins, 3 * keeper.calendar.day)
            assert after == keeper.calendar.add(begins, 2 * keeper.calendar.day)

    def test_of_other_hours_or_holidays_names_every_class_they_touch_and_no_clock_on_the_wall(self, call):
        trial = try_out(call, {"holidays": {"closed_days": ["2026-11-17"]}})

        assert {one["kind"] for one in trial["new_cases"] if one["clock"] == "resolve"} == {"S1", "S3", "S5", "S7", "C10", "C15"}
        assert "answer" not in {one["clock"] for one in trial["new_cases"]}

    def test_tells_a_class_that_is_new_and_another_clock(self, call):
        new = {"amount": 2, "unit": "days", "time": "working"}
        trial = try_out(call, {"classes": {"S2": new}, "clocks": {"take_up": {"urgent": {"amount": 2}}}})

        told = {(one["clock"], one["kind"]): (one["before"], one["after"]) for one in trial["new_cases"]}
        assert set(told) == {("resolve", "S2"), ("take_up", "urgent")}
        assert told["resolve", "S2"][0] is None

    def test_of_the_whole_policy_as_it_is_changes_nothing(self, call, quang_tri):
        trial = call.post("admin", DRY_RUN, {"policy": quang_tri.policy.model_dump(mode="json")}).json()

        assert (trial["changes"], trial["new_cases"]) == ([], [])

    def test_moves_no_open_case_nor_does_its_coming_into_force(self, call, quang_tri):
        reports = [received(), received()]
        call.tell(*reports, routed(reports[0]))
        before = rows(call)

        trial = try_out(call, SHORTER)
        classes = quang_tri.policy.classes
        version = load(call, quang_tri, MONDAY + HOUR, classes=classes | {"S3": classes["S3"].model_copy(update={"amount": 2})})

        assert trial["open_cases"] == {"untouched": 2, "by_version": {"1": 2}}
        assert (trial["compared_with"], version) == (1, 2)
        assert rows(call) == before

    def test_says_how_the_cases_closed_last_would_have_fared(self, call):
        early, between, late = (a_case(call, after) for after in (DAY, 2 * DAY + 4 * HOUR, 10 * DAY))

        shorter, longer = try_out(call, SHORTER)["closed_cases"], try_out(call, {"classes": {"S3": {"amount": 15}}})["closed_cases"]

        counted = ("looked_at", "left_out", "on_time_before", "on_time_after", "would_be_late", "would_be_on_time")
        assert [shorter[name] for name in counted] == [3, 0, 2, 1, 1, 0]
        assert shorter["late_cases"] == [between]
        assert [longer[name] for name in counted] == [3, 0, 2, 3, 0, 1]
        assert longer["on_time_cases"] == [late]
        assert early not in shorter["late_cases"]

    def test_leaves_out_what_was_extended_and_counts_the_time_waited_for_the_reporter(self, call):
        a_case(call, DAY)
        extended, waited = received(), received()
        call.tell(
            extended,
            routed(extended),
            asked(say.ExtendCase, extended.report_id, by=CENTRE, until=MONDAY + 7 * DAY, reason="Chờ vật tư thay thế"),
        )
        call.tell(
            waited, routed(waited), asked(say.AcceptCase, waited.report_id), asked(say.AskReporter, waited.report_id, question="Ở đâu ạ?")
        )
        call.tell(say.ReportCommented(report_id=waited.report_id, at=MONDAY + DAY, comment_id=uuid4(), text="Trước số 12"))
        for report in (extended, waited):
            call.tell(asked(say.SubmitResult, report.report_id, at=MONDAY + 3 * DAY + 4 * HOUR, **ANSWER))
            at = {"at": MONDAY + 4 * DAY}
            call.tell(
                asked(say.ApproveResult, report.report_id, by=CENTRE, **at), say.ReportRated(report_id=report.report_id, rating=4, **at)
            )

        closed = try_out(call, {"classes": {"S3": {"amount": 4}}})["closed_cases"]
        assert (closed["looked_at"], closed["left_out"], closed["on_time_before"]) == (3, 1, 2)
        assert try_out(call, SHORTER)["closed_cases"]["late_cases"] == [str(waited.report_id)]

    def test_looks_at_no_more_than_it_is_told_to(self, call):
        for _ in range(3):
            a_case(call, DAY)

        assert try_out(call, SHORTER, closed=2)["closed_cases"]["looked_at"] == 2
        assert try_out(call, SHORTER, closed=0)["closed_cases"]["looked_at"] == 0

    def test_changes_nothing(self, call):
        a_case(call, DAY)
        before = rows(call)

        try_out(call, SHORTER)

        assert rows(call) == before
        assert [one["version"] for one in call.get("operator", "/v1/policies").json()["policies"]] == [1]

    @pytest.mark.parametrize(
        ("change", "place"),
        [
            ({"classes": {"S3": {"amount": 0}}}, "change.classes.S3.amount"),
            ({"classes": {"S3": None}}, "change.categories.yaml"),
            ({"classes": {"S3": {"amount": 10**9}}}, "policy.classes.S3"),
            ({"classes": {"S3": {"amount": 10**30}}}, "policy.classes.S3"),
            ({"clocks": {"approve": {"normal": {"amount": 10**6, "unit": "days"}}}}, "policy.clocks.approve.normal"),
            ({"pause_limit": {"amount": 10**6}}, "policy.pause_limit"),
            (
                {"escalation": [{"to": "centre", "after": {"amount": 99999, "unit": "days", "time": "working"}}]},
                "policy.escalation.0.after",
            ),
            ({"urgent_class": "U9"}, "change.urgent_class"),
            ({"holidays": {"country": "Atlantis"}}, "policy.holidays.country"),
            ({"holidays": {"closed_days": ["2026-01-10"]}}, "change.holidays"),
            ({"working_hours": {"spans": [{"begin": "11:00", "end": "07:00"}]}}, "change.working_hours.spans.0"),
            ({"working_hours": {"spans": [{"begin": f"{h:02}:00", "end": f"{h:02}:30"} for h in range(20)]}}, "change.working_hours.spans"),
            ({"clocks": {"answer": None}}, "change.clocks"),
            ({"mood": "good"}, "change.mood"),
            ({"classes": "none"}, "change.classes"),
        ],
        ids=lambda of: of if isinstance(of, str) else "",
    )
    def test_of_what_can_not_be_names_the_places(self, quiet, change, place):
        found = problems(quiet, {"change": change})

        assert any(field.startswith(place) for field in found), found

    @pytest.mark.parametrize(
        "body", [{}, {"policy": {}, "change": {}}, {"change": SHORTER, "closed": 2001}, {"change": SHORTER, "when": "now"}]
    )
    def test_is_of_one_draft(self, quiet, body):
        assert problems(quiet, body)

    @pytest.mark.parametrize(("role", "status"), [("operator", 200), ("admin", 200), ("auditor", 403), ("agency:dh", 403), ("", 401)])
    def test_is_for_the_operations_centre(self, quiet, role, status):
        assert quiet.post(role, DRY_RUN, {"change": {}}).status_code == status


def rows(call):
    tables = ("cases ORDER BY report_id", "clocks ORDER BY id", "history ORDER BY report_id, seq", "outbox ORDER BY id")
    with call.handling.sessions() as session:
        return [list(session.scalars(text(f"SELECT t::text FROM {table.replace(' ', ' AS t ', 1)}"))) for table in tables]


class TestPolicies:
    def test_are_listed_from_the_newest_on_with_what_each_changed_and_when_it_was_in_force(self, call, quang_tri):
        load(call, quang_tri, MONDAY + DAY, extensions=2, automatic_approval=True)
        load(call, quang_tri, MONDAY + 2 * DAY, extensions=2)

        newest, second, first = call.get("agency:dh", "/v1/policies").json()["policies"]

        assert [one["version"] for one in (newest, second, first)] == [3, 2, 1]
        assert newest["changes"] == [{"place": "automatic_approval", "before": True, "after": False}]
        assert {change["place"] for change in second["changes"]} == {"extensions", "automatic_approval"}
        assert first["changes"] == []
        assert newest["until"] is None
        assert [datetime.fromisoformat(one["since"]) for one in (newest, second, first)] == [MONDAY + 2 * DAY, MONDAY + DAY, MONDAY]
        assert (first["until"], second["until"]) == (second["since"], newest["since"])

    def test_come_in_pages_that_know_the_one_before(self, call, quang_tri):
        for version in range(2, 6):
            load(call, quang_tri, MONDAY + version * DAY, extensions=version)
        pages, before = [], None

        while True:
            page = call.get("auditor", "/v1/policies", limit=2, **({"before": before} if before else {})).json()
            pages.append([(one["version"], len(one["changes"])) for one in page["policies"]])
            before = page["next"]
            if before is None:
                break

        assert pages == [[(5, 1), (4, 1)], [(3, 1), (2, 1)], [(1, 0)]]

    def test_may_be_read_whole(self, call, quang_tri):
        load(call, quang_tri, MONDAY + DAY, extensions=2)

        found = call.get("auditor", "/v1/policies/2").json()

        assert found["policy"] == quang_tri.policy.model_copy(update={"extensions": 2}).model_dump(mode="json")
        assert [change["place"] for change in found["changes"]] == ["extensions"]
        assert call.get("auditor", "/v1/policies/1").json()["until"] == found["since"]

    @pytest.mark.parametrize(("version", "status"), [("7", 404), ("0", 422), ("99999999999", 422), ("now", 422)])
    def test_that_are_none_are_not_found(self, quiet, version, status):
        assert quiet.get("auditor", f"/v1/policies/{version}").status_code == status

    @pytest.mark.parametrize("path", ["/v1/policies", "/v1/policies/1"])
    def test_are_for_who_works_with_cases(self, quiet, path):
        assert {quiet.get(role, path).status_code for role in ROLES} == {200}
        assert quiet.get("", path).status_code == 401


class TestMoments:
    def test_are_those_that_matter_in_viet_nam(self, keeper):
        moments = typical_moments(keeper.calendar, MONDAY + 2 * HOUR)

        assert moments == {
            "morning": datetime(2026, 11, 16, 13, 30, tzinfo=VIETNAM),
            "night": datetime(2026, 11, 16, 22, 0, tzinfo=VIETNAM),
            "before_weekend": datetime(2026, 11, 20, 16, 0, tzinfo=VIETNAM),
            "before_longest_holiday": datetime(2027, 2, 3, 16, 0, tzinfo=VIETNAM),
        }
        assert keeper.calendar.closed(date(2027, 2, 4)) is not None

    def test_are_found_on_any_day_of_the_year(self, keeper):
        for day in range(0, 365, 7):
            moments = typical_moments(keeper.calendar, MONDAY + timedelta(days=day))
            assert len(moments) == 4
            assert all(at >= MONDAY for at in moments.values())


class TestPatch:
    @pytest.mark.parametrize(
        ("patch", "whole"),
        [
            ({}, {"a": {"b": 1}, "c": [1]}),
            ({"a": {"b": 2}}, {"a": {"b": 2}, "c": [1]}),
            ({"a": {"d": 3}}, {"a": {"b": 1, "d": 3}, "c": [1]}),
            ({"a": None, "c": [2]}, {"c": [2]}),
            ({"a": 5, "e": {"f": 6}}, {"a": 5, "c": [1], "e": {"f": 6}}),
        ],
    )
    def test_changes_what_it_names(self, patch, whole):
        assert patched({"a": {"b": 1}, "c": [1]}, patch) == whole

    def test_is_what_two_documents_differ_by(self):
        found = changes({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": 1}, "d": [1, 2], "e": 3})

        assert [(one.place, one.before, one.after) for one in found] == [("a.c", 2, None), ("d", [1], [1, 2]), ("e", None, 3)]
