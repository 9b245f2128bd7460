"""What a portal that speaks Open311 is promised when it posts a report."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from services.intake.domain.georeport import REPEATED
from services.intake.domain.tracking import read_code
from services.intake.store import portals
from shared.clock import now
from shared.messages import ReporterReachable, ReportReceived
from shared.privacy import SealingKeys
from tests.builders import said, topics
from tests.intake.conftest import a_body
from tests.intake.georeport import V2, checked, fits, post, posted, read

WHO = {"email": "hoa@example.com", "phone": "0912 345 678", "first_name": "Hoa", "last_name": "Trần Thị"}


class TestPostRequest:
    def test_is_received_as_any_report_is(self, office):
        code = posted(office, service_code="GT01", lat="16.8163", long="107.1003", **{"attribute[LOAI_DUONG]": "quoc_lo"})

        [received] = said(office.rooms)
        assert isinstance(received, ReportReceived)
        assert (received.tracking_code, received.portal, received.category) == (code, "app", "GT01")
        assert read_code(code, prefix="QT") == code
        place = received.location
        assert (place.area, place.address, place.latitude, place.longitude) == ("dh", "12 Hùng Vương", 16.8163, 107.1003)
        assert received.attributes == {"LOAI_DUONG": "quoc_lo"}
        assert office.shown(code)["description"] == "Đèn đường hỏng ba ngày nay"

    def test_is_answered_alike_in_both_formats(self, office):
        answers = [post(office, form, key=office.portal_key, device_id="x-1") for form in ("json", "xml", "json")]

        assert {answer.status_code for answer in answers} == {200}
        checked(answers[2], answers[1], "received")

    @pytest.mark.parametrize(
        "place",
        [
            {"address_id": "dh"},
            {"address_string": "Chợ Đông Hà"},
            {"lat": "16.82", "long": "107.1"},
            {"lat": " +16.82", "long": "107", "address_id": ""},
        ],
    )
    def test_takes_any_way_to_say_where(self, door, place):
        posted(door, **{"address_id": None, "address_string": None} | place)

    def test_takes_a_form_in_parts(self, office):
        fields = {"api_key": office.portal_key, "service_code": "CS01", "address_id": "dh", "description": "Đèn đường hỏng", "email": ""}

        answer = office.http.post(f"{V2}/requests.json", files={name: (None, value) for name, value in fields.items()})

        assert answer.status_code == 200, answer.text
        [received] = said(office.rooms)
        assert received.description == "Đèn đường hỏng"

    def test_takes_the_key_in_a_header(self, office):
        assert office.http.post(
            f"{V2}/requests.json", data={"service_code": "CS01", "address_id": "dh"}, headers={"X-Api-Key": office.portal_key}
        ).is_success

    def test_needs_no_description_where_the_specification_needs_none(self, office, quang_tri):
        code = posted(office, description=None)

        assert office.shown(code)["description"] == quang_tri.categories["CS01"].name.vi

    def test_says_first_how_to_reach_the_reporter_and_keeps_them_under_seal_only(self, office):
        posted(office, **WHO, device_id="may-hoa-7", account_id="hoa77")

        reachable, received = said(office.rooms)
        assert isinstance(reachable, ReporterReachable)
        contact = SealingKeys.parse(office.settings.sealing_keys).open(reachable.sealed, about=str(received.report_id))
        assert json.loads(contact) == {"name": "Trần Thị Hoa", "email": "hoa@example.com", "phone": "+84912345678"}
        with office.rooms() as session:
            tables = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'intake' AND tablename <> 'alembic_version'"))
            dump = "".join(str(session.execute(text(f"SELECT * FROM {table}")).all()) for table in tables)
            outbox = b"".join(bytes(body) for body in session.scalars(text("SELECT body FROM outbox"))).decode()
        for secret in ("Hoa", "hoa@example", "912345678", "may-hoa-7", "hoa77"):
            assert secret not in dump + outbox

    def test_keeps_no_name_without_a_way_to_reach_it(self, office):
        posted(office, first_name="Hoa")

        assert topics(office.rooms) == ["report.received"]
        assert office.rows("reporters") == 0

    def test_keeps_the_addresses_of_pictures_and_shows_them_to_nobody(self, office):
        pictures = ["https://anh.example/1.jpg", "http://anh.example/2.jpg?x=1&y=2"]

        code = posted(office, media_url=pictures)

        with office.rooms() as session:
            assert session.scalar(text("SELECT media_urls FROM reports")) == pictures
        assert "anh.example" not in str(read(office, f"requests/{code}", "service_requests", extensions="true")) + str(said(office.rooms))

    def test_gives_the_reporters_link_to_who_asks_for_extensions(self, office):
        code = posted(office)

        [told] = fits(post(office, extensions="true").json(), "received")

        link = told["extended_attributes"]["link"]
        assert link.startswith(f"https://hoiam.example/pa/{code}#")
        assert office.comment(code, link.partition("#")[2], "Đèn vẫn chưa sáng").status_code == 201

    def test_gives_ids_at_once_so_an_id_is_its_own_token(self, office):
        code = posted(office)

        assert read(office, f"tokens/{code}", "token") == [{"service_request_id": code, "token": code}]


class TestRepeat:
    def test_without_a_key_is_the_same_report(self, office):
        first = posted(office, **WHO)

        [again] = post(office, **WHO).json()

        assert again["service_request_id"] == first
        assert "gửi lại không tạo phản ánh mới" in again["service_notice"]
        assert office.rows("reports") == office.rows("reporters") == 1
        assert topics(office.rooms) == ["reporter.reachable", "report.received"]

    def test_in_another_format_and_form_is_the_same_report(self, office):
        first = posted(office)
        fields = {
            "description": "Đèn đường hỏng ba ngày nay",
            "address_string": "12 Hùng Vương",
            "address_id": "dh",
            "service_code": "CS01",
        }

        answer = office.http.post(
            f"{V2}/requests.xml", files={name: (None, value) for name, value in fields.items()}, headers={"X-Api-Key": office.portal_key}
        )

        assert first in answer.text
        assert office.rows("reports") == 1

    def test_fifty_at_once_make_one_report(self, office):
        with ThreadPoolExecutor(50) as crowd:
            codes = set(crowd.map(lambda _: posted(office, **WHO), range(50)))

        assert len(codes) == office.rows("reports") == office.rows("reporters") == 1

    @pytest.mark.parametrize(
        "other",
        [
            {"email": "lan@example.com"},
            {"phone": "0987654321"},
            {"last_name": "Lê", "phone": "0912345678"},
            {"first_name": "Lan"},
            {"device_id": "may-2"},
            {"account_id": "lan"},
            {"lat": "16.8164", "long": "107.1003"},
            {"address_string": "14 Hùng Vương"},
            {"media_url": "https://anh.example/1.jpg"},
            {"portal_ref": "PA-78"},
            {"description": "Đèn đường hỏng ba ngày nay!"},
        ],
        ids=lambda other: ", ".join(other),
    )
    def test_that_differs_in_anything_that_was_sent_is_another_report(self, door, other):
        first, second = posted(door), posted(door, **other)

        assert first != second
        assert (posted(door), posted(door, **other)) == (first, second)

    def test_by_another_portal_is_another_report(self, office):
        with office.rooms.begin() as session:
            other = portals.add_portal(session, "zalo", "Zalo", now())

        assert posted(office) != posted(office, api_key=other)

    @pytest.mark.parametrize(("ago", "reports"), [(REPEATED - timedelta(minutes=1), 1), (REPEATED, 2)])
    def test_is_a_new_report_an_hour_later(self, office, ago, reports):
        posted(office)
        with office.rooms.begin() as session:
            session.execute(text("UPDATE reports SET received_at = received_at - :ago"), {"ago": ago})

        with ThreadPoolExecutor(10) as crowd:
            codes = set(crowd.map(lambda _: posted(office), range(10)))

        assert len(codes) == 1
        assert office.rows("reports") == reports

    def test_long_after_the_inbox_forgot_is_still_one(self, office):
        first = posted(office)
        with office.rooms.begin() as session:
            session.execute(text("DELETE FROM inbox"))

        assert posted(office) == first
        assert office.rows("reports") == 1

    def test_with_a_key_of_the_portals_own_goes_by_the_key(self, office):
        fields = {"service_code": "CS01", "address_id": "dh"}

        def keyed(key: str) -> str:
            headers = {"X-Api-Key": office.portal_key, "Idempotency-Key": key}
            return office.http.post(f"{V2}/requests.json", data=fields, headers=headers).json()[0]["service_request_id"]

        assert keyed("k-1") == keyed("k-1") != keyed("k-2")

    def test_is_no_repeat_of_what_came_by_the_other_door(self, office):
        office.post(a_body(description="Đèn đường hỏng ba ngày nay", location={"area": "dh", "address": "12 Hùng Vương"}))

        posted(office)

        assert office.rows("reports") == 2
