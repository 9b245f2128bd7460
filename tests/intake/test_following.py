"""Following somebody else's report: one letter, a confirmation, the news; and forgotten at a word."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import Response
from sqlalchemy import text

from services.intake.domain.following import AskToFollow, Follower
from shared.access import link_secret
from shared.errors import Refused
from shared.messages import FollowerReachable
from shared.privacy import SealingKeys
from tests.builders import MONDAY, said, topics
from tests.intake.conftest import Office

BINH = {"name": "Lê Văn Bình", "email": "Binh@example.com", "phone": "0987 654 321"}


def follow(office: Office, code: str, contact: dict[str, str] | None = None, **fields: Any) -> Response:
    body = {"contact": BINH if contact is None else contact} | fields
    return office.http.post(f"/v1/reports/{code}/followers", json=body, headers={"X-Api-Key": office.portal_key})


def asked(office: Office) -> FollowerReachable:
    [*_, reachable] = (message for message in said(office.rooms) if isinstance(message, FollowerReachable))
    return reachable


def confirm(office: Office, follower_id: UUID, secret: str | None = None) -> Response:
    headers = {"X-Report-Secret": link_secret(office.settings.link_key, follower_id) if secret is None else secret}
    return office.http.post(f"/v1/followers/{follower_id}/confirmation", headers=headers)


def leave(office: Office, follower_id: UUID, secret: str | None = None) -> Response:
    headers = {"X-Report-Secret": link_secret(office.settings.link_key, follower_id) if secret is None else secret}
    return office.http.delete(f"/v1/followers/{follower_id}", headers=headers)


def later(office: Office, **span: float) -> None:
    """What was asked, was asked so much earlier."""
    with office.rooms.begin() as session:
        session.execute(text("UPDATE followers SET asked_at = asked_at - :span"), {"span": timedelta(**span)})


class TestFollow:
    def test_tells_notify_alone_how_to_reach_them(self, office):
        report_id, code = office.received()

        answer = follow(office, code, language="en")

        assert (answer.status_code, answer.json()) == (202, None)
        reachable = asked(office)
        assert (reachable.report_id, reachable.language) == (report_id, "en")
        contact = SealingKeys.parse(office.settings.sealing_keys).open(reachable.sealed, about=str(reachable.follower_id))
        assert contact == '{"email":"Binh@example.com","phone":"+84987654321"}'

    def test_keeps_no_contact_here(self, office):
        _, code = office.received()
        follow(office, code)

        with office.rooms() as session:
            dump = str(session.scalars(text("SELECT f::text FROM followers f")).all())
            dump += str(session.scalars(text("SELECT convert_from(body, 'UTF8') FROM outbox")).all())
        for secret in ("inh@", "987654321", "Bình", asked(office).sealed[:30]):
            assert (secret in dump) is (secret == asked(office).sealed[:30])

    def test_by_the_same_again_sends_no_second_letter_and_tells_nobody_that_they_follow(self, office):
        _, code = office.received()
        first = follow(office, code)

        again = follow(office, code, BINH | {"name": "Ai đó", "email": "BINH@example.com"})

        assert (again.status_code, again.json()) == (first.status_code, first.json())
        assert topics(office.rooms) == ["report.received", "follower.reachable"]

    def test_who_never_got_the_letter_may_ask_again_the_next_day(self, office):
        _, code = office.received()
        follow(office, code)
        first = asked(office).follower_id
        later(office, days=1)

        follow(office, code)

        assert topics(office.rooms) == ["report.received", "follower.reachable", "follower.left", "follower.reachable"]
        assert asked(office).follower_id != first
        assert office.rows("followers") == 1

    def test_another_report_is_another_matter(self, office):
        for _ in range(2):
            follow(office, office.received()[1])

        assert topics(office.rooms).count("follower.reachable") == 2

    @pytest.mark.parametrize(
        "contact", [{}, {"name": "Bình"}, {"email": "binh"}, {"phone": "113"}, {"email": "b@example.com", "zalo": "x"}], ids=str
    )
    def test_needs_a_contact(self, office, contact):
        _, code = office.received()

        assert follow(office, code, contact).status_code == 422
        assert topics(office.rooms) == ["report.received"]

    def test_is_asked_for_by_portals_of_reports_there_are(self, office):
        _, code = office.received()

        assert office.http.post(f"/v1/reports/{code}/followers", json={"contact": BINH}).status_code == 401
        assert follow(office, "QT-0000-0000").status_code == 404

    def test_leaves_no_trace_on_the_timeline(self, office):
        _, code = office.received()
        follow(office, code)
        confirm(office, asked(office).follower_id)

        assert [entry["topic"] for entry in office.shown(code)["timeline"]] == ["report.received"]


class TestConfirm:
    def test_is_said_once(self, office):
        _, code = office.received()
        follow(office, code)

        answers = [confirm(office, asked(office).follower_id).status_code for _ in range(2)]

        assert answers == [202, 202]
        assert topics(office.rooms) == ["report.received", "follower.reachable", "follower.confirmed"]

    def test_who_follows_is_not_written_to_again(self, office):
        _, code = office.received()
        follow(office, code)
        confirm(office, asked(office).follower_id)
        later(office, days=30)

        follow(office, code)

        assert topics(office.rooms)[-1] == "follower.confirmed"

    def test_is_too_late_after_a_week(self, office):
        _, code = office.received()
        follow(office, code)
        later(office, days=7)

        answer = confirm(office, asked(office).follower_id)

        assert (answer.status_code, answer.json()["code"]) == (409, "window_over")

    def test_of_nobody_finds_nothing(self, office):
        assert confirm(office, uuid4()).status_code == 404

    def test_and_leaving_need_the_secret_of_that_link(self, office):
        report_id, code = office.received()
        follow(office, code)
        follower_id, of_report = asked(office).follower_id, link_secret(office.settings.link_key, report_id)

        for ask in (confirm, leave):
            assert ask(office, follower_id, "").status_code == 401
            assert {ask(office, follower_id, secret).json()["code"] for secret in ("x", of_report)} == {"secret_wrong"}
        assert topics(office.rooms) == ["report.received", "follower.reachable"]
        assert office.http.post("/v1/followers/x/confirmation", headers={"X-Report-Secret": "x"}).status_code == 422

    def test_on_the_last_moment_is_in_time(self):
        asked = AskToFollow(report_id=uuid4(), at=MONDAY, follower_id=uuid4(), fingerprint="f", sealed="s", language="vi")
        follower, _ = Follower.asking(asked)

        with pytest.raises(Refused):
            follower.confirm(MONDAY + timedelta(days=7, microseconds=1))
        assert len(follower.confirm(MONDAY + timedelta(days=7))) == 1


class TestLeave:
    def test_forgets_them_and_may_be_said_twice(self, office):
        _, code = office.received()
        follow(office, code)
        confirm(office, asked(office).follower_id)

        answers = [leave(office, asked(office).follower_id).status_code for _ in range(2)]

        assert answers == [202, 202]
        assert topics(office.rooms)[-2:] == ["follower.confirmed", "follower.left"]
        assert office.rows("followers") == 0

    def test_and_come_back(self, office):
        _, code = office.received()
        follow(office, code)
        leave(office, asked(office).follower_id)

        follow(office, code)

        assert topics(office.rooms)[-1] == "follower.reachable"
