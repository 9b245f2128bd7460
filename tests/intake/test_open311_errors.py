"""Every error under /open311 is in the specification's form, in the format that was asked for."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.intake.conftest import closed
from tests.intake.georeport import V2, checked, post, posted, read

LIGHT = {"service_code": "CS01", "address_id": "dh"}
LISTS: list[tuple[str, dict[str, Any], int, str]] = [
    ("services", {"jurisdiction_id": "hanoi"}, 404, "jurisdiction_id was not found"),
    ("services/GT01", {"jurisdiction_id": "hanoi"}, 404, "jurisdiction_id was not found"),
    ("services/XX99", {}, 404, "service_code was not found"),
    ("services/a.b", {}, 404, "service_code was not found"),
    ("requests", {"jurisdiction_id": "hanoi"}, 404, "jurisdiction_id was not found"),
    ("requests", {"service_code": "CS01,XX99"}, 404, "service_code was not found"),
    ("requests", {"status": "opened"}, 400, "status"),
    ("requests", {"status": "open,opened"}, 400, "status"),
    ("requests", {"start_date": "yesterday"}, 400, "start_date"),
    ("requests", {"start_date": "1792893600"}, 400, "start_date"),
    ("requests", {"start_date": "2026-10-25T08:00:00"}, 400, "start_date"),  # of which zone?
    ("requests", {"end_date": "0001-01-01T00:00:00Z"}, 400, "end_date"),
    ("requests", {"start_date": "9999-12-31T23:59:59Z"}, 400, "start_date"),
    ("requests", {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-06-01T00:00:00Z"}, 400, "90 days"),
    ("requests", {"updated_after": "2026-01-01T00:00:00Z", "updated_before": "2026-06-01T00:00:00Z"}, 400, "updated_after"),
    ("requests", {"page": "0"}, 400, "page"),
    ("requests", {"page": "two"}, 400, "page"),
    ("requests", {"page_size": "-1"}, 400, "page_size"),
    ("requests", {"page": "200"}, 400, "page"),
    ("requests", {"extensions": "maybe"}, 400, "extensions"),
    ("requests", {"service_request_id": ",".join(f"A{n}" for n in range(1001))}, 400, "service_request_id"),
    ("requests/QT-0000-0000", {}, 404, "tracking code"),
    ("requests/QT-0000-0001", {}, 404, "mistyped"),
    ("requests/%00", {}, 404, "mistyped"),
    ("tokens/QT-0000-0000", {}, 404, "tracking code"),
    ("tokens/123abc", {}, 404, "mistyped"),
    ("servicerequestupdates", {"start_date": "x"}, 400, "start_date"),
    ("servicerequestupdates", {"jurisdiction_id": "hanoi"}, 404, "jurisdiction_id was not found"),
    ("nothing/here", {}, 404, "Not Found"),
]
SENT: list[tuple[dict[str, Any], int, str]] = [
    ({"api_key": None}, 403, "api_key"),
    ({"api_key": ""}, 403, "api_key"),
    ({"api_key": "ha_app_" + "x" * 43}, 403, "api_key"),
    ({"jurisdiction_id": "hanoi"}, 404, "jurisdiction_id was not found"),
    ({"service_code": None}, 400, "service_code: is required"),
    ({"service_code": "XX99"}, 404, "service_code was not found"),
    ({"address_id": None, "address_string": None}, 400, "lat and long, address_string or address_id"),
    ({"address_id": "atlantis"}, 400, "address_id"),
    ({"lat": "16.8"}, 400, "latitude and longitude come together"),
    ({"lat": "48.1", "long": "11.5"}, 400, "lat:"),
    ({"lat": "16.8", "long": "-107.1"}, 400, "long:"),
    ({"lat": "nan", "long": "107.1"}, 400, "lat:"),
    ({"lat": "1_6", "long": "107.1"}, 400, "lat:"),
    ({"lat": ["16.8", "16.9"], "long": "107.1"}, 400, "lat is given 2 times"),
    ({"attribute[LOAI_DUONG]": "quoc_lo"}, 400, "attribute[LOAI_DUONG]"),
    ({"service_code": "GT01", "attribute[LOAI_DUONG]": "cao_toc"}, 400, "attribute[LOAI_DUONG]"),
    ({"description": "tối"}, 400, "description"),
    ({"description": "a" * 4001}, 400, "description"),
    ({"description": "Đèn\x00 hỏng"}, 400, "description"),
    ({"description": "Đèn <b>hỏng</b> rồi"}, 400, "description"),
    ({"description": "Đèn hỏng <!-- -->"}, 400, "description"),
    ({"email": "hoa"}, 400, "email:"),
    ({"phone": "555-5555"}, 400, "phone:"),
    ({"first_name": "H" * 101, "phone": "0912345678"}, 400, "first_name"),
    ({"media_url": "ftp://anh.example/1.jpg"}, 400, "media_url"),
    ({"media_url": "javascript:alert(1)"}, 400, "media_url"),
    ({"media_url": "https://anh.example/" + "x" * 2000}, 400, "media_url"),
    ({f"f{n}": "x" for n in range(101)}, 400, "100 fields"),
]


def told(answer: Any) -> list[dict[str, Any]]:
    return checked(answer["json"], answer["xml"], "errors")


class TestReading:
    @pytest.mark.parametrize(("path", "query", "status", "words"), LISTS, ids=[f"{n}-{case[0]}" for n, case in enumerate(LISTS)])
    def test_what_is_wrong_is_told_in_the_specifications_form(self, door, path, query, status, words):
        errors = read(door, path, "errors", status, **query)

        assert {error["code"] for error in errors} <= {status}
        assert words in "".join(error["description"] for error in errors)

    @pytest.mark.parametrize("path", ["", "/v2", "/v2/requests", "/v2/requests.csv", "/v2/services.txt", "/v3/services.xml", "/v2/%ff.xml"])
    def test_what_is_not_there_is_told_in_xml(self, door, path):
        answer = door.http.get(f"/open311{path}")

        assert answer.status_code == 404
        assert answer.headers["content-type"] == "text/xml; charset=utf-8"
        assert b"<errors><error><code>404</code><description>" in answer.content

    def test_two_wrong_arguments_are_two_errors(self, door):
        errors = read(door, "requests", "errors", 400, start_date="x", page="y")

        assert [error["description"].partition(":")[0] for error in errors] == ["start_date", "page"]

    def test_beside_it_nothing_changes(self, door):
        answer = door.http.get("/open311-elsewhere")

        assert answer.headers["content-type"] == "application/problem+json"


class TestSending:
    @pytest.mark.parametrize(("change", "status", "words"), SENT, ids=[f"{n}-{next(iter(case[0]))}" for n, case in enumerate(SENT)])
    def test_what_is_wrong_is_told_and_nothing_is_kept(self, door, change, status, words):
        answers = {form: post(door, form, **change) for form in ("json", "xml")}

        assert {answer.status_code for answer in answers.values()} == {status}, answers["json"].text
        errors = told(answers)
        assert {error["code"] for error in errors} == {status}
        assert words in "".join(error["description"] for error in errors)
        assert door.rows("reports") == door.rows("inbox") == door.rows("outbox") == 0

    @pytest.mark.parametrize(
        ("content", "kind"),
        [
            (b"service_code=%ff%fe", "application/x-www-form-urlencoded"),
            (b"service_code=\xff", "application/x-www-form-urlencoded"),
            (b'{"service_code": "CS01"}', "application/json"),
            (b"<request/>", "text/xml"),
            (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
            (b"no boundary", "multipart/form-data"),
            (b"", ""),
        ],
    )
    def test_what_is_no_form_is_refused(self, door, content, kind):
        sent = {"content": content, "headers": {"Content-Type": kind, "X-Api-Key": door.portal_key}}

        errors = told({form: door.http.post(f"{V2}/requests.{form}", **sent) for form in ("json", "xml")})

        assert [error["code"] for error in errors] == [400]

    def test_a_file_is_refused_and_not_dropped_unsaid(self, office):
        data = {"api_key": office.portal_key, **LIGHT}

        answer = office.http.post(f"{V2}/requests.json", data=data, files={"media": ("anh.png", b"\x89PNG", "image/png")})

        assert answer.status_code == 400
        assert "media_url" in answer.json()[0]["description"]
        assert office.rows("reports") == 0

    @pytest.mark.parametrize(
        "headers", [{"X-Api-Key": "nonsense"}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Bearer a.b.c"}]
    )
    def test_a_wrong_key_in_a_header_is_403_too(self, office, headers):
        answers = {form: office.http.post(f"{V2}/requests.{form}", data=LIGHT, headers=headers) for form in ("json", "xml")}

        assert [error["code"] for error in told(answers)] == [403]
        assert answers["json"].status_code == 403
        assert "www-authenticate" not in answers["json"].headers

    def test_another_report_under_the_portals_own_key_is_refused(self, office):
        headers = {"X-Api-Key": office.portal_key, "Idempotency-Key": "k-1"}
        office.http.post(f"{V2}/requests.json", data=LIGHT, headers=headers)

        answers = {
            form: office.http.post(f"{V2}/requests.{form}", data=LIGHT | {"service_code": "GT03"}, headers=headers)
            for form in ("json", "xml")
        }

        assert "Idempotency-Key" in told(answers)[0]["description"]
        assert office.rows("reports") == 1


class TestWhatIsNotAboutTheRequest:
    def test_a_body_that_is_too_large_is_told_whether_it_says_so_or_not(self, office):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        sent = {"json": b"a" * 70_000, "xml": iter([b"a" * 10_000] * 8)}

        answers = {form: office.http.post(f"{V2}/requests.{form}", content=body, headers=headers) for form, body in sent.items()}

        assert {answer.status_code for answer in answers.values()} == {413}
        assert told(answers) == [{"code": 413, "description": "a request body is at most 65536 bytes here"}]

    def test_another_method_is_told(self, office):
        answers = {form: office.http.delete(f"{V2}/requests.{form}") for form in ("json", "xml")}

        assert [error["code"] for error in told(answers)] == [405]

    def test_a_database_that_is_away_is_told_as_come_back_later(self, office, postgres_url):
        posted(office)

        with closed(postgres_url, office.settings.database_url):
            answers = {form: post(office, form, description="Một chuyện khác") for form in ("json", "xml")}

        assert {(answer.status_code, answer.headers["Retry-After"]) for answer in answers.values()} == {(503, "5")}
        assert [error["code"] for error in told(answers)] == [503]

    def test_what_breaks_here_tells_nothing_of_how(self, office):
        with office.rooms.begin() as session:
            session.execute(text("SET ROLE NONE"))
            session.execute(text("ALTER TABLE intake.timeline RENAME TO elsewhere"))

        answers = {form: office.http.get(f"{V2}/servicerequestupdates.{form}") for form in ("json", "xml")}

        assert [error["code"] for error in told(answers)] == [500]
        assert "timeline" not in answers["xml"].text

    def test_carries_the_security_headers(self, office):
        assert office.http.get("/open311/nothing").headers["x-content-type-options"] == "nosniff"
