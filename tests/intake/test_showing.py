"""What everybody sees of a report, and what nobody does."""

import json
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from shared.clock import now
from shared.messages import CaseAnswered
from tests.builders import envelope, said, topics
from tests.intake.conftest import a_body

CONTACT = {"name": "Trần Thị Hoa", "email": "hoa@example.com", "phone": "0912345678"}


class TestGetReport:
    def test_shows_a_fresh_report_to_everybody(self, office, quang_tri):
        receipt = office.post(a_body(contact=CONTACT)).json()

        shown = office.shown(receipt["tracking_code"])

        assert shown["status"] == "received"
        assert shown["status_name"] == {"vi": "Đã ghi nhận", "en": "Received"}
        assert shown["category"] == {"code": "CS01", "name": quang_tri.categories["CS01"].name.model_dump()}
        assert shown["received_at"] == receipt["received_at"]
        assert (shown["agency"], shown["due_at"], shown["answer"]) == (None, None, None)
        assert [entry["topic"] for entry in shown["timeline"]] == ["report.received"]

    def test_never_shows_who_reported(self, office):
        _, code = office.received(contact=CONTACT)

        text = json.dumps(office.shown(code), ensure_ascii=False)

        for secret in ("Hoa", "hoa@", "912345678", "address", "app"):
            assert secret not in text

    @pytest.mark.parametrize(
        "typed", [str.lower, lambda code: code.replace("-", ""), lambda code: code[3:], lambda code: code.replace("-", " ")]
    )
    def test_finds_the_code_however_it_is_typed(self, office, typed):
        _, code = office.received()

        assert office.shown(typed(code))["tracking_code"] == code

    def test_says_that_a_code_was_mistyped(self, office):
        _, code = office.received()
        wrong = code[:-1] + ("0" if code[-1] != "0" else "1")

        answer = office.http.get(f"/v1/reports/{wrong}")

        assert (answer.status_code, answer.json()["code"]) == (404, "mistyped")
        assert "mistyped" in answer.json()["detail"]

    def test_does_not_know_every_code(self, office):
        answer = office.http.get("/v1/reports/QT-0000-0000")

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    def test_is_not_sent_again_while_nothing_changes(self, office):
        _, code = office.received()
        first = office.http.get(f"/v1/reports/{code}")

        again = office.http.get(f"/v1/reports/{code}", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")


class TestCategories:
    def test_are_shown_to_everybody_with_their_questions(self, office, quang_tri):
        categories = office.http.get("/v1/categories").json()["categories"]

        road = next(category for category in categories if category["code"] == "GT01")
        assert len(categories) == len(quang_tri.categories)
        assert road["group"]["name"]["vi"] == "Giao thông"
        assert road["urgent_allowed"]
        assert "quoc_lo" in [value["key"] for value in road["attributes"][0]["values"]]


class TestComment:
    def test_of_the_reporter_is_said_and_shown(self, office):
        receipt = office.post(a_body()).json()

        answer = office.comment(receipt["tracking_code"], receipt["secret"], "Đèn vẫn chưa sáng")

        assert answer.status_code == 201
        [_, commented] = said(office.rooms)
        assert (commented.topic, commented.text) == ("report.commented", "Đèn vẫn chưa sáng")
        assert str(commented.comment_id) == answer.json()["comment_id"]
        entry = office.shown(receipt["tracking_code"])["timeline"][-1]
        assert entry["comment_id"] == answer.json()["comment_id"]
        assert "Đèn vẫn chưa sáng" in entry["text"]["vi"]

    def test_shows_its_answer_and_by_when_it_must_come(self, office):
        receipt = office.post(a_body()).json()
        report_id, code = UUID(receipt["report_id"]), receipt["tracking_code"]
        comment_id = UUID(office.comment(code, receipt["secret"], "Đèn vẫn chưa sáng").json()["comment_id"])
        office.comment(code, receipt["secret"], "Bao giờ thì xong?")

        before = office.shown(code)["timeline"][1]
        words = {"comment_id": comment_id, "answer": "Mai sẽ thay", "on_time": True}
        answered = CaseAnswered(report_id=report_id, at=now(), version=3, agency="dh", **words)
        office.handling.together([envelope(answered)])
        first, second = (entry for entry in office.shown(code)["timeline"] if entry["topic"] == "report.commented")

        assert (before["answer"], before["answered_at"]) == (second["answer"], second["answered_at"]) == (None, None)
        assert datetime.fromisoformat(before["due_at"]) - datetime.fromisoformat(before["at"]) == timedelta(days=1)
        assert (first["answer"], datetime.fromisoformat(first["answered_at"])) == ("Mai sẽ thay", answered.at)

    @pytest.mark.parametrize("secret", ["", "x", "A" * 27, "é".encode()])
    def test_needs_the_secret_of_the_link(self, office, secret):
        _, code = office.received()

        answer = office.comment(code, secret, "Đèn vẫn chưa sáng")

        assert answer.status_code in {401, 403}
        assert topics(office.rooms) == ["report.received"]

    def test_is_not_opened_by_the_secret_of_another_report(self, office):
        _, code = office.received()
        other = office.post(a_body(), key="another").json()

        assert office.comment(code, other["secret"], "Đèn vẫn chưa sáng").json()["code"] == "secret_wrong"

    def test_is_not_for_portals(self, office):
        receipt = office.post(a_body()).json()

        answer = office.comment(receipt["tracking_code"], receipt["secret"], "Đèn chưa sáng", **{"X-Api-Key": office.portal_key})

        assert answer.status_code == 403

    def test_to_an_unknown_report_finds_nothing(self, office):
        assert office.comment("QT-0000-0000", "secret", "Đèn chưa sáng").status_code == 404

    def test_sent_again_with_the_same_key_is_one(self, office):
        receipt = office.post(a_body()).json()
        send = {"code": receipt["tracking_code"], "secret": receipt["secret"], "Idempotency-Key": "c-1"}

        first, second = office.comment(words="Đèn chưa sáng", **send), office.comment(words="Đèn chưa sáng", **send)
        other = office.comment(words="Một chuyện khác", **send)

        assert second.json() == first.json()
        assert second.headers["Idempotent-Replayed"] == "true"
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        assert topics(office.rooms) == ["report.received", "report.commented"]

    def test_without_a_key_is_a_new_one_each_time(self, office):
        receipt = office.post(a_body()).json()

        for _ in range(2):
            office.comment(receipt["tracking_code"], receipt["secret"], "Đèn chưa sáng")

        assert topics(office.rooms) == ["report.received", "report.commented", "report.commented"]

    @pytest.mark.parametrize("words", ["", " ", "a" * 4001, "a\x00b"])
    def test_of_nothing_or_too_much_is_refused(self, office, words):
        receipt = office.post(a_body()).json()

        answer = office.comment(receipt["tracking_code"], receipt["secret"], words)

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "text")
        assert topics(office.rooms) == ["report.received"]
