"""Who reported: known to few, told with a reason and on record, found by hashes, and forgotten in time."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from services.intake.domain.following import AskToFollow
from services.intake.domain.privacy import Act, TouchIdentity
from services.intake.handlers import forgetting, note_access
from services.intake.store import privacy as store
from shared.access import issue_token, new_key_pair
from shared.clock import now
from shared.messages import CaseClosed, CaseReopened, ReporterErased, Tick
from shared.privacy import lookup_hash
from tests.builders import MONDAY, delivered, envelope, said, topics
from tests.intake.conftest import a_body, opened

PRIVATE, PUBLIC = new_key_pair()
LAN = {"name": "Nguyễn Thị Lan", "phone": "0905 123 456", "email": "Lan@example.vn"}
WHY = {"reason": "Công an phường yêu cầu, công văn 12/CAP"}
WORDS = "Đèn hỏng, xe 74C-123.45 tông cột. Gọi tôi 0905.123.456"


def a_token(role: str) -> dict[str, str]:
    token = issue_token(PRIVATE, role=role, name="lan", issuer="hoiam", audience="hoiam", at=now(), lasts=timedelta(hours=1))
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def office(settings, template):
    with opened(settings.model_copy(update={"jwt_public_key": PUBLIC}), template[1]) as office:
        yield office


def a_report(office, **fields):
    answer = office.post(a_body(description=WORDS, contact=LAN, **fields), key=f"k-{office.rows('reports')}").json()
    return answer["tracking_code"], UUID(answer["report_id"]), answer["secret"]


def disclosed(office, code, role="operator", body=WHY):
    return office.http.post(f"/v1/reports/{code}/contact:disclose", json=body, headers=a_token(role))


def erased(office, report_id, at=MONDAY):
    asked = TouchIdentity(report_id=report_id, at=at, actor="cli:lan", act=Act.ERASED, reason="Người gửi đề nghị")
    office.handling.run(lambda session: note_access(asked, session))


class TestDisclosure:
    def test_tells_the_contact_and_writes_down_who_looked_and_why(self, office):
        code, *_ = a_report(office)

        answer = disclosed(office, code)

        assert (answer.status_code, answer.json()) == (200, {"name": LAN["name"], "phone": "+84905123456", "email": LAN["email"]})
        [access] = office.http.get("/v1/privacy/accesses", headers=a_token("auditor")).json()["accesses"]
        assert (access["actor"], access["act"], access["tracking_code"], access["reason"]) == (
            "operator:lan",
            "disclosed",
            code,
            WHY["reason"],
        )

    @pytest.mark.parametrize("role", ["auditor", "agency:dh"])
    def test_is_for_the_operations_centre_alone(self, office, role):
        code, *_ = a_report(office)

        assert disclosed(office, code, role).status_code == 403
        assert office.rows("accesses") == 0

    @pytest.mark.parametrize("headers", [{}, {"X-Report-Secret": "?"}])
    def test_is_not_for_the_public(self, office, headers):
        code, *_ = a_report(office)

        assert office.http.post(f"/v1/reports/{code}/contact:disclose", json=WHY, headers=headers).status_code == 401

    @pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "vì"}, {"reason": "          "}])
    def test_needs_a_reason(self, office, body):
        code, *_ = a_report(office)

        assert disclosed(office, code, body=body).status_code == 422
        assert office.rows("accesses") == 0

    def test_of_an_anonymous_report_finds_nobody_and_is_no_look(self, office):
        _, code = office.received()

        answer = disclosed(office, code)

        assert (answer.status_code, answer.json()["code"]) == (404, "no_contact")
        assert office.rows("accesses") == 0

    def test_stays_on_record_for_ever(self, office):
        code, *_ = a_report(office)
        disclosed(office, code)

        for statement in ("DELETE FROM accesses", "UPDATE accesses SET reason = ''"):
            with office.rooms() as session, pytest.raises(ProgrammingError, match="permission denied"):
                session.execute(text(statement))

    def test_pages_of_the_log_follow_one_another(self, office):
        code, *_ = a_report(office)
        for _ in range(5):
            disclosed(office, code)

        seen, after = [], None
        while True:
            wanted = {"limit": 2, **({"after": after} if after else {})}
            page = office.http.get("/v1/privacy/accesses", params=wanted, headers=a_token("admin")).json()
            seen += [access["id"] for access in page["accesses"]]
            after = page["next"]
            if not after:
                break

        assert seen == sorted(set(seen))
        assert len(seen) == 5

    @pytest.mark.parametrize("role", ["operator", "agency:dh"])
    def test_of_the_log_itself_is_for_auditors(self, office, role):
        assert office.http.get("/v1/privacy/accesses", headers=a_token(role)).status_code == 403


class TestLookup:
    def test_finds_all_reports_of_a_telephone_number_or_an_address(self, office):
        first, second = a_report(office)[1], a_report(office)[1]
        office.received()

        with office.rooms() as session:
            for contact in ("+84905123456", "LAN@example.VN"):
                assert store.reports_of(session, lookup_hash(office.settings.link_key, contact)) == [first, second]
            assert store.reports_of(session, lookup_hash("another key", "+84905123456")) == []
            assert store.reports_of(session, "") == []


class TestErasure:
    def test_takes_the_contact_out_of_the_table_and_every_text_and_leaves_the_report(self, office):
        code, report_id, secret = a_report(office, location={"area": "dh", "address": "12 Hùng Vương, gọi 0905123456"})
        office.comment(code, secret, "Gọi lại cho tôi số 0914 222 333")

        erased(office, report_id)

        with office.rooms() as session:
            row = session.execute(text("SELECT description, location FROM reports")).one()
            words = session.execute(text("SELECT data FROM timeline")).scalars().all()
        assert office.rows("reporters") == 0
        assert row.description == "Đèn hỏng, xe 74C-123.45 tông cột. Gọi tôi [số điện thoại]"
        assert row.location["address"] == "12 Hùng Vương, gọi [số điện thoại]"
        assert "0914" not in str(words)
        assert disclosed(office, code).json()["code"] == "no_contact"

    def test_is_told_to_notify_and_names_nobody(self, office):
        report_id = a_report(office)[1]

        erased(office, report_id)

        [*_, last] = said(office.rooms)
        assert last == ReporterErased(report_id=report_id, at=MONDAY)

    def test_is_on_record(self, office):
        erased(office, a_report(office)[1])

        [access] = office.http.get("/v1/privacy/accesses", headers=a_token("auditor")).json()["accesses"]
        assert (access["act"], access["actor"]) == ("erased", "cli:lan")


class TestRetention:
    def closed(self, office, at: datetime) -> UUID:
        report_id = a_report(office)[1]
        office.handling.deliveries([delivered(CaseClosed(report_id=report_id, at=at, version=9, agency="dh"))], at)
        with office.rooms.begin() as session:
            session.execute(text("UPDATE reports SET received_at = :at"), {"at": at - timedelta(days=1)})
        return report_id

    def forgotten(self, office, at: datetime) -> int:
        return office.handling.run(lambda session: forgetting(365)(Tick(at=at), session))

    def test_forgets_who_reported_a_year_after_the_end_and_not_a_day_before(self, office):
        self.closed(office, MONDAY)

        assert self.forgotten(office, MONDAY + timedelta(days=364)) == 0
        assert self.forgotten(office, MONDAY + timedelta(days=366)) == 1
        assert self.forgotten(office, MONDAY + timedelta(days=367)) == 0
        assert office.rows("reporters") == 0

    def test_forgets_who_followed_with_it(self, office):
        report_id = self.closed(office, MONDAY)
        asked = AskToFollow(report_id=report_id, at=MONDAY, follower_id=uuid4(), fingerprint="f", sealed="s", language="vi")
        office.handling.together([envelope(asked)], MONDAY)

        self.forgotten(office, MONDAY + timedelta(days=364))
        assert office.rows("followers") == 1
        self.forgotten(office, MONDAY + timedelta(days=366))

        assert office.rows("followers") == 0
        assert "follower.left" in topics(office.rooms)

    def test_waits_while_something_still_happens(self, office):
        report_id = self.closed(office, MONDAY)
        again = MONDAY + timedelta(days=300)
        reopened = CaseReopened(report_id=report_id, at=again, version=10, agency="dh", reason="Chưa xong", due_at=again)
        closed = CaseClosed(report_id=report_id, at=again, version=11, agency="dh")

        office.handling.deliveries([delivered(reopened)], again)
        assert self.forgotten(office, MONDAY + timedelta(days=700)) == 0
        office.handling.deliveries([delivered(closed)], again)
        assert self.forgotten(office, MONDAY + timedelta(days=366)) == 0
        assert self.forgotten(office, MONDAY + timedelta(days=700)) == 1

    def test_leaves_open_reports_alone_however_old(self, office):
        a_report(office)

        assert self.forgotten(office, now() + timedelta(days=4000)) == 0
