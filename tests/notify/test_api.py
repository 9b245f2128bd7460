"""notify over HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from services.notify.__main__ import service
from services.notify.channels.choice import deliveries
from shared.access import issue_token, link_secret, new_key_pair
from shared.clock import now
from shared.messages import CaseResolved
from shared.service import Process
from tests.builders import envelope
from tests.notify.conftest import LINK_KEY, notices
from tests.notify.stories import about

PRIVATE, PUBLIC = new_key_pair()
LAN = {"email": "lan@example.vn", "phone": "+84912345678"}


def as_role(role: str) -> dict[str, str]:
    token = issue_token(PRIVATE, role=role, name="lan", issuer="hoiam", audience="hoiam", at=now(), lasts=timedelta(hours=1))
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def settings(settings_with: Any, notify_url: str) -> Any:
    return settings_with(database_url=notify_url, jwt_public_key=PUBLIC)


@pytest.fixture
def http(settings: Any) -> Iterator[TestClient]:
    process = Process(service(settings), settings)
    with TestClient(process.app, headers=as_role("admin")) as client:
        yield client
    process.engine.dispose()


class TestNotices:
    def test_show_what_was_said_when_and_how(self, http, handling, report_of, settings, clock):
        report = report_of(LAN, tracking_code="QT-1")
        deliveries(settings, clock)["mailbox"].turn(handling)
        handling.together([envelope(about(report, CaseResolved))])

        told = http.get(f"/v1/notices?report_id={report.report_id}").json()

        assert told["tracking_code"] == "QT-1"
        first, second = told["notices"]
        assert (first["about"], first["state"], first["channel"], first["to"]) == ("report.received", "sent", "mailbox", "l***@example.vn")
        assert (second["about"], second["state"], second["channel"]) == ("case.resolved", "pending", "reporter")
        assert "Đã thay ba bóng đèn" in second["body"]

    def test_never_show_the_contact_or_the_key_of_the_reporters_link(self, http, report_of):
        report = report_of(LAN, tracking_code="QT-1")

        shown = http.get(f"/v1/notices?report_id={report.report_id}").text

        assert "lan@example.vn" not in shown
        assert "912345678" not in shown
        assert link_secret(LINK_KEY, report.report_id) not in shown
        assert "Xem quá trình xử lý: https://hoiam.example/tra-cuu/QT-1\\n" in shown

    def test_a_number_is_masked_but_for_its_end(self, http, report_of):
        report = report_of({"phone": "+84912345678"})

        assert http.get(f"/v1/notices?report_id={report.report_id}").json()["notices"][0]["to"] == "*********678"

    def test_to_a_portal_show_its_host(self, http, report_of, hook):
        report = report_of()

        [notice] = http.get(f"/v1/notices?report_id={report.report_id}").json()["notices"]

        assert notice["to"].startswith("127.0.0.1:")

    def test_of_an_unknown_report_are_not_found(self, http):
        answer = http.get(f"/v1/notices?report_id={uuid4()}")

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    @pytest.mark.parametrize("query", ["", "?report_id=", "?report_id=7"])
    def test_need_a_report(self, http, query):
        assert http.get(f"/v1/notices{query}").status_code == 422


class TestWebhooks:
    def test_the_secret_is_shown_once_and_signs(self, http, handling, report_of, receiver, settings):
        added = http.post("/v1/webhooks", json={"portal": "app", "url": receiver.url}).json()
        report_of(portal="app")

        deliveries(settings, now)["webhook"].turn(handling)

        [(headers, body)] = receiver.got
        assert Verifier(added["secret"]).verify(body, headers)["type"] == "report.received"
        listed = http.get("/v1/webhooks")
        assert added["secret"] not in listed.text
        assert [(hook["id"], hook["portal"], hook["url"], hook["active"]) for hook in listed.json()["webhooks"]] == [
            (added["id"], "app", receiver.url, True)
        ]

    def test_the_same_address_twice_is_refused(self, http):
        body = {"portal": "app", "url": "https://portal.example/hook"}

        answers = [http.post("/v1/webhooks", json=body) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [201, 409]
        assert answers[1].json()["code"] == "webhook_exists"

    @pytest.mark.parametrize(
        "body",
        [
            {"portal": "app"},
            {"portal": "App!", "url": "https://portal.example/"},
            {"portal": "app", "url": "ftp://portal.example/"},
            {"portal": "app", "url": "https://user:pw@portal.example/"},
            {"portal": "app", "url": "https:///hook"},
            {"portal": "app", "url": "https://portal.example/ a"},
            {"portal": "app", "url": "https://portal.example:http/"},
            {"portal": "app", "url": "https://[::1/"},
            {"portal": "app", "url": "https://portal.example/", "secret": "mine"},
        ],
    )
    def test_what_can_not_be_called_is_refused(self, http, body):
        assert http.post("/v1/webhooks", json=body).status_code == 422

    def test_without_encryption_only_for_trying_out(self, settings_with, notify_url):
        settings = settings_with(database_url=notify_url, jwt_public_key=PUBLIC, webhook_allow_loopback=False)
        process = Process(service(settings), settings)
        with TestClient(process.app, headers=as_role("admin")) as strict:
            answer = strict.post("/v1/webhooks", json={"portal": "app", "url": "http://portal.example/"})
        process.engine.dispose()

        assert answer.json()["code"] == "https_only"

    def test_show_how_they_fare(self, http, handling, report_of, receiver, settings):
        receiver.status = 500
        http.post("/v1/webhooks", json={"portal": "app", "url": receiver.url})
        report_of(portal="app")
        deliveries(settings, now)["webhook"].turn(handling)

        [shown] = http.get("/v1/webhooks").json()["webhooks"]

        assert (shown["last_error"], shown["paused_until"], shown["old_secret_until"]) == ("it answers 500", None, None)
        assert shown["failing_since"]

    def test_get_another_secret_and_the_old_one_signs_for_a_day(self, http, handling, report_of, receiver, settings):
        added = http.post("/v1/webhooks", json={"portal": "app", "url": receiver.url}).json()
        answers = [http.post(f"/v1/webhooks/{added['id']}/secret").json() for _ in range(2)]
        report_of(portal="app")
        deliveries(settings, now)["webhook"].turn(handling)

        [(headers, body)] = receiver.got
        for answer in answers:
            assert Verifier(answer["secret"]).verify(body, headers)
        with pytest.raises(WebhookVerificationError):
            Verifier(added["secret"]).verify(body, headers)

    def test_that_were_switched_off_are_switched_on_and_told_what_they_missed(self, http, handling, report_of, receiver, settings, rooms):
        added = http.post("/v1/webhooks", json={"portal": "app", "url": receiver.url}).json()
        receiver.status = 410
        missed, loop = report_of(portal="app"), deliveries(settings, now)["webhook"]
        loop.turn(handling)
        unheard = report_of(portal="app")

        receiver.status = 204
        switched_on = http.post(f"/v1/webhooks/{added['id']}/activation")
        span = {"since": missed.at.isoformat(), "until": (missed.at + timedelta(seconds=1)).isoformat()}
        replayed = http.post(f"/v1/webhooks/{added['id']}/replay", json=span)
        loop.turn(handling)

        assert (switched_on.status_code, replayed.status_code, replayed.json()) == (204, 202, {"notices": 1})
        assert [event["data"]["report_id"] for event in receiver.events] == [str(missed.report_id)] * 2
        assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
        assert notices(rooms, unheard) == []

    def test_what_arrived_is_sent_again_only_when_that_is_asked_for(self, http, handling, report_of, receiver, settings):
        added = http.post("/v1/webhooks", json={"portal": "app", "url": receiver.url}).json()
        report, loop = report_of(portal="app"), deliveries(settings, now)["webhook"]
        loop.turn(handling)

        span = {"since": report.at.isoformat(), "until": (report.at + timedelta(seconds=1)).isoformat()}
        answers = [http.post(f"/v1/webhooks/{added['id']}/replay", json=span | more).json() for more in ({}, {"failed_only": False})]
        loop.turn(handling)

        assert answers == [{"notices": 0}, {"notices": 1}]
        assert len(receiver.got) == 2

    def test_that_are_removed_are_gone(self, http, report_of):
        added = http.post(
            "/v1/webhooks", json={"portal": "app", "url": "https://portal.example/hook", "contact": "duty@portal.example"}
        ).json()

        first, second = (http.delete(f"/v1/webhooks/{added['id']}").status_code for _ in range(2))

        assert (first, second, http.get("/v1/webhooks").json()) == (204, 404, {"webhooks": []})
        assert http.post("/v1/webhooks", json={"portal": "app", "url": "https://portal.example/hook"}).status_code == 201

    @pytest.mark.parametrize("what", ["secret", "activation", "replay"])
    def test_nobody_added_are_not_found(self, http, what):
        body = {"since": "2026-11-16T00:00:00Z", "until": "2026-11-17T00:00:00Z"}

        answer = http.post(f"/v1/webhooks/{uuid4()}/{what}", json=body)

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    @pytest.mark.parametrize(
        "span", [{}, {"since": "2026-11-16T00:00:00Z", "until": "2026-11-16T00:00:00Z"}, {"since": "now", "until": "x"}]
    )
    def test_a_span_that_is_none_is_refused(self, http, span):
        assert http.post(f"/v1/webhooks/{uuid4()}/replay", json=span).status_code == 422


class TestAccess:
    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("GET", "/v1/notices", {"operator", "auditor", "admin"}),
            ("POST", "/v1/webhooks", {"admin"}),
            ("GET", "/v1/webhooks", {"admin"}),
            ("DELETE", f"/v1/webhooks/{uuid4()}", {"admin"}),
            ("POST", f"/v1/webhooks/{uuid4()}/secret", {"admin"}),
            ("POST", f"/v1/webhooks/{uuid4()}/activation", {"admin"}),
            ("POST", f"/v1/webhooks/{uuid4()}/replay", {"admin"}),
        ],
    )
    def test_is_as_in_the_table(self, http, method, path, allowed):
        for role in ("operator", "auditor", "admin", "agency:dh"):
            status = http.request(method, path, headers=as_role(role), json={}).status_code
            assert (status != 403) == (role in allowed), role
        assert http.request(method, path, headers={"Authorization": ""}).status_code == 401


class TestSettings:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"smtp_url": "http://mail.example"},
            {"smtp_url": "smtp://"},
            {"mail_from": "nobody"},
            {"mail_from": "a@example.vn\nBcc: c@example.vn"},
            {"link_key": "short"},
            {"sealing_keys": "first:AAAA"},
            {"public_url": "https://x.example/?a=b"},
        ],
    )
    def test_that_can_not_work_are_refused_at_the_start(self, settings_with, wrong):
        with pytest.raises(ValidationError):
            settings_with(**wrong)

    def test_show_no_secret_when_printed(self, settings_with):
        shown = repr(settings_with(smtp_url="smtp://user:hunter2@mail.example"))

        assert "hunter2" not in shown
        assert LINK_KEY not in shown
