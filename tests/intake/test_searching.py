"""Looking for reports: what is found and in which order, what is never shown, and that no question needs a walk through all of them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from services.intake.domain.report import Status
from services.intake.domain.searching import Box, Place, Search
from services.intake.store import portals, searching
from shared import messages as say
from shared.clock import now
from shared.texts import folded
from tests.builders import MONDAY, envelope
from tests.intake.conftest import Office

CONTACT = {"name": "Trần Thị Hoa", "email": "hoa@example.com", "phone": "0912 345 678"}
WEST_OF = {"latitude": 16.81, "longitude": 107.09}
EAST_OF = {"latitude": 16.82, "longitude": 107.12}


def listed(office: Office, headers: dict[str, str] | None = None, **query: Any) -> Any:
    answer = office.http.get("/v1/reports", params=query, headers=headers or {})
    assert answer.status_code == 200, answer.text
    return answer.json()


def codes(office: Office, **query: Any) -> list[str]:
    return [report["tracking_code"] for report in listed(office, **query)["reports"]]


def refusal(office: Office, **query: Any) -> tuple[int, str]:
    answer = office.http.get("/v1/reports", params=query)
    return answer.status_code, answer.json()["errors"][0]["field"]


class TestList:
    def test_shows_everybody_the_newest_first(self, office):
        _, first = office.received()
        _, second = office.received(description="Đèn đường nhấp nháy cả đêm")

        page = listed(office)

        assert [report["tracking_code"] for report in page["reports"]] == [second, first]
        assert page["next_cursor"] is None
        assert page["reports"][0]["description"] == "Đèn đường nhấp nháy cả đêm"
        assert page["reports"][0]["status_name"]["vi"] == "Đã ghi nhận"

    def test_never_shows_who_reported_nor_who_is_named(self, office):
        office.received(
            contact=CONTACT,
            description="Gọi 0905 123 456 hỏi anh có xe 74C-123.45",
            location={"address": "nhà bà Hoa", "area": "dh"},
            external_ref="cua-rieng-toi",
        )

        shown = json.dumps(listed(office), ensure_ascii=False)

        for secret in ("Hoa", "hoa@", "912345678", "0905", "123.45", "cua-rieng", "app", "report_id"):
            assert secret not in shown

    def test_comes_in_pages_that_neither_repeat_nor_miss_anything(self, office):
        sent = [office.received()[1] for _ in range(5)]
        first = listed(office, limit=2)
        office.received()  # while somebody turns the pages

        second = listed(office, limit=2, cursor=first["next_cursor"])
        third = listed(office, limit=2, cursor=second["next_cursor"])

        pages = [report["tracking_code"] for page in (first, second, third) for report in page["reports"]]
        assert pages == sent[::-1]
        assert third["next_cursor"] is None

    def test_of_one_moment_is_in_order_too(self, office):
        sent = {office.received()[1] for _ in range(6)}
        with office.rooms.begin() as session:
            session.execute(text("UPDATE reports SET received_at = :at"), {"at": MONDAY})

        first = listed(office, limit=3)
        second = listed(office, limit=3, cursor=first["next_cursor"])

        assert {report["tracking_code"] for report in first["reports"] + second["reports"]} == sent

    def test_leaves_out_what_is_about_persons(self, office):
        _, code = office.received(category="DV01", description="Cán bộ một cửa gây khó dễ")

        assert codes(office) == codes(office, category="DV01") == codes(office, q="một cửa") == codes(office, group="dich-vu-cong") == []
        assert office.shown(code)["category"]["code"] == "DV01"


class TestFilters:
    @pytest.fixture
    def three(self, office) -> dict[str, str]:
        """A street light in Đông Hà, worked on; an urgent pothole to the west; a burst pipe in Hải Lăng, to the east."""
        report_id, light = office.received()
        _, pothole = office.received(category="GT01", description="Ổ gà sâu giữa đường", urgent=True, location=WEST_OF)
        _, pipe = office.received(category="CN01", description="Vỡ ống nước", location=EAST_OF | {"area": "hl"})
        accepted = say.CaseAccepted(report_id=report_id, at=now(), version=3, agency="mtdt-dh", due_at=now())
        office.handling.together([envelope(accepted)])
        return {light: "light", pothole: "pothole", pipe: "pipe"}

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"category": "GT01"}, ["pothole"]),
            ({"category": ["GT01", "CS01"]}, ["pothole", "light"]),
            ({"group": "giao-thong"}, ["pothole"]),
            ({"group": "giao-thong", "category": "CS01"}, []),
            ({"area": "hl"}, ["pipe"]),
            ({"agency": "mtdt-dh"}, ["light"]),
            ({"status": "in_progress"}, ["light"]),
            ({"status": ["in_progress", "received"]}, ["pipe", "pothole", "light"]),
            ({"urgent": "true"}, ["pothole"]),
            ({"urgent": "false"}, ["pipe", "light"]),
            ({"bbox": "107.08,16.8,107.1,16.82"}, ["pothole"]),
            ({"bbox": "107.08,16.8,107.12,16.82"}, ["pipe", "pothole"]),
            ({"q": "ổ gà"}, ["pothole"]),
            ({"q": "O GA"}, ["pothole"]),
            ({"q": "duong"}, ["pothole", "light"]),
            ({"q": "Đường -ga"}, ["light"]),
            ({"q": '"ống nước"'}, ["pipe"]),
            ({"q": '"nước ống"'}, []),
            ({"q": "duong", "category": "CS01"}, ["light"]),
            ({"q": "!!! &|:*()"}, []),
        ],
        ids=str,
    )
    def test_each_finds_its_own(self, office, three, query, found):
        assert [three[code] for code in codes(office, **query)] == found

    def test_of_time_include_the_beginning_only(self, office, three):
        moments = [report["received_at"] for report in listed(office)["reports"]]

        assert [three[code] for code in codes(office, received_from=moments[1])] == ["pipe", "pothole"]
        assert [three[code] for code in codes(office, received_to=moments[1])] == ["light"]

    def test_of_updates_find_what_moved_since(self, office, three):
        newest = max(report["updated_at"] for report in listed(office)["reports"])

        assert [three[code] for code in codes(office, updated_from=newest)] == ["light"]

    @pytest.mark.parametrize(
        ("field", "query"),
        [
            ("cursor", {"cursor": "x"}),
            ("cursor", {"cursor": "AAAA"}),
            ("cursor", {"cursor": "f" * 32}),
            ("cursor", {"cursor": "é"}),
            ("bbox", {"bbox": "1,2,3"}),
            ("bbox", {"bbox": "107,16,106,17"}),
            ("bbox", {"bbox": "nan,16,107,17"}),
            ("bbox", {"bbox": "-inf,16,inf,17"}),
            ("bbox", {"bbox": "0,0,1e999,1"}),
            ("bbox", {"bbox": "1," * 60}),
            ("limit", {"limit": 0}),
            ("limit", {"limit": 101}),
            ("limit", {"limit": "9" * 5000}),
            ("q", {"q": "a\x00b"}),
            ("q", {"q": "a" * 201}),
            ("group", {"group": "atlantis"}),
            ("area", {"area": "dh'; DROP TABLE reports"}),
            ("status.0", {"status": "lost"}),
            ("urgent", {"urgent": "perhaps"}),
            ("received_from", {"received_from": "2026-11-16T08:00:00"}),
            ("received_from", {"received_from": "yesterday"}),
            ("sort", {"sort": "portal"}),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_that_mean_nothing_are_refused_by_name(self, office, field, query):
        assert refusal(office, **query) == (422, field)

    def test_at_the_ends_of_time_find_nothing(self, office):
        office.received()

        assert codes(office, received_to="0001-01-01T00:00:00%2B14:00".replace("%2B", "+")) == []
        assert codes(office, received_from="9999-12-31T23:59:59-12:00") == []


class TestMine:
    def test_shows_a_portal_its_own_with_its_references(self, office):
        _, code = office.received(external_ref="PA-77", category="DV01")
        with office.rooms.begin() as session:
            other = portals.add_portal(session, "zalo", "Zalo", now())

        mine = listed(office, {"X-Api-Key": office.portal_key}, mine=True)["reports"]

        assert [(report["tracking_code"], report["external_ref"]) for report in mine] == [(code, "PA-77")]
        assert listed(office, {"X-Api-Key": other}, mine=True)["reports"] == []
        assert listed(office, {"X-Api-Key": office.portal_key})["reports"] == []

    def test_is_for_portals_only(self, office):
        answer = office.http.get("/v1/reports", params={"mine": True})

        assert (answer.status_code, answer.json()["code"]) == (403, "not_a_portal")


class TestWords:
    @pytest.mark.parametrize(
        ("written", "typed"), [("Đèn ĐƯỜNG", "den duong"), ("Ổ gà", "o ga"), ("nghiêng ngả", "NGHIENG nga"), ("Hiếu", "hiê\u0301u")]
    )
    def test_are_the_same_with_and_without_diacritics(self, written, typed):
        assert folded(written) == folded(typed)

    def test_that_are_not_shown_are_not_found(self, office):
        office.received(description="Gọi cho 0905123456 để biết thêm")

        assert codes(office, q="0905123456") == []
        assert len(codes(office, q="biết thêm")) == 1


QUESTIONS = {
    "the first page": Search(unlisted={"DV01"}),
    "a category": Search(categories={"GT01"}),
    "an area": Search(area="dh"),
    "an agency nobody knows": Search(agency="nobody"),
    "a portal that sent nothing": Search(portal="silent"),
    "a status nobody has": Search(statuses=(Status.WAITING,)),
    "urgent ones": Search(urgent=True),
    "updated lately": Search(updated_from=now() - timedelta(minutes=1)),
    "long ago": Search(received_from=now() - timedelta(days=800), received_to=now() - timedelta(days=799)),
    "a small box": Search(box=Box(west=107, south=16.8, east=107.005, north=16.805)),
    "a common word": Search(words="đường"),
    "a rare word": Search(words="số 7777"),
    "no such word": Search(words="xyzzy"),
    "words that are seldom together": Search(words="karaoke cong"),
}


class TestMany:
    """Twenty thousand reports; what is true of their plans stays true of a million."""

    @pytest.mark.parametrize("question", QUESTIONS)
    def test_no_question_reads_them_all(self, crowded, question):
        with crowded() as session:
            session.execute(text("SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off"))  # as where reading all costs something
            asked: list[tuple[str, Any]] = []
            event.listen(session.get_bind(), "before_cursor_execute", lambda _c, _cursor, sql, values, *_: asked.append((sql, values)))
            searching.found(session, QUESTIONS[question], after=None, limit=21)
            plans = [
                session.connection().exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values).scalar()
                for sql, values in list(asked)
            ]

        assert max(touched(plan[0]["Plan"]) for plan in plans) < 2500

    @pytest.mark.parametrize("words", ["đường", "karaoke khuya", "nắp cống hùng vương"])
    def test_the_newest_come_first_however_common_the_words(self, crowded, words):
        likes = " AND ".join(f"folded ~ '\\m{folded(word)}\\M'" for word in words.split())
        with crowded() as session:
            found = [report.report_id for report in searching.found(session, Search(words=words), after=None, limit=50)]
            newest = f"SELECT report_id FROM reports JOIN public_texts USING (report_id) WHERE {likes} ORDER BY received_at DESC LIMIT 50"
            expected = list(session.scalars(text(newest)))

        assert found == expected

    def test_a_page_in_the_middle_costs_no_more_than_the_first(self, crowded):
        with crowded() as session:
            middle = session.execute(text("SELECT received_at, report_id FROM reports ORDER BY received_at OFFSET 10000 LIMIT 1")).one()
            page = searching.found(session, Search(), after=Place(received_at=middle[0], report_id=middle[1]), limit=21)

        assert [report.received_at < middle[0] for report in page] == [True] * 21


def touched(plan: Any) -> float:
    """Rows that the most hard-working node of a plan looked at; entries of an index alone are cheap."""
    if plan["Node Type"] == "Bitmap Index Scan":
        return 0
    own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return max([own, *(touched(part) for part in plan.get("Plans", ()))])
