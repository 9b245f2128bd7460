"""What a portal is promised when it posts a report."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from services.intake.api import FRESH, portal_of
from services.intake.domain.tracking import read_code
from services.intake.store import portals
from shared import province
from shared.access import link_opens
from shared.clock import now
from shared.messages import ReporterReachable, ReportReceived
from shared.privacy import SealingKeys
from shared.web import Desk
from tests.builders import MONDAY, said, topics
from tests.intake.conftest import a_body, closed, opened

CONTACT = {"name": "Trần Thị Hoa", "email": "hoa@example.com", "phone": "0912 345 678"}


class TestPostReport:
    def test_is_answered_with_everything_the_reporter_needs(self, office):
        answer = office.post(a_body())

        receipt = answer.json()
        assert answer.status_code == 201
        assert answer.headers["Location"] == receipt["status_url"] == f"https://hoiam.example/pa/{receipt['tracking_code']}"
        assert receipt["link"] == f"{receipt['status_url']}#{receipt['secret']}"
        assert link_opens(office.settings.link_key, UUID(receipt["report_id"]), receipt["secret"])
        assert read_code(receipt["tracking_code"], prefix="QT") == receipt["tracking_code"]
        assert datetime.fromisoformat(receipt["received_at"]).tzinfo is not None
        assert "Idempotent-Replayed" not in answer.headers

    def test_is_kept_and_said_when_it_is_answered(self, office):
        receipt = office.post(a_body(urgent=False, attributes={}, external_ref="PA-77")).json()

        [received] = said(office.rooms)
        assert isinstance(received, ReportReceived)
        assert (str(received.report_id), received.tracking_code) == (receipt["report_id"], receipt["tracking_code"])
        assert (received.portal, received.category, received.location.area) == ("app", "CS01", "dh")
        assert not received.reachable
        assert office.rows("reports") == 1

    def test_says_first_how_to_reach_the_reporter(self, office):
        report_id, _ = office.received(contact=CONTACT)

        reachable, received = said(office.rooms)
        assert isinstance(reachable, ReporterReachable)
        contact = SealingKeys.parse(office.settings.sealing_keys).open(reachable.sealed, about=str(report_id))
        assert json.loads(contact) == {"name": "Trần Thị Hoa", "email": "hoa@example.com", "phone": "+84912345678"}
        assert isinstance(received, ReportReceived)
        assert received.reachable

    def test_keeps_the_reporter_under_seal_only(self, office):
        office.received(contact=CONTACT)

        with office.rooms() as session:
            tables = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'intake' AND tablename <> 'alembic_version'"))
            dump = "".join(str(session.execute(text(f"SELECT * FROM {table}")).all()) for table in tables)
            outbox = b"".join(bytes(body) for body in session.scalars(text("SELECT body FROM outbox"))).decode()
        for secret in ("Hoa", "hoa@example", "912345678", "912 345"):
            assert secret not in dump + outbox

    @pytest.mark.parametrize(
        "location",
        [
            {"area": "dh"},
            {"address": "Chợ Đông Hà"},
            {"latitude": 16.82, "longitude": 107.1},
            {"area": "dh", "latitude": 16, "longitude": 107},
        ],
    )
    def test_takes_any_way_to_say_where(self, office, location):
        assert office.post(a_body(location=location)).status_code == 201

    @pytest.mark.parametrize(
        "phone", ["0912345678", "091 234 56 78", "+84912345678", "84912345678", "+84 (912) 345-678", "0233 3852 123", "02033852123"]
    )
    def test_takes_telephone_numbers_as_people_write_them(self, office, phone):
        assert office.post(a_body(contact={"phone": phone})).status_code == 201

    def test_takes_an_attribute_and_urgency_where_the_category_has_them(self, office):
        body = a_body(category="GT01", attributes={"LOAI_DUONG": "quoc_lo"}, urgent=True)

        assert office.post(body).status_code == 201
        [received] = said(office.rooms)
        assert (received.attributes, received.urgent) == ({"LOAI_DUONG": "quoc_lo"}, True)

    def test_writes_text_in_one_normal_form(self, office):
        office.post(a_body(description="  Đèn đường hỏng "))

        [received] = said(office.rooms)
        assert received.description == "Đèn đường hỏng"


class TestIdempotency:
    @pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": ""}, {"Idempotency-Key": "two words"}, {"Idempotency-Key": "k" * 256}])
    def test_a_post_without_a_good_key_is_refused(self, office, headers):
        answer = office.http.post("/v1/reports", json=a_body(), headers={"X-Api-Key": office.portal_key, **headers})

        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
        assert office.rows("reports") == 0

    def test_the_same_again_gets_the_same_answer(self, office):
        first, second = office.post(a_body(contact=CONTACT)), office.post(a_body(contact=CONTACT))

        assert second.status_code == 201
        assert second.json() == first.json()
        assert second.headers["Location"] == first.headers["Location"]
        assert second.headers["Idempotent-Replayed"] == "true"
        assert office.rows("reports") == 1
        assert topics(office.rooms) == ["reporter.reachable", "report.received"]

    def test_the_same_content_written_differently_is_the_same(self, office):
        body = a_body(category="GT01", attributes={"LOAI_DUONG": "thon"})
        rewritten = json.dumps(dict(reversed(list(body.items()))) | {"urgent": False, "language": "vi"}, indent=3).encode()

        first, second = office.post(body), office.post_raw(rewritten)

        assert second.json() == first.json()

    def test_another_body_under_the_same_key_is_refused(self, office):
        office.post(a_body())

        answer = office.post(a_body(description="Một chuyện khác hẳn"))

        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
        assert office.rows("reports") == 1

    def test_another_contact_under_the_same_key_is_another_body(self, office):
        office.post(a_body(contact=CONTACT))

        assert office.post(a_body(contact=CONTACT | {"phone": "0987654321"})).status_code == 422

    def test_two_portals_may_use_the_same_key(self, office):
        with office.rooms.begin() as session:
            other = portals.add_portal(session, "zalo", "Zalo", now())

        first, second = office.post(a_body()), office.post(a_body(), **{"X-Api-Key": other})

        assert first.json()["report_id"] != second.json()["report_id"]

    def test_fifty_at_once_make_one_report(self, office):
        with ThreadPoolExecutor(50) as crowd:
            answers = list(crowd.map(lambda _: office.post(a_body(contact=CONTACT)), range(50)))

        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.text for answer in answers}) == 1
        assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
        assert office.rows("reports") == office.rows("reporters") == 1
        assert topics(office.rooms) == ["reporter.reachable", "report.received"]

    def test_fifty_at_once_with_keys_of_their_own_make_fifty(self, office):
        with ThreadPoolExecutor(50) as crowd:
            answers = list(crowd.map(lambda n: office.post(a_body(), key=f"k-{n}"), range(50)))

        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["tracking_code"] for answer in answers}) == office.rows("reports") == 50

    def test_a_key_older_than_the_inbox_is_still_known(self, office):
        first = office.post(a_body())
        with office.rooms.begin() as session:
            session.execute(text("DELETE FROM inbox"))

        second, other = office.post(a_body()), office.post(a_body(description="Một chuyện khác hẳn"))

        assert second.json() == first.json()
        assert other.json()["code"] == "idempotency_key_reused"
        assert office.rows("reports") == 1

    def test_a_repeat_is_answered_even_when_the_category_is_gone_by_now(self, office, quang_tri):
        first = office.post(a_body())
        fewer = quang_tri.model_copy(update={"categories": {"GT01": quang_tri.categories["GT01"]}})
        with office.rooms.begin() as session:
            province.store(session, fewer.model_validate(fewer.model_dump(mode="json")), now())

        with opened(office.settings, office.portal_key) as later:
            assert later.post(a_body()).json() == first.json()
            assert later.post(a_body(), key="k-2").status_code == 422

    def test_a_tracking_code_that_is_taken_is_replaced(self, office, monkeypatch):
        taken = office.post(a_body()).json()["tracking_code"]
        codes = iter([taken, "QT-0000-0000"])
        monkeypatch.setattr("services.intake.api.posting.new_code", lambda _prefix: next(codes))

        answer = office.post(a_body(), key="k-2")

        assert (answer.status_code, answer.json()["tracking_code"]) == (201, "QT-0000-0000")
        assert office.rows("reports") == 2


class TestCrash:
    def test_between_the_writes_keeps_nothing(self, office):
        """The outbox can't be written: neither may the report be there, nor the key be used up."""
        with office.rooms.begin() as session:
            session.execute(text("SET ROLE NONE"))
            session.execute(text("ALTER TABLE intake.outbox ADD CONSTRAINT crash CHECK (false)"))

        failed = office.post(a_body(contact=CONTACT))

        assert failed.status_code >= 500
        assert [office.rows(table) for table in ("reports", "reporters", "inbox", "outbox")] == [0, 0, 0, 0]
        with office.rooms.begin() as session:
            session.execute(text("SET ROLE NONE"))
            session.execute(text("ALTER TABLE intake.outbox DROP CONSTRAINT crash"))
        assert office.post(a_body(contact=CONTACT)).status_code == 201

    def test_of_the_database_is_told_as_come_back_later(self, office, postgres_url):
        office.post(a_body())

        with closed(postgres_url, office.settings.database_url):
            answer = office.post(a_body(), key="k-2")

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert office.post(a_body(), key="k-2").status_code == 201


