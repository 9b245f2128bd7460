"""Whose word a delivery is, and what they may say."""

from datetime import timedelta
from uuid import uuid4

import pytest

from shared import mailbox
from shared.bus import REQUESTS, Delivery
from shared.handling import Handling
from shared.messages import AcceptCase
from tests.builders import MONDAY, asked, delivered, received, said, topics
from tests.shared.standin import effects, held


class TestAgencyRequests:
    def test_a_request_is_answered_to_the_agency_that_sent_it(self, handling, rooms):
        handling.deliveries([delivered(asked(AcceptCase, uuid4()))], MONDAY)

        [done] = said(rooms)
        assert (done.topic, done.agency) == ("request.done", "dh")

    def test_a_refused_request_is_answered_with_its_code_and_visible_as_parked(self, handling, rooms):
        handling.deliveries([delivered(asked(AcceptCase, uuid4(), version=0))], MONDAY)

        [refusal] = said(rooms)
        assert (refusal.topic, refusal.agency, refusal.code) == ("request.refused", "dh", "stale")
        assert held(rooms)[0]["code"] == "stale"

    def test_the_time_of_a_request_is_when_it_reached_us(self, rooms):
        seen: list[AcceptCase] = []
        handling = Handling(service="sla", handlers={AcceptCase: lambda m, _s: seen.append(m) or []}, sessions=rooms)

        handling.deliveries([delivered(asked(AcceptCase, uuid4(), at=MONDAY - timedelta(days=3)))], MONDAY)

        assert seen[0].at == MONDAY

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"sender": ""}, "unproven_sender"),
            ({"sender": "svc.sla"}, "unproven_sender"),
            ({"sender": "agency.sgtvt"}, "wrong_key"),
            ({"routing_key": "dh.return"}, "wrong_key"),
        ],
    )
    def test_nobody_speaks_for_another_agency(self, handling, rooms, change, code):
        good = delivered(asked(AcceptCase, uuid4()))
        forged = {name: getattr(good, name) for name in Delivery.__slots__} | change

        handling.deliveries([Delivery(**forged)], MONDAY)

        assert topics(rooms) == []
        assert held(rooms)[0]["code"] == code

    def test_an_agency_cannot_state_a_fact(self, handling, rooms):
        good = delivered(received())
        forged = {name: getattr(good, name) for name in Delivery.__slots__} | {"exchange": REQUESTS, "sender": "agency.dh"}

        handling.deliveries([Delivery(**forged)], MONDAY)

        assert effects(rooms) == []
        assert held(rooms)[0]["code"] == "forbidden"

    def test_a_forgery_that_a_person_retries_stays_one(self, handling, rooms):
        good = delivered(received())
        forged = {name: getattr(good, name) for name in Delivery.__slots__} | {"exchange": REQUESTS, "sender": "agency.dh"}
        handling.deliveries([Delivery(**forged)], MONDAY)
        with rooms.begin() as session:
            mailbox.retry(session, held(rooms)[0]["message_id"], MONDAY)

        handling.retry_due(MONDAY)

        assert effects(rooms) == []
        assert (held(rooms)[0]["code"], held(rooms)[0]["due_at"]) == ("forbidden", None)
