"""What a portal's key is good for, how often, and from which pages; how often strangers may look; what every answer carries."""

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient

from services.intake.__main__ import service
from services.intake.store import portals
from shared.access import ROUTES, SCOPES, Role, Scope
from shared.clock import now
from shared.limits import Rate
from shared.service import Process
from tests.intake.conftest import a_body, opened

PAGES, ELSEWHERE = "https://app.example.vn", "https://evil.example"
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "geolocation=(), camera=(), microphone=()",
}


def a_key(office, code="zalo", **how):
    with office.rooms.begin() as session:
        return portals.add_portal(session, code, "Zalo", now(), **how)


def as_portal(key, number=1, **more):
    return {"X-Api-Key": key, "Idempotency-Key": f"n-{number}", **more}


class TestScopes:
    def test_a_key_without_the_scope_is_refused_and_may_do_what_everybody_may(self, office):
        key = a_key(office, scopes=[Scope.READ_OWN])

        answer = office.http.post("/v1/reports", json=a_body(), headers=as_portal(key))

        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
        assert office.http.get("/v1/categories", headers=as_portal(key)).status_code == 200

    def test_a_key_with_the_scope_may(self, office):
        key = a_key(office, scopes=[Scope.REPORT])

        assert office.http.post("/v1/reports", json=a_body(), headers=as_portal(key)).status_code == 201

    @pytest.mark.parametrize(("path", "scope"), [("requests", Scope.REPORT), ("servicerequestupdates", Scope.COMMENT)])
    def test_the_door_of_open311_asks_for_them_too(self, office, path, scope):
        key = a_key(office, scopes=set(Scope) - {scope})

        for headers, fields in (({"X-Api-Key": key}, {}), ({}, {"api_key": key})):
            answer = office.http.post(f"/open311/v2/{path}.json", data={"description": "?", **fields}, headers=headers)

            assert answer.status_code == 403
            assert f"lacks the scope {scope}" in answer.text

    def test_a_portal_lists_its_own_reports_with_that_scope_only(self, office):
        key, other = a_key(office, scopes=set(Scope) - {Scope.READ_OWN}), a_key(office, scopes=[Scope.READ_OWN])

        refused, allowed = (office.http.get("/v1/reports?mine=true", headers={"X-Api-Key": one}) for one in (key, other))

        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
        assert allowed.status_code == 200

    def test_bulk_is_never_given_unasked(self):
        assert Scope.BULK not in portals.USUAL_SCOPES

    def test_every_route_of_portals_alone_names_its_scope(self):
        routes = {route for route, roles in ROUTES.items() if Role.PORTAL in roles and Role.PUBLIC not in roles}

        assert routes == set(SCOPES)


class TestRates:
    def test_a_portal_that_calls_too_often_is_told_when_to_come_again(self, office):
        key = a_key(office, rate=Rate(per_second=0.01, burst=3))

        answers = [office.http.post("/v1/reports", json=a_body(), headers=as_portal(key, number)) for number in range(4)]

        assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
        assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
        refused = answers[-1]
        assert refused.json()["code"] == "too_many_requests"
        assert 90 <= int(refused.headers["retry-after"]) <= 101
        assert office.rows("reports") == 3

    def test_other_portals_and_other_keys_have_buckets_of_their_own_or_the_same(self, office):
        slow = Rate(per_second=0.01, burst=1)
        first, second, other = a_key(office, rate=slow), a_key(office, rate=slow), a_key(office, "app2", rate=slow)

        statuses = [office.http.get("/v1/categories", headers=as_portal(key)).status_code for key in (first, second, other)]

        assert statuses == [200, 429, 200]

    def test_an_address_without_credentials_has_a_rate_and_others_have_theirs(self, settings, template):
        few = settings.model_copy(update={"public_rate": 0.01, "public_burst": 2})
        with opened(few, template[1]) as office:
            statuses = [office.http.get("/v1/categories").status_code for _ in range(3)]
            posted = office.post(a_body())

        assert statuses == [200, 200, 429]
        assert posted.status_code == 201

    def test_a_key_in_a_form_of_open311_is_counted_as_its_portal_and_not_as_its_address(self, settings, template):
        few = settings.model_copy(update={"public_rate": 0.01, "public_burst": 1})
        with opened(few, template[1]) as office:
            key = a_key(office, rate=Rate(per_second=0.01, burst=3))
            form = {"api_key": key, "service_code": "CS01", "address_id": "dh"}
            answers = [office.http.post("/open311/v2/requests.json", data=form) for _ in range(4)]

        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]

    def test_guessing_keys_is_counted_too(self, settings, template):
        few = settings.model_copy(update={"public_rate": 0.01, "public_burst": 2})
        with opened(few, template[1]) as office:
            statuses = [office.http.get("/v1/categories", headers={"X-Api-Key": f"ha_app_{n}"}).status_code for n in range(3)]

        assert statuses == [401, 401, 429]


