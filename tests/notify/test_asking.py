"""notify over HTTP: leaving, choosing facts, previews and tests, and the log of digests."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from services.notify.__main__ import service
from services.notify.api import EXAMPLES
from services.notify.channels.choice import deliveries
from services.notify.domain.leaving import Leaving
from services.notify.domain.replies import Whose
from services.notify.store.reaching import silenced
from services.notify.store.restraint import let_go
from shared import messages as say
from shared.access import ROUTES, issue_token, new_key_pair
from shared.clock import now
from shared.service import Process
from tests.builders import envelope, received
from tests.notify.conftest import LAN, LINK_KEY, notices, reachable
from tests.notify.stories import about
from tests.notify.test_followers import asking
from tests.notify.test_restraint import RULES

PRIVATE, PUBLIC = new_key_pair()


def as_role(role: str) -> dict[str, str]:
    token = issue_token(PRIVATE, role=role, name="lan", issuer="hoiam", audience="hoiam", at=now(), lasts=timedelta(hours=1))
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def settings(settings_with: Any, notify_url: str, mail_server: Any) -> Any:
    return settings_with(database_url=notify_url, jwt_public_key=PUBLIC, smtp_url=f"smtp://127.0.0.1:{mail_server.port}")


@pytest.fixture
def http(settings: Any) -> Iterator[TestClient]:
    process = Process(service(settings), settings)
    with TestClient(process.app) as client:
        yield client
    process.engine.dispose()


class TestLeaving:
    @pytest.fixture
    def link(self, handling: Any, settings: Any, clock: Any, mail_server: Any) -> str:
        """In a letter to a reporter whose contact is known by its hash."""
        report = received(reachable=True)
        for fact in (reachable(report, LAN).model_copy(update={"person": "hash"}), report):
            handling.together([envelope(fact)])
        deliveries(settings, clock)["email"].turn(handling)
        link = mail_server.mail[-1]["List-Unsubscribe"].strip("<>")
        assert f"Không nhận thư nữa: {link}" in mail_server.mail[-1].get_body(("plain",)).get_content().replace("\n", "").replace("=", "=")
        return link.removeprefix("http://127.0.0.1:8314")

    def names(self, rooms: Any, *more: str) -> set[str]:
        with rooms() as session:
            return silenced(session, more)

    def test_is_asked_before_it_is_done(self, http, rooms, link):
        page = http.get(link)

        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert '<form method="post"><button name="scope" value="report">Thôi nhận thư về phản ánh này' in page.text
        assert self.names(rooms, "hash") == set()

    def test_by_one_click_of_a_mail_program_ends_the_letters_about_this_report(self, http, rooms, link):
        reporter = Leaving.read(LINK_KEY, link.rpartition("/")[2]).name

        answers = [http.post(link, data={"List-Unsubscribe": "One-Click"}) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert "sẽ không nhận thư về phản ánh này nữa" in answers[0].text
        assert self.names(rooms, "hash", reporter) == {reporter}

    def test_altogether_ends_all_letters_and_may_be_undone(self, http, rooms, link):
        reporter = Leaving.read(LINK_KEY, link.rpartition("/")[2]).name

        http.post(link, data={"scope": "all"})
        silent = self.names(rooms, "hash", reporter)
        http.post(link, data={"scope": "resume"})

        assert silent == {"hash", reporter}
        assert self.names(rooms, "hash", reporter) == set()

    @pytest.mark.parametrize(
        "change", [lambda t: t[:-1] + ("A" if t[-1] != "A" else "B") + "A", lambda t: t[:30], lambda t: "x", lambda t: "đ"]
    )
    def test_by_a_link_that_was_guessed_is_refused(self, http, link, change):
        path, _, token = link.rpartition("/")

        answers = [http.get(f"{path}/{change(token)}"), http.post(f"{path}/{change(token)}")]

        assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "link_wrong")] * 2

    def test_of_another_kind_needs_another_token(self):
        id_ = uuid4()
        reporter, follower = (Leaving(whose=whose, id=id_).token(LINK_KEY) for whose in (Whose.REPORTER, Whose.FOLLOWER))

        assert reporter != follower
        assert Leaving.read("another-key", reporter) is None
        assert Leaving.read(LINK_KEY, follower) == Leaving(whose=Whose.FOLLOWER, id=id_)

    def test_of_who_asked_for_silence_means_no_letter_to_confirm_either(self, held, http, rooms, clock, link):
        http.post(link, data={"scope": "all"})
        report = received()
        held.together([envelope(report), envelope(asking(report).model_copy(update={"person": "hash"}))])

        held.keep(lambda session: let_go(session, RULES, clock()))

        assert [notice.state for notice in notices(rooms, report)] == ["unwanted"]


class TestSubscriptions:
    def test_are_everything_until_somebody_chooses(self, http):
        told = http.get("/v1/subscriptions/agency:dh", headers=as_role("agency:dh")).json()

        assert (told["channel"], told["chosen"]) == ("email", False)
        assert told["facts"] == told["available"]
        assert {"case.assigned", "clock.breached"} <= set(told["facts"])
        assert not {"report.received", "case.resolved"} & set(told["facts"])

    def test_once_chosen_are_what_the_agency_hears(self, http, held, rooms):
        url, agency = "/v1/subscriptions/agency:dh", as_role("agency:dh")
        report = received()

        answer = http.put(url, json={"facts": ["case.reopened"]}, headers=agency)
        for fact in (report, about(report, say.CaseAssigned, 2), about(report, say.CaseReopened, 3)):
            held.together([envelope(fact)])

        assert answer.json()["facts"] == ["case.reopened"]
        with rooms() as session:
            from services.notify import store

            assert [n.about for n in store.notices_about(session, report.report_id)] == ["case.reopened", "case.reopened"]
        assert http.delete(url, headers=agency).json()["chosen"] is False

    def test_of_a_portal_choose_what_its_webhooks_hear(self, http, handling, rooms, report_of, hook):
        http.put("/v1/subscriptions/portal:app", json={"facts": ["case.resolved"]}, headers=as_role("admin"))

        report = report_of(portal="app")
        handling.together([envelope(about(report, say.CaseResolved))])

        assert [notice.about for notice in notices(rooms, report)] == ["case.resolved"]

    def test_of_others_are_not_an_agencys_to_choose(self, http):
        for answer in (
            http.put("/v1/subscriptions/agency:cl", json={"facts": []}, headers=as_role("agency:dh")),
            http.get("/v1/subscriptions/portal:app", headers=as_role("agency:dh")),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")

    def test_of_facts_nobody_tells_them_are_refused(self, http):
        answer = http.put("/v1/subscriptions/agency:dh", json={"facts": ["case.resolved"]}, headers=as_role("agency:dh"))

        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_facts")


class TestPreview:
    def test_reads_as_the_letter_will(self, http):
        read = http.get("/v1/notices:preview?fact=case.extended&to=reporter", headers=as_role("operator")).json()

        assert "Hạn trả lời mới: trước 16 giờ 30 thứ Sáu, ngày 27/11/2026." in read["text"]
        assert len(read["template"]) == 12

    @pytest.mark.parametrize(
        "query", ["fact=case.resolved&to=centre", "fact=nothing", "fact=case.resolved&to=portal", "fact=clock.escalated/9&to=head"]
    )
    def test_of_what_is_not_told_is_not_found(self, http, query):
        answer = http.get(f"/v1/notices:preview?{query}", headers=as_role("operator"))

        assert (answer.status_code, answer.json()["code"]) == (404, "not_told")

    def test_is_sent_to_try_the_way_and_its_fate_is_told(self, http, handling, settings, mail_server):
        asked = {"email": "truc-ban@dh.example", "fact": "case.assigned", "to": "duty_officer"}
        sent = http.post("/v1/notices:test", json=asked, headers=as_role("admin"))
        deliveries(settings, now)["email"].turn(handling)

        [mail] = mail_server.mail
        assert (sent.status_code, mail["To"], mail["Subject"]) == (202, "truc-ban@dh.example", "[Thử] Việc mới: phản ánh QT-7K3M-9PXC")
        fate = http.get(f"/v1/notices/{sent.json()['notice_id']}", headers=as_role("auditor")).json()
        assert (fate["state"], fate["to"], fate["about"]) == ("sent", "t***@dh.example", "test")

    def test_of_an_event_goes_to_one_webhook(self, http, handling, settings, receiver, hook):
        sent = http.post("/v1/notices:test", json={"webhook_id": str(hook.report_id)}, headers=as_role("admin"))
        deliveries(settings, now)["webhook"].turn(handling)

        assert sent.status_code == 202
        assert [event["type"] for event in receiver.events] == ["test"]

    def test_to_nobody_or_to_a_webhook_nobody_knows_is_refused(self, http):
        bodies = ({}, {"email": "a@b.vn", "webhook_id": str(uuid4())}, {"webhook_id": str(uuid4())})

        answers = [http.post("/v1/notices:test", json=body, headers=as_role("admin")).status_code for body in bodies]

        assert answers == [422, 422, 404]


class TestLog:
    def test_says_of_what_was_gathered_when_its_digest_went_out(self, http, held, rooms, settings, clock):
        report = received(reachable=True)
        for fact in (reachable(report, LAN), report, about(report, say.CaseResolved, 5), about(report, say.CaseClosed, 6)):
            held.together([envelope(fact)])
        clock.move(hours=1)
        held.keep(lambda session: let_go(session, RULES, clock()))
        deliveries(settings, clock)["email"].turn(held)

        told = http.get(f"/v1/notices?report_id={report.report_id}", headers=as_role("auditor")).json()["notices"]

        seen = {notice["about"]: (notice["state"], notice["channel"], bool(notice["sent_at"])) for notice in told}
        assert seen["case.resolved"] == seen["case.closed"] == ("gathered", "email", True)
        assert seen["digest"] == ("sent", "email", True)
        [digest] = [notice["id"] for notice in told if notice["about"] == "digest"]
        assert {notice["gathered_in"] for notice in told} == {None, digest}
        assert all(notice["template"] for notice in told)

    def test_masks_offices_too(self, http, held):
        report = received()
        for fact in (report, about(report, say.CaseAssigned)):
            held.together([envelope(fact)])

        [notice] = http.get(f"/v1/notices?report_id={report.report_id}", headers=as_role("auditor")).json()["notices"]

        assert (notice["to"], notice["reader"], notice["state"]) == ("d***@quangtri.example", "duty_officer", "held")


class TestDocument:
    def test_has_an_example_for_every_route_that_sends_or_answers_json(self, http):
        bare = {"DELETE /v1/webhooks/{webhook_id}", "POST /v1/webhooks/{webhook_id}/activation"}  # neither body nor answer
        pages = {"GET /v1/leave/{token}", "POST /v1/leave/{token}"}  # for people
        document = http.get("/openapi.json").json()
        own = {f"{method.upper()} {path}" for path, found in document["paths"].items() for method in found} - {
            "GET /healthz", "GET /readyz",
        }  # fmt: skip

        assert own - bare - pages == set(EXAMPLES)
        assert own <= set(ROUTES)
