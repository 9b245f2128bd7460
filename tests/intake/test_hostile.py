"""Bodies that are wrong, and bodies that mean harm: a specific problem, and nothing kept."""

import json
from typing import Any

import pytest

from tests.intake.conftest import a_body

GOOD = json.dumps(a_body()).encode()
PLACE: dict[str, Any] = {"area": "dh"}
POINT = {"latitude": 16.8, "longitude": 107.1}
ROAD = {"category": "GT01"}

WRONG: list[tuple[str, dict[str, Any]]] = [
    ("category", {"category": None}),
    ("category", {"category": 1}),
    ("category", {"category": "XX99"}),
    ("category", {"category": "cs01"}),
    ("category", {"category": "C" * 51}),
    ("description", {"description": ""}),
    ("description", {"description": "tối"}),
    ("description", {"description": "        "}),
    ("description", {"description": "a" * 4001}),
    ("description", {"description": "Đèn\x00 hỏng"}),
    ("description", {"description": "Đèn\x1b[2J hỏng"}),
    ("description", {"description": ["Đèn đường hỏng"]}),
    ("description", {"description": 12345}),
    ("location", {"location": None}),
    ("location", {"location": {}}),
    ("location", {"location": []}),
    ("location", {"location": {"area": "", "address": "  "}}),
    ("location", {"location": {"latitude": 16.8}}),
    ("location", {"location": {"longitude": 107.1, "area": "dh"}}),
    ("location.area", {"location": {"area": "atlantis"}}),
    ("location.area", {"location": {"area": "a" * 51}}),
    ("location.area", {"location": {"area": "dh\x00"}}),
    ("location.address", {"location": {"address": "a" * 301}}),
    ("location.latitude", {"location": POINT | {"latitude": 48.1}}),
    ("location.latitude", {"location": POINT | {"latitude": "16.8"}}),
    ("location.latitude", {"location": POINT | {"latitude": True}}),
    ("location.latitude", {"location": POINT | {"latitude": 10**400}}),
    ("location.longitude", {"location": POINT | {"longitude": -107.1}}),
    ("location.country", {"location": PLACE | {"country": "VN"}}),
    ("attributes", {"attributes": []}),
    ("attributes", {"attributes": {f"A{n}": "x" for n in range(21)}}),
    ("attributes.LOAI_DUONG", {"attributes": {"LOAI_DUONG": "quoc_lo"}}),  # not of this category
    ("attributes.LOAI_DUONG", ROAD | {"attributes": {"LOAI_DUONG": "cao_toc_vu_tru"}}),
    ("attributes.LOAI_DUONG", ROAD | {"attributes": {"LOAI_DUONG": ""}}),
    ("attributes.LOAI_DUONG", ROAD | {"attributes": {"LOAI_DUONG": 7}}),
    ("attributes.LOAI_DUONG", ROAD | {"attributes": {"LOAI_DUONG": "x" * 501}}),
    ("urgent", {"urgent": True}),  # street lights can't be
    ("urgent", {"urgent": "yes"}),
    ("urgent", {"urgent": 1}),
    ("contact", {"contact": {}}),
    ("contact", {"contact": {"name": "Hoa"}}),
    ("contact", {"contact": "hoa@example.com"}),
    ("contact.email", {"contact": {"email": "hoa"}}),
    ("contact.email", {"contact": {"email": "hoa@example"}}),
    ("contact.email", {"contact": {"email": "hoa@example.com\nBcc: all@example.com"}}),
    ("contact.email", {"contact": {"email": "a" * 65 + "@example.com"}}),
    ("contact.phone", {"contact": {"phone": "12345"}}),
    ("contact.phone", {"contact": {"phone": "+1 202 555 0100"}}),
    ("contact.phone", {"contact": {"phone": "091234567"}}),
    ("contact.phone", {"contact": {"phone": "09123456789"}}),
    ("contact.phone", {"contact": {"phone": "٠٩١٢٣٤٥٦٧٨"}}),
    ("contact.name", {"contact": {"name": "H" * 101, "phone": "0912345678"}}),
    ("contact.address", {"contact": {"phone": "0912345678", "address": "?"}}),
    ("language", {"language": "fr"}),
    ("external_ref", {"external_ref": "x" * 256}),
    ("external_ref", {"external_ref": 5}),
    ("portal", {"portal": "another"}),
    ("report_id", {"report_id": "0199"}),
]

