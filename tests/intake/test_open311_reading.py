"""What everybody may read of requests by Open311, and in which order."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.intake.domain.georeport import CLOSED, NOTES, OPEN, SPAN, UPDATES
from services.intake.domain.report import LEADS_TO, Status
from services.intake.domain.timeline import SHOWN
from shared import messages as say
from shared.access import link_secret
from shared.clock import now
from shared.messages import Outcome
from tests.builders import MONDAY, envelope
from tests.intake.conftest import Office, a_body
from tests.intake.georeport import posted, read

HOUR = timedelta(hours=1)


def told(office: Office, code: str, **query: Any) -> dict[str, Any]:
    [request] = read(office, f"requests/{code}", "service_requests", **query)
    return request


def hear(office: Office, code: str, *facts: tuple[type[say.CaseFact], dict[str, Any]], agency: str = "dh") -> None:
    """Facts of the report's case, an hour apart."""
    with office.rooms() as session:
        report_id = session.scalar(text("SELECT report_id FROM reports WHERE tracking_code = :code"), {"code": code})
    for version, (kind, fields) in enumerate(facts, 1):
        usual = {"report_id": report_id, "at": MONDAY + version * HOUR, "version": version, "agency": agency}
        office.handling.together([envelope(kind(**usual | fields))])


OPENED = (say.CaseOpened, {"tracking_code": "QT", "category": "CS01", "agency": "ioc"})
ASSIGNED = (say.CaseAssigned, {"due_at": MONDAY + 72 * HOUR, "hop": 1})
RESOLVED = (
    say.CaseResolved,
    {"outcome": Outcome.FIXED, "answer": "Đã thay bóng đèn", "submitted_at": MONDAY, "due_at": MONDAY, "on_time": True},
)


