"""Many reports at once: each line has its own answer, whatever the others are."""

import json
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import pytest

from services.intake.api.bulk import LINES, TooLong, lines
from shared.settings import Settings
from tests.builders import topics
from tests.intake.conftest import Office, a_body, closed

NDJSON = {"Content-Type": "application/x-ndjson"}
CONTACT = {"name": "Trần Thị Hoa", "phone": "0912 345 678"}


def line(key: str, **fields: Any) -> bytes:
    return json.dumps({"key": key, "report": a_body(**fields)}, ensure_ascii=False).encode() + b"\n"


def sent(office: Office, body: bytes | Iterable[bytes], **headers: str) -> list[Any]:
    answer = office.http.post("/v1/reports:bulk", content=body, headers={"X-Api-Key": office.portal_key} | NDJSON | headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    return [json.loads(said) for said in answer.text.splitlines()]


class TestBulk:
    def test_answers_each_line_with_its_receipt(self, office):
        first, second = sent(office, line("k-1") + line("k-2", contact=CONTACT))

        assert (first["line"], first["key"], first["status"], first["replayed"]) == (1, "k-1", 201, False)
        assert (second["line"], second["receipt"]["link"][:27]) == (2, "https://hoiam.example/pa/QT")
        assert office.shown(first["receipt"]["tracking_code"])["status"] == "received"
        assert office.rows("reports") == 2
        assert sorted(topics(office.rooms)) == ["report.received", "report.received", "reporter.reachable"]

    def test_sent_again_makes_no_second_report(self, office):
        upload = b"".join(line(f"k-{n}") for n in range(120))

        first, second = sent(office, upload), sent(office, upload)

        assert [said["receipt"] for said in second] == [said["receipt"] for said in first]
        assert {said["replayed"] for said in second} == {True}
        assert office.rows("reports") == 120

    def test_and_a_single_report_under_the_same_key_are_one(self, office):
        receipt = office.post(a_body(), key="k-1").json()

        [same, other] = sent(office, line("k-1") + line("k-1", description="Một chuyện khác hẳn"))

        assert (same["replayed"], same["receipt"]) == (True, receipt)
        assert (other["status"], other["problem"]["code"]) == (422, "idempotency_key_reused")
        assert office.rows("reports") == 1

    def test_the_same_line_twice_is_one_report(self, office):
        first, second = sent(office, line("k-1") * 2)

        assert first["receipt"] == second["receipt"]
        assert sorted([first["replayed"], second["replayed"]]) == [False, True]

    @pytest.mark.parametrize(
        ("broken", "status", "code", "field"),
        [
            (b"hello\n", 400, "broken_json", None),
            (b'{"key": "k"\n', 400, "broken_json", None),
            (b'{"key": "k", "key": "l", "report": {}}\n', 400, "broken_json", None),
            (b"\xff\xfe\n", 400, "broken_json", None),
            (b"[" * 30_000 + b"\n", 400, "broken_json", None),
            (b"7\n", 422, "invalid", "body"),
            (b"null\n", 422, "invalid", "body"),
            (b"{}\n", 422, "invalid", "key"),
            (b'{"key": "\\ud800", "report": {}}\n', 422, "invalid", "key"),
            (line("k", description="a"), 422, "invalid", "report.description"),
            (line("k", description="a\x00bcdef"), 422, "invalid", "report.description"),
            (line("k", category="XX99"), 422, "invalid", "category"),
            (line("k", received_at="2020-01-01T00:00:00Z"), 422, "invalid", "report.received_at"),
            (line(""), 400, "idempotency_key_missing", None),
            (line("two words"), 400, "idempotency_key_missing", None),
            (b"x" * 70_000 + b"\n", 413, "too_large", None),
        ],
        ids=lambda value: str(value)[:30],
    )
    def test_a_broken_line_never_stops_the_others(self, office, broken, status, code, field):
        before, wrong, after = sent(office, line("k-1") + broken + line("k-2"))

        assert (before["status"], after["status"], after["line"]) == (201, 201, 3)
        assert (wrong["line"], wrong["status"], wrong["problem"]["code"]) == (2, status, code)
        assert [error["field"] for error in wrong["problem"].get("errors", [])][:1] == ([field] if field else [])
        assert office.rows("reports") == 2

    def test_empty_lines_are_no_lines_and_the_last_needs_no_end(self, office):
        said = sent(office, b"\n  \n" + line("k-1") + b"\r\n" + line("k-2").rstrip())

        assert [(one["line"], one["status"]) for one in said] == [(3, 201), (5, 201)]

    def test_may_be_much_longer_than_a_single_report(self, office):
        upload = [line(f"k-{n}", description="Đèn đường hỏng " * 60) for n in range(100)]

        assert {said["status"] for said in sent(office, iter(upload))} == {201}

    def test_of_nothing_is_answered_with_nothing(self, office):
        assert sent(office, b"") == []

    def test_while_the_database_is_away_says_so_for_each_line(self, office, postgres_url):
        sent(office, line("k-1"))
        with closed(postgres_url, office.settings.database_url):
            said = sent(office, line("k-2") + line("k-3"))

        assert [(one["status"], one["problem"]["code"]) for one in said] == [(503, "unavailable")] * 2


class TestFence:
    def test_keeps_out_what_is_too_large(self, office):
        answer = office.http.post(
            "/v1/reports:bulk", content=b" " * (office.settings.bulk_limit + 1), headers={"X-Api-Key": office.portal_key} | NDJSON
        )

        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    def test_keeps_out_what_grows_too_large_on_the_way(self, office):
        parts = (b" " * 1_000_000 for _ in range(17))
        answer = office.http.post("/v1/reports:bulk", content=parts, headers={"X-Api-Key": office.portal_key} | NDJSON)

        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    def test_of_single_reports_is_as_it_was(self, office):
        assert office.post_raw(b" " * (Settings.model_fields["body_limit"].default + 1)).status_code == 413

    def test_lets_in_portals_only(self, office):
        assert office.http.post("/v1/reports:bulk", content=line("k-1"), headers=NDJSON).status_code == 401

    def test_wants_lines_of_json(self, office):
        answer = office.http.post("/v1/reports:bulk", content=line("k-1"), headers={"X-Api-Key": office.portal_key})

        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


class TestLines:
    def test_are_so_many_and_not_more(self):
        read = list(lines(BytesIO(b"{}\n" * (LINES + 5)), longest=100))

        assert len(read) == LINES + 1
        assert read[-2] == (LINES, b"{}\n")
        assert isinstance(read[-1][1], TooLong)
        assert read[-1][1].code == "too_many_lines"

    @pytest.mark.parametrize("length", [99, 100])
    def test_may_be_as_long_as_a_report(self, length):
        assert list(lines(BytesIO(b"x" * length + b"\ny"), longest=100)) == [(1, b"x" * length + b"\n"), (2, b"y")]

    @pytest.mark.parametrize("length", [101, 200, 201, 1000])
    def test_that_are_longer_are_one_line_all_the_same(self, length):
        [(first, wrong), (second, rest)] = lines(BytesIO(b"x" * length + b"\ny"), longest=100)

        assert (first, second, rest) == (1, 2, b"y")
        assert isinstance(wrong, TooLong)