BROKEN: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("half of it", GOOD[:-10]),
    ("words", b"hello"),
    ("not UTF-8", b'{"description": "\xff\xfe"}'),
    ("NaN", GOOD.replace(b'{"area": "dh"', b'{"latitude": NaN, "area": "dh"')),
    ("Infinity", GOOD.replace(b'{"area": "dh"', b'{"latitude": -Infinity, "area": "dh"')),
    ("1e999", GOOD.replace(b'{"area": "dh"', b'{"latitude": 1e999, "longitude": 107, "area": "dh"')),
    ("a number of 10,000 digits", GOOD.replace(b'{"area": "dh"', b'{"latitude": ' + b"9" * 10_000 + b', "area": "dh"')),
    ("a raw NUL", GOOD.replace(b"CS01", b"CS\x0001")),
    ("half a surrogate pair", GOOD.replace(b"CS01", b"CS01\\ud800")),
    ("half a surrogate pair in a name", GOOD.replace(b'"category"', b'"cat\\udfff"')),
    ("half a surrogate pair in the name of an attribute", GOOD[:-1] + b', "attributes": {"\\ud800": "x"}}'),
    ("depth", b'{"a":' * 8_000 + b"1" + b"}" * 8_000),
    ("deep lists", b"[" * 30_000 + b"]" * 30_000),
    ("a list", b"[" + GOOD + b"]"),
    ("a field twice", GOOD[:-1] + b', "category": "GT01"}'),
    ("a thousand fields", json.dumps({f"f{n}": n for n in range(1000)}).encode()),
]


class TestWrongField:
    @pytest.mark.parametrize(("field", "change"), WRONG, ids=[f"{n}-{field}" for n, (field, _) in enumerate(WRONG)])
    def test_is_named_and_nothing_is_kept(self, office, field, change):
        answer = office.post(a_body(**change))

        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert field in {error["field"] for error in answer.json()["errors"]}
        assert office.rows("reports") == office.rows("inbox") == office.rows("outbox") == 0

    @pytest.mark.parametrize("field", ["category", "description", "location"])
    def test_or_missing_is_named(self, office, field):
        body = a_body()
        del body[field]

        answer = office.post(body)

        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]

    def test_all_of_them_are_named_at_once(self, office):
        answer = office.post(a_body(category="", description="", language="", contact={"phone": "1"}))

        assert {error["field"] for error in answer.json()["errors"]} == {"description", "language", "contact.phone"}


class TestBrokenBody:
    @pytest.mark.parametrize(("what", "body"), BROKEN, ids=[what for what, _ in BROKEN])
    def test_gets_a_problem_and_nothing_is_kept(self, office, what, body):
        answer = office.post_raw(body)

        assert answer.status_code in {400, 422}, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] in {"broken_json", "invalid"}
        assert "Traceback" not in answer.text
        assert office.rows("reports") == office.rows("inbox") == office.rows("outbox") == 0

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "", "application/jsonp"])
    def test_of_another_type_is_refused_by_its_type(self, office, kind):
        answer = office.post_raw(GOOD, **{"Content-Type": kind})

        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")

    def test_with_a_charset_is_fine(self, office):
        assert office.post_raw(GOOD, **{"Content-Type": "Application/JSON; charset=utf-8"}).status_code == 201

    def test_that_is_too_large_is_refused_before_it_is_read(self, office):
        answer = office.post_raw(b" " * 70_000 + GOOD)

        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    def test_that_is_too_large_and_does_not_say_so_is_refused_too(self, office):
        headers = {"X-Api-Key": office.portal_key, "Idempotency-Key": "k-1", "Content-Type": "application/json"}

        answer = office.http.post("/v1/reports", content=iter([b" " * 10_000] * 8), headers=headers)

        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert office.rows("reports") == 0


class TestHostileAddress:
    @pytest.mark.parametrize(
        "code", ["%00", "QT-%00%00%00%00-0000", "%ff%fe", "..%2f..%2fetc", "'; DROP TABLE reports; --", "%F0%9F%92%A5" * 50]
    )
    def test_is_no_tracking_code(self, office, code):
        answer = office.http.get(f"/v1/reports/{code}")

        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


class TestHostileHeader:
    VALUES = (b"\xff\xfe", b"a" * 5000, b"9" * 5000, b",;=", b"Bearer a.b.c", b"Bearer \xf0", b"bytes=9-")

    @pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "X-Report-Secret", "Idempotency-Key", "X-Forwarded-For", "Origin"])
    def test_breaks_nothing(self, office, name):
        for value in self.VALUES:
            for answer in (office.post(a_body(), **{name: value}), office.http.get("/v1/categories", headers={name: value})):
                assert answer.status_code < 500, answer.text

    def test_that_states_an_impossible_length_is_refused(self, office):
        for length in ("9" * 5000, "-1", "1e3", "٣", "+5"):
            assert office.post_raw(GOOD, **{"Content-Length": length.encode()}).status_code == 413