class TestRequest:
    def test_that_was_just_received(self, office, quang_tri):
        request = told(office, posted(office, lat="16.8163", long="107.1003"))

        assert request["status"] == "open"
        assert request["status_notes"] == "Đã ghi nhận"
        assert request["agency_responsible"] == quang_tri.agencies["ioc"].name.vi
        assert (request["address"], request["address_id"], request["lat"], request["long"]) == ("12 Hùng Vương", "dh", 16.8163, 107.1003)
        assert request["requested_datetime"] == request["updated_datetime"]
        assert request["requested_datetime"].endswith("+07:00")
        assert request["expected_datetime"] is None

    def test_that_was_given_to_an_agency(self, office, quang_tri):
        code = posted(office)
        hear(office, code, OPENED, ASSIGNED)

        request = told(office, code)

        assert (request["status"], request["agency_responsible"]) == ("open", quang_tri.agencies["dh"].name.vi)
        assert request["expected_datetime"] == "2026-11-19T08:00:00+07:00"
        assert "được giao cho" in request["status_notes"]

    @pytest.mark.parametrize("closing", [[RESOLVED], [RESOLVED, (say.CaseClosed, {})]], ids=["answered", "closed"])
    def test_that_was_answered_tells_the_answer(self, office, closing):
        code = posted(office)
        hear(office, code, OPENED, ASSIGNED, *closing)

        request = told(office, code)

        assert request["status"] == "closed"
        assert request["status_notes"].startswith("Đã khắc phục. ")
        assert request["status_notes"].endswith("Đã thay bóng đèn")

    @pytest.mark.parametrize(
        ("fact", "words"),
        [
            ((say.CaseRefused, {"reason_code": "khac", "reason": "Thuộc khiếu nại", "redirect": "Ban tiếp công dân"}), "Ban tiếp công dân"),
            ((say.CaseCancelled, {"reason": "Người gửi rút"}), "Người gửi rút"),
            ((say.CaseMerged, {"leader_id": UUID(int=1)}), "Có phản ánh khác"),
        ],
    )
    def test_that_ended_otherwise_tells_why(self, office, fact, words):
        code = posted(office)
        hear(office, code, OPENED, fact)

        assert told(office, code)["status"] == "closed"
        assert words in told(office, code)["status_notes"]

    def test_that_was_opened_again_is_open(self, office):
        code = posted(office)
        hear(office, code, OPENED, ASSIGNED, RESOLVED, (say.CaseReopened, {"reason": "Đèn lại tắt"}))

        assert (told(office, code)["status"], "Đèn lại tắt" in told(office, code)["status_notes"]) == ("open", True)

    def test_shows_nobody_who_can_be_called(self, office):
        words = "Xe 74C-123.45 tông gãy cột, gọi tôi 0905.123.456 hoặc lan@example.vn"
        code = posted(
            office, description=words, address_string="Nhà tôi, 0905 123 456", email="hoa@example.com", first_name="Hoa", last_name="Trần"
        )

        shown = str(told(office, code, extensions="true"))

        for secret in ("0905", "lan@", "74C", "Hoa", "hoa@", "Trần"):
            assert secret not in shown

    def test_shows_no_draft_of_an_answer(self, office):
        code = posted(office)
        hear(office, code, OPENED, ASSIGNED, (say.CaseSubmitted, {"outcome": Outcome.FIXED, "answer": "BẢN NHÁP"}))

        assert "BẢN NHÁP" not in str(told(office, code, extensions="true"))

    def test_with_extensions_tells_everything_that_happened(self, office):
        code = posted(office, service_code="GT01", **{"attribute[LOAI_DUONG]": "quoc_lo"})
        hear(office, code, OPENED, ASSIGNED, RESOLVED)

        request = told(office, code, extensions="true")

        assert request["attributes"] == [{"code": "LOAI_DUONG", "description": "Loại đường", "value": "quoc_lo", "name": "Quốc lộ"}]
        assert request["extended_attributes"]["status"] == "resolved"
        assert [note["type"] for note in request["notes"]] == ["case.opened", "case.assigned", "case.resolved"]
        assert "notes" not in told(office, code)

    def test_is_updated_when_its_case_moves_and_when_the_reporter_writes(self, office):
        code = posted(office)
        with office.rooms.begin() as session:
            session.execute(text("UPDATE reports SET received_at = :at, updated_at = :at"), {"at": MONDAY - 24 * HOUR})

        hear(office, code, OPENED)
        assert told(office, code)["updated_datetime"] == "2026-11-16T09:00:00+07:00"

        office.comment(code, _secret(office, code), "Đèn vẫn chưa sáng")
        assert told(office, code)["updated_datetime"] > "2026-11-16T09:00:00+07:00"


def _secret(office: Office, code: str) -> str:
    with office.rooms() as session:
        report_id = session.scalar(text("SELECT report_id FROM reports WHERE tracking_code = :code"), {"code": code})
    return link_secret(office.settings.link_key, report_id)