class TestPagesOfOthers:
    def test_everybodys_page_may_read_what_is_public(self, office):
        answer = office.http.get("/v1/categories", headers={"Origin": ELSEWHERE})

        assert answer.headers["access-control-allow-origin"] == "*"

    @pytest.mark.parametrize(("origin", "shown"), [(PAGES, PAGES), (ELSEWHERE, None), ("null", None)])
    def test_a_portals_own_pages_alone_may_post_with_its_key(self, office, origin, shown):
        key = a_key(office, origins=[PAGES])

        answer = office.http.post("/v1/reports", json=a_body(), headers=as_portal(key, Origin=origin))

        assert answer.headers.get("access-control-allow-origin") == shown

    def test_not_even_another_portals_pages(self, office):
        a_key(office, origins=[PAGES])

        answer = office.post(a_body(), Origin=PAGES)

        assert "access-control-allow-origin" not in answer.headers

    @pytest.mark.parametrize(("origin", "status"), [(PAGES, 204), (ELSEWHERE, 403)])
    def test_a_browser_that_asks_first_is_told(self, office, origin, status):
        a_key(office, origins=[PAGES])

        asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
        answer = office.http.options("/v1/reports", headers=asked)

        assert answer.status_code == status
        assert answer.headers.get("access-control-allow-origin") == (PAGES if status == 204 else None)

    @pytest.mark.parametrize("origin", ["app.example.vn", "https://app.example.vn/", "*", "https://a b", "javascript:x"])
    def test_an_origin_is_one(self, office, origin):
        with pytest.raises(ValueError, match="origin"):
            a_key(office, origins=[origin])


class TestEveryAnswer:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/v1/categories", 200),
            ("GET", "/v1/reports/QT-0000-0000", 404),
            ("GET", "/nothing", 404),
            ("PUT", "/v1/categories", 405),
            ("POST", "/v1/reports", 401),
            ("POST", "/v1/reports/QT-0000-0000/comments", 415),
            ("GET", "/v1/privacy/accesses", 401),
            ("GET", "/healthz", 200),
            ("GET", "/metrics", 200),
            ("GET", "/docs", 200),
            ("GET", "/broken", 500),
        ],
    )
    def test_carries_the_security_headers(self, settings, method, path, status):
        process = Process(service(settings), settings)
        process.app.app.include_router(_broken())  # within what tells Open311's errors
        with TestClient(process.app, raise_server_exceptions=False) as http:
            answer = http.request(method, path)
        process.engine.dispose()

        assert answer.status_code == status
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert ("content-security-policy" in answer.headers) == (path != "/docs")
        assert "cache-control" in answer.headers
        assert "server" not in answer.headers


def _broken() -> APIRouter:
    router = APIRouter()

    @router.get("/broken")
    def broken() -> None:
        raise RuntimeError("số 0905123456")

    return router
