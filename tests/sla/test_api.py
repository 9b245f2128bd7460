"""sla over HTTP: agencies and the operations centre, with real tokens on a real PostgreSQL."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from services.sla.__main__ import service
from services.sla.domain.roots import Receipt, steps
from services.sla.handlers import make_root
from services.sla.settings import SlaSettings
from shared.access import ROUTES, issue_token, new_key_pair
from shared.bus.postgres import create_schema
from shared.clock import now
from shared.messages import Tick
from shared.service import Process
from tests.builders import MONDAY, envelope, received, routed

PRIVATE, PUBLIC = new_key_pair()


def token(role: str) -> dict[str, str]:
    signed = issue_token(PRIVATE, role=role, name="lan", issuer="hoiam", audience="hoiam", at=now(), lasts=timedelta(hours=1))
    return {"Authorization": f"Bearer {signed}"}


DONG_HA, XAY_DUNG, OPERATOR, AUDITOR = token("agency:dh"), token("agency:sxd"), token("operator"), token("auditor")
ANSWER = {"outcome": "fixed", "answer": "Đã thay bóng đèn tại vị trí phản ánh.", "evidence": ["media:anh-sau-khi-sua"]}


@pytest.fixture
def http(rooms, database_url) -> Iterator[TestClient]:
    create_schema(database_url)
    settings = SlaSettings(database_url=database_url, jwt_public_key=PUBLIC)
    process = Process(service(settings), settings)
    with TestClient(process.app, raise_server_exceptions=False) as client:
        yield client
    process.engine.dispose()


@pytest.fixture
def report(handling):
    report = received()
    handling.together([envelope(report), envelope(routed(report))])
    return report


def url(report, request: str = "") -> str:
    return f"/v1/cases/{report.report_id}" + (f"/{request}" if request else "")


class TestJourney:
    def test_an_agency_takes_a_case_up_and_the_centre_approves_its_result(self, http, report):
        assert http.post(url(report, "accept"), json={}, headers=DONG_HA).json()["state"] == "in_progress"
        assert http.post(url(report, "submit_result"), json=ANSWER, headers=DONG_HA).json()["state"] == "submitted"
        assert http.post(url(report, "approve"), json={}, headers=OPERATOR).json()["state"] == "resolved"

        case = http.get(url(report), headers=AUDITOR).json()
        assert [move["trigger"] for move in case["history"]] == ["receive", "route", "accept", "submit", "approve"]
        assert [move["actor"] for move in case["history"]][-3:] == ["agency:dh", "agency:dh", "operator:lan"]
        assert [stint["holder"] for stint in case["custody"]] == ["ioc", "dh", "ioc"]

    def test_the_same_key_twice_is_one_request(self, http, report):
        keyed = {**DONG_HA, "Idempotency-Key": "one"}

        answers = [http.post(url(report, "accept"), json={}, headers=keyed) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].json()["version"] == answers[1].json()["version"]


class TestWorkList:
    def test_an_agency_sees_its_own_cases_only(self, http, report):
        mine = http.get("/v1/cases", headers=DONG_HA).json()["cases"]
        theirs = http.get("/v1/cases?agency=dh", headers=XAY_DUNG).json()["cases"]

        assert [case["report_id"] for case in mine] == [str(report.report_id)]
        assert theirs == []
        assert http.get(url(report), headers=XAY_DUNG).status_code == 404

    def test_pages_follow_one_another_without_gap_or_repeat(self, http, handling):
        reports = [received() for _ in range(5)]
        handling.together([envelope(report) for report in reports])
        seen, after = [], ""

        while after is not None:
            page = http.get("/v1/cases", params={"limit": 2, **({"after": after} if after else {})}, headers=OPERATOR).json()
            seen += [case["report_id"] for case in page["cases"]]
            after = page["next"]

        assert sorted(seen) == sorted(str(report.report_id) for report in reports)


class TestRefusals:
    @pytest.mark.parametrize(
        ("request_", "body", "who", "status", "code"),
        [
            ("approve", {}, OPERATOR, 409, "illegal_move"),
            ("accept", {}, XAY_DUNG, 403, "not_your_case"),
            ("accept", {"version": 0}, DONG_HA, 412, "stale"),
            ("accept", {}, OPERATOR, 403, "forbidden"),
            ("approve", {}, DONG_HA, 403, "forbidden"),
            ("accept", {}, {}, 401, "credentials_missing"),
            ("accept", {}, {"Authorization": "Bearer a.b.c"}, 401, "token_invalid"),
            ("accept", {"mood": "good"}, DONG_HA, 422, "invalid"),
            ("accept", {"actor": "agency:sxd"}, DONG_HA, 422, "invalid"),
            ("submit_result", {"outcome": "flown", "answer": "x" * 20}, DONG_HA, 422, "invalid"),
            ("submit_result", {"outcome": "fixed", "answer": "ngắn"}, DONG_HA, 422, "invalid"),
            ("submit_result", {"outcome": "fixed", "answer": "null\x00 byte in the answer"}, DONG_HA, 422, "invalid"),
            ("answer", {"comment_id": str(uuid4()), "answer": "Ngày mai"}, DONG_HA, 404, "no_such_comment"),
            ("route", {"agency": "nobody", "reason": "không rõ"}, OPERATOR, 404, "no_such_agency"),
        ],
    )
    def test_a_refusal_says_why_and_changes_nothing(self, http, report, request_, body, who, status, code):
        before = http.get(url(report), headers=OPERATOR).json()

        answer = http.post(url(report, request_), json=body, headers=who)

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
        assert http.get(url(report), headers=OPERATOR).json() == before

    def test_an_unknown_case_is_not_found(self, http):
        assert http.post(f"/v1/cases/{uuid4()}/accept", json={}, headers=DONG_HA).json()["code"] == "not_found"

    def test_broken_json_and_oversized_bodies_are_named(self, http, report):
        broken = http.post(url(report, "accept"), content=b"{", headers={**DONG_HA, "Content-Type": "application/json"})
        huge = http.post(url(report, "accept"), content=b" " * 70_000, headers=DONG_HA)
        chunked = http.post(
            url(report, "accept"), content=iter([b" " * 40_000] * 2), headers={**DONG_HA, "Content-Type": "application/json"}
        )
        deep = http.post(url(report, "accept"), content=b"[" * 60_000, headers={**DONG_HA, "Content-Type": "application/json"})

        assert (broken.status_code, broken.json()["code"]) == (400, "broken_json")
        assert (huge.status_code, huge.json()["code"]) == (413, "too_large")
        assert (chunked.status_code, chunked.json()["code"]) == (413, "too_large")
        assert deep.status_code == 400


class TestAudit:
    def test_everybody_may_read_roots_and_receipts(self, http, handling, report):
        assert http.get(url(report, "receipt")).json()["code"] == "not_rooted"
        for days in range(3):
            for _ in range(2):
                handling.run(lambda session, days=days: make_root(Tick(at=MONDAY + timedelta(days=days)), session))

        page = http.get("/v1/audit/roots?limit=2").json()
        rest = http.get("/v1/audit/roots", params={"limit": 2, "after": page["next"]}).json()
        receipt = http.get(url(report, "receipt")).json()
        assert [root["day"] for root in page["roots"] + rest["roots"]] == ["2026-11-15", "2026-11-16", "2026-11-17"]
        assert rest["next"] is None
        assert http.get("/v1/audit/roots/2026-11-15").json()["root"] == receipt["root"]
        assert http.get("/v1/audit/roots/2026-11-14").json()["code"] == "not_found"
        assert http.get("/v1/audit/roots/today").json()["code"] == "invalid"
        assert [step.passed for step in steps(Receipt.model_validate(receipt))] == [True, True]


class TestEveryRoute:
    def test_is_in_the_table_of_roles(self, http):
        routes = {f"{method.upper()} {path}" for path, methods in http.app.openapi()["paths"].items() for method in methods}

        assert routes <= set(ROUTES)

    def test_carries_the_security_headers(self, http):
        headers = http.get("/healthz").headers

        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers

    def test_health_readiness_and_metrics_answer(self, http):
        assert http.get("/readyz").json() == {"ready": True}
        assert http.get("/healthz").status_code == 200
        assert "hoiam_handling_seconds" in http.get("/metrics").text