class TestRequests:
    @pytest.fixture
    def week(self, office):
        """Seven requests, one a day until now, the last three of them roads and the first two of them answered."""
        codes = [posted(office, description=f"Phản ánh số {n}", service_code="CS01" if n < 4 else "GT03") for n in range(7)]
        for n, code in enumerate(codes):
            if n < 2:
                hear(office, code, OPENED, ASSIGNED, RESOLVED)
            with office.rooms.begin() as session:
                at = {"at": now() - timedelta(days=6 - n), "changed": now() - timedelta(days=n), "code": code}
                session.execute(text("UPDATE reports SET received_at = :at, updated_at = :changed WHERE tracking_code = :code"), at)
        return codes

    @staticmethod
    def ids(office: Office, **query: Any) -> list[str]:
        return [request["service_request_id"] for request in read(office, "requests", "service_requests", **query)]

    def test_come_newest_first(self, office, week):
        assert self.ids(office) == week[::-1]

    def test_are_found_by_service_and_status(self, office, week):
        assert self.ids(office, service_code="GT03") == week[:3:-1]
        assert self.ids(office, service_code="GT03, CS01", status="closed") == week[1::-1]
        assert self.ids(office, status="open") == week[:1:-1]
        assert self.ids(office, status="open,closed") == week[::-1]

    def test_are_found_by_day(self, office, week):
        start, end = now() - timedelta(days=4, hours=12), now() - timedelta(days=1, hours=12)

        assert self.ids(office, start_date=start.isoformat(), end_date=end.isoformat()) == week[4:1:-1]
        assert self.ids(office, start_date=start.isoformat()) == week[:1:-1]
        assert self.ids(office, end_date=end.isoformat()) == week[4::-1]

    def test_of_more_than_90_days_ago_must_be_asked_for(self, office, week):
        with office.rooms.begin() as session:
            session.execute(text("UPDATE reports SET received_at = received_at - :ago"), {"ago": SPAN})

        old = now() - SPAN - timedelta(days=7)

        assert len(self.ids(office)) <= 1
        assert self.ids(office, start_date=old.isoformat()) == week[::-1]

    def test_named_by_their_ids_override_everything_else(self, office, week):
        wanted = f"{week[0]},{week[5].lower()},QT-0000-0000,mistyped"

        assert self.ids(office, service_request_id=wanted, status="open", start_date="2020-01-01T00:00:00Z") == [week[5], week[0]]

    def test_that_changed_come_in_the_order_of_their_change(self, office, week):
        after = now() - timedelta(days=3, hours=12)

        assert self.ids(office, updated_after=after.isoformat()) == week[3::-1]
        assert self.ids(office, updated_after=after.isoformat(), status="open") == week[3:1:-1]
        assert self.ids(office, updated_after=after.isoformat(), updated_before=(now() - timedelta(days=2, hours=12)).isoformat()) == [
            week[3]
        ]

    def test_come_by_pages(self, office, week):
        pages = [self.ids(office, page=page, page_size=3) for page in (1, 2, 3, 4)]

        assert pages == [week[:3:-1], week[3:0:-1], week[:1], []]

    def test_empty_arguments_are_none(self, office, week):
        lists, moments = ("service_request_id", "service_code", "status"), ("start_date", "end_date", "updated_after", "updated_before")
        others = ("page", "page_size", "extensions", "jurisdiction_id")

        assert self.ids(office, **dict.fromkeys((*lists, *moments, *others), "")) == week[::-1]

    def test_a_plus_that_was_not_encoded_is_understood(self, office, week):
        start = (now() - timedelta(days=1, hours=12)).isoformat(timespec="seconds")

        assert office.http.get(f"/open311/v2/requests.json?start_date={start}").json()[0]["service_request_id"] == week[6]


class TestUnlisted:
    def test_requests_are_for_who_knows_their_id(self, office):
        receipt = office.post(a_body(category="DV01", description="Cán bộ một cửa gây khó dễ")).json()
        code = receipt["tracking_code"]
        office.comment(code, receipt["secret"], "Hôm nay vẫn vậy")

        assert read(office, "requests", "service_requests") == read(office, "servicerequestupdates", "service_request_updates") == []
        assert code not in office.http.get("/open311/v2/bulk/requests.csv").text
        assert [one["service_request_id"] for one in read(office, f"requests/{code}", "service_requests")] == [code]
        assert [one["service_request_id"] for one in read(office, "requests", "service_requests", service_request_id=code)] == [code]
        assert len(read(office, "servicerequestupdates", "service_request_updates", service_request_id=code)) == 1


class TestWords:
    def test_every_status_is_open_or_closed(self):
        assert set(Status) == OPEN | CLOSED
        assert not OPEN & CLOSED

    def test_every_update_is_shown_to_the_public(self):
        assert set(UPDATES) <= {kind.topic for kind in SHOWN}

    def test_every_state_but_the_first_has_notes_of_its_own(self):
        states = {kind.topic for kind in LEADS_TO} - {"case.opened", "case.submitted", "case.sent_back", "case.closed"}

        assert states <= NOTES