class TestPortals:
    @pytest.mark.parametrize("key", ["ha_app_" + "x" * 43, "nonsense", "é".encode()])
    def test_an_unknown_key_is_refused(self, office, key):
        answer = office.post(a_body(), **{"X-Api-Key": key})

        assert (answer.status_code, answer.json()["code"]) == (401, "key_invalid")
        assert office.rows("reports") == 0

    def test_nobody_posts_without_a_key(self, office):
        answer = office.http.post("/v1/reports", json=a_body(), headers={"Idempotency-Key": "k"})

        assert (answer.status_code, answer.json()["code"]) == (401, "credentials_missing")

    def test_a_key_looks_as_documented_and_only_its_hash_is_kept(self, office):
        with office.rooms() as session:
            dump = str(session.execute(text("SELECT * FROM portals")).all())

        assert len(office.portal_key) == len("ha_app_") + 43
        assert office.portal_key.startswith("ha_app_")
        assert office.portal_key not in dump

    def test_a_new_key_works_at_once_and_beside_the_old(self, office):
        office.post(a_body())
        with office.rooms.begin() as session:
            fresh = portals.add_portal(session, "app", "Ứng dụng", now())

        assert office.post(a_body(), key="k-2", **{"X-Api-Key": fresh}).status_code == 201
        assert office.post(a_body(), key="k-3").status_code == 201

    def test_a_withdrawn_key_stops_within_seconds(self, office):
        at = MONDAY
        holder_of = portal_of(Desk(service="intake", sessions=office.rooms, commit=lambda _envelope: None, clock=lambda: at))
        with office.rooms.begin() as session:
            key = portals.add_portal(session, "zalo", "Zalo", MONDAY)
        assert asyncio.run(holder_of(key)).name == "zalo"

        with office.rooms.begin() as session:
            assert portals.withdraw_portal(session, "zalo", MONDAY) == 1

        at = MONDAY + FRESH
        assert asyncio.run(holder_of(key)) is None

    def test_all_keys_but_the_new_one_may_be_withdrawn(self, office):
        with office.rooms.begin() as session:
            fresh = portals.add_portal(session, "app", "Ứng dụng", now())
            assert portals.withdraw_portal(session, "app", now(), but=fresh) == 1

        assert office.post(a_body(), **{"X-Api-Key": fresh}).status_code == 201
        assert office.post(a_body()).status_code == 401

    def test_a_key_ends_after_a_year(self, office):
        at = MONDAY
        holder_of = portal_of(Desk(service="intake", sessions=office.rooms, commit=lambda _envelope: None, clock=lambda: at))
        with office.rooms.begin() as session:
            key = portals.add_portal(session, "zalo", "Zalo", MONDAY)

        at = MONDAY + timedelta(days=364)
        assert asyncio.run(holder_of(key)).name == "zalo"
        at = MONDAY + timedelta(days=365)
        assert asyncio.run(holder_of(key)) is None

    @pytest.mark.parametrize("code", ["", "App", "a_b", "a:b", "-a", "a" * 31])
    def test_a_code_is_a_slug(self, office, code):
        with office.rooms() as session, pytest.raises(ValueError, match="code of a portal"):
            portals.add_portal(session, code, "?", MONDAY)
