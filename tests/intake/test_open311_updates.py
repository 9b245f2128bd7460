"""What happened to requests, and what portals add to their own."""

from datetime import timedelta

import pytest

from services.intake.store import portals
from shared import messages as say
from shared.clock import now
from shared.messages import Outcome
from tests.builders import said, topics
from tests.intake.georeport import checked, fits, post, posted, read
from tests.intake.test_open311_reading import ASSIGNED, OPENED, RESOLVED, hear

ALL = {"start_date": "2026-11-01T00:00:00+07:00", "end_date": "2026-12-31T00:00:00+07:00"}


def updates(office, **query):
    return read(office, "servicerequestupdates", "service_request_updates", **ALL | query)


def update(office, code, form="json", **fields):
    usual = {"service_request_id": code, "update_id": "u-1", "description": "Đèn vẫn chưa sáng", "status": "open"}
    nothing = {"service_code": None, "address_id": None, "address_string": None}
    return post(office, form, path="servicerequestupdates", **nothing | usual | {"updated_datetime": "2026-11-16T08:00:00+07:00"} | fields)


class TestGetUpdates:
    def test_tell_what_happened_in_order_and_in_the_words_of_the_extension(self, office):
        code = posted(office)
        hear(
            office, code, OPENED, ASSIGNED, (say.CaseAccepted, ASSIGNED[1] | {"hop": 1}), (say.CaseQuestioned, {"question": "Trụ số mấy?"}),
            RESOLVED, (say.CaseReopened, {"reason": "Đèn lại tắt"}), (say.CaseClosed, {}),
        )  # fmt: skip

        told = updates(office)

        assert [one["status"] for one in told] == ["open", "in_progress", "investigating", "fixed", "reopen", "closed"]
        assert {one["service_request_id"] for one in told} == {code}
        assert "Trụ số mấy?" in told[2]["description"]
        assert told[3]["description"].endswith("Đã thay bóng đèn")
        assert [one["updated_datetime"] for one in told] == sorted(one["updated_datetime"] for one in told)

    @pytest.mark.parametrize(
        ("outcome", "status"),
        [
            (Outcome.FIXED, "fixed"),
            (Outcome.EXPLAINED, "no_further_action"),
            (Outcome.PLANNED, "planned"),
            (Outcome.NOT_FOUND, "no_further_action"),
        ],
    )
    def test_tell_each_outcome(self, office, outcome, status):
        hear(office, posted(office), OPENED, (say.CaseResolved, RESOLVED[1] | {"outcome": outcome}))

        assert [one["status"] for one in updates(office)] == [status]

    def test_are_found_by_request_time_and_page(self, office):
        first, second = posted(office), posted(office, description="Một chuyện khác")
        for code in (first, second):
            hear(office, code, OPENED, ASSIGNED, RESOLVED)

        assert len(updates(office)) == 4
        assert [one["service_request_id"] for one in updates(office, service_request_id=second)] == [second, second]
        assert updates(office, service_request_id="QT-0000-0000") == []
        assert [one["status"] for one in updates(office, start_date="2026-11-16T10:30:00+07:00")] == ["fixed", "fixed"]
        assert updates(office, page=1, page_size=3) + updates(office, page=2, page_size=3) == updates(office)

    def test_are_those_of_the_last_90_days_unless_asked_otherwise(self, office):
        hear(office, posted(office), (say.CaseOpened, OPENED[1]), (say.CaseAccepted, {"due_at": now(), "at": now() - timedelta(days=91)}))

        assert read(office, "servicerequestupdates", "service_request_updates") == []


class TestPostUpdate:
    def test_is_a_word_of_the_reporter_that_must_be_answered(self, office):
        code = posted(office)

        answer = update(office, code)

        [told] = fits(answer.json(), "updated")
        commented = said(office.rooms)[-1]
        assert (commented.topic, commented.text, str(commented.comment_id)) == ("report.commented", "Đèn vẫn chưa sáng", told["update_id"])
        [shown] = updates(office)
        assert (shown["update_id"], shown["status"]) == (told["update_id"], "unchanged")

    def test_sent_again_is_one(self, office):
        code = posted(office)

        answers = {form: update(office, code, form) for form in ("json", "xml")}

        checked(answers["json"], answers["xml"], "updated")
        assert topics(office.rooms) == ["report.received", "report.commented"]

    @pytest.mark.parametrize("status", ["fixed", "closed", "reopen", "cancelled", ""])
    def test_changes_nothing_by_its_status(self, door, status):
        code = posted(door)

        assert update(door, code, status=status).status_code == 200
        assert read(door, f"requests/{code}", "service_requests")[0]["status"] == "open"

    def test_names_nobody_in_the_open(self, office):
        update(office, posted(office), description="Gọi tôi 0905.123.456", email="hoa@example.com", first_name="Hoa")

        assert "0905" not in str(updates(office)) + str(said(office.rooms))
        assert "oa@" not in str(updates(office)) + str(said(office.rooms))

    @pytest.mark.parametrize(
        ("change", "status", "words"),
        [
            ({"api_key": ""}, 403, "api_key"),
            ({"update_id": None}, 400, "update_id: is required"),
            ({"service_request_id": None}, 400, "service_request_id: is required"),
            ({"service_request_id": "QT-0000-0000"}, 404, "tracking code"),
            ({"description": None}, 400, "description: is required"),
            ({"description": "a" * 4001}, 400, "description"),
            ({"description": "a\x00b"}, 400, "description"),
            ({"status": "done"}, 400, "status"),
            ({"updated_datetime": "today"}, 400, "updated_datetime"),
            ({"update_id": "u" * 256}, 400, "update_id"),
            ({"jurisdiction_id": "hanoi"}, 404, "jurisdiction_id"),
        ],
    )
    def test_that_is_wrong_is_told_and_not_kept(self, door, change, status, words):
        code, before = posted(door), topics(door.rooms)

        answers = {form: update(door, code, form, **change) for form in ("json", "xml")}

        assert {answer.status_code for answer in answers.values()} == {status}
        assert words in checked(answers["json"], answers["xml"], "errors")[0]["description"]
        assert topics(door.rooms) == before

    def test_of_another_portals_request_is_refused(self, office):
        code = posted(office)
        with office.rooms.begin() as session:
            other = portals.add_portal(session, "zalo", "Zalo", now())

        answer = update(office, code, api_key=other)

        assert (answer.status_code, answer.json()[0]["code"]) == (403, 403)
        assert topics(office.rooms) == ["report.received"]

    def test_with_other_words_under_the_same_id_is_refused(self, office):
        code = posted(office)
        update(office, code)

        assert update(office, code, description="Một chuyện khác hẳn").status_code == 400
        assert topics(office.rooms) == ["report.received", "report.commented"]
