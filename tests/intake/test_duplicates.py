"""The same thing reported twice: how surely it is seen, what is offered and to whom, and what it costs."""

import csv
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, text

from services.intake.domain.duplicates import Matter, distance, likeness, similarity
from services.intake.store import duplicates
from shared.access import issue_token, new_key_pair
from shared.clock import now
from shared.province import Province
from shared.texts import folded
from tests.builders import MONDAY
from tests.intake.conftest import Office, opened
from tests.intake.test_searching import touched

SAMPLE = list(csv.DictReader((Path(__file__).parent / "duplicates.csv").read_text(encoding="utf-8").splitlines()))
HERE = {"latitude": 16.81, "longitude": 107.09}
NORTH = 111_195  # metres in a degree of latitude
PRIVATE, PUBLIC = new_key_pair()


def matter(words: str, metres: float | None = None, *, at: datetime = MONDAY) -> Matter:
    """``metres`` to the north of where everything begins."""
    latitude, longitude = (None, None) if metres is None else (16.81 + metres / NORTH, 107.09)
    return Matter(report_id=uuid4(), received_at=at, words=folded(words), latitude=latitude, longitude=longitude)


def guessed(pair: dict[str, str], of: Province) -> bool:
    rule, metres = of.policy.duplicates, float(pair["metres"]) if pair["metres"] else None
    later = MONDAY + timedelta(hours=float(pair["hours"]))
    one, other = matter(pair["one"], None if metres is None else 0), matter(pair["other"], metres, at=later)
    return likeness(one, other, radius=rule.metres).score >= rule.percent / 100


def similar(office: Office, **fields: Any) -> Any:
    body = {"category": "CS01", "description": "den duong hung vuong hong", "location": HERE} | fields
    answer = office.http.post("/v1/reports:similar", json=body, headers={"X-Api-Key": office.portal_key})
    assert answer.status_code == 200, answer.text
    return answer.json()["similar"]


class TestSample:
    def test_of_pairs_is_told_apart(self, quang_tri, capsys):
        verdicts = [(guessed(pair, quang_tri), pair["same"] == "yes") for pair in SAMPLE]

        right = sum(guess and same for guess, same in verdicts)
        precision, recall = right / sum(guess for guess, _ in verdicts), right / sum(same for _, same in verdicts)
        with capsys.disabled():
            print(f"\nduplicates: {len(SAMPLE)} pairs, precision {precision:.2f}, recall {recall:.2f}")  # noqa: T201
        assert precision > 0.9
        assert recall > 0.95


class TestLikeness:
    def test_is_of_words_in_any_order_and_with_any_marks(self):
        assert similarity(folded("Đèn đường hỏng"), folded("hong den duong")) == 1
        assert similarity("karaoke", "xyz") == similarity("", "") == similarity("!", "den") == 0

    def test_of_distance_is_measured_over_the_ground(self):
        hue, dong_ha = (16.4637, 107.5909), (16.8163, 107.1003)
        one, other = (Matter(report_id=uuid4(), received_at=MONDAY, words="", latitude=n, longitude=e) for n, e in (hue, dong_ha))

        assert distance(one, other) == pytest.approx(65_300, rel=0.01)
        assert distance(one, matter("x")) is None

    def test_further_away_than_the_radius_is_none(self):
        assert likeness(matter("den duong", 0), matter("den duong", 101), radius=100).score == 0
        assert likeness(matter("den duong", 0), matter("den duong", 50), radius=100).score == pytest.approx(0.75, abs=0.01)


class TestOffer:
    def test_names_what_is_the_same_and_why(self, office):
        _, code = office.received(
            location=HERE | {"latitude": 16.8102, "address": "12 Hùng Vương"}, description="Đèn đường Hùng Vương bị hỏng"
        )

        [offered] = similar(office)

        assert offered["report"]["tracking_code"] == code
        assert offered["metres"] == 22
        assert offered["score"] > 0.6
        assert 0 <= offered["hours"] < 1
        assert 0.5 < offered["words"] < 1

    def test_names_nothing_of_another_category_or_place_or_time(self, office):
        office.received(location=HERE, description="Đèn đường Hùng Vương hỏng", category="GT02")
        office.received(location=HERE | {"latitude": 16.82}, description="Đèn đường Hùng Vương hỏng")
        _, old = office.received(location=HERE, description="Đèn đường Hùng Vương hỏng")
        _, closed = office.received(location=HERE, description="Đèn đường Hùng Vương hỏng")
        with office.rooms.begin() as session:
            long_ago = {"code": old, "at": now() - timedelta(days=31)}
            session.execute(text("UPDATE reports SET received_at = :at WHERE tracking_code = :code"), long_ago)
            session.execute(text("UPDATE reports SET status = 'closed' WHERE tracking_code = :code"), {"code": closed})

        assert similar(office) == []

    def test_goes_by_area_and_words_where_there_is_no_point(self, office):
        _, code = office.received(description="Đèn đường số 12 Hùng Vương không sáng")
        office.received(description="Đèn đường thôn Trung Chỉ chập chờn")

        found = similar(office, description="den duong so 12 hung vuong khong sang", location={"area": "dh"})

        assert [(one["report"]["tracking_code"], one["metres"]) for one in found][:1] == [(code, None)]
        assert similar(office, location={"area": "hl"}) == []

    def test_is_at_most_five_the_likeliest_first(self, office):
        for metres in range(0, 70, 10):
            office.received(location=HERE | {"latitude": 16.81 + metres / NORTH}, description="Đèn đường Hùng Vương hỏng")

        assert [one["metres"] for one in similar(office)] == [0, 10, 20, 30, 40]

    def test_never_shows_who_reported_nor_what_is_not_listed(self, office):
        contact = {"name": "Trần Thị Hoa", "phone": "0912 345 678"}
        office.received(location=HERE | {"address": "nhà bà Hoa"}, contact=contact, description="Đèn đường hỏng, gọi 0905 123 456")
        office.received(category="DV01", description="Cán bộ gây khó dễ", location=HERE)

        shown = json.dumps(similar(office, description="đèn đường hỏng, gọi 0905 123 456"), ensure_ascii=False)

        assert len(json.loads(shown)) == 1
        for secret in ("Hoa", "912345678", "0905", "report_id", 'external_ref": "'):
            assert secret not in shown
        assert similar(office, category="DV01", description="Cán bộ gây khó dễ") == []

    def test_keeps_nothing(self, office):
        similar(office)

        assert office.rows("reports") == office.rows("outbox") == office.rows("inbox") == 0

    @pytest.mark.parametrize("fields", [{"description": "a"}, {"location": {}}, {"contact": {}}, {"category": None}], ids=str)
    def test_of_nonsense_is_refused(self, office, fields):
        body = {"category": "CS01", "description": "den duong hong", "location": HERE} | fields

        answer = office.http.post("/v1/reports:similar", json=body, headers={"X-Api-Key": office.portal_key})

        assert (answer.status_code, answer.json()["errors"][0]["field"].split(".")[0]) == (422, next(iter(fields)))

    def test_is_for_portals(self, office):
        assert office.http.post("/v1/reports:similar", json={}).status_code == 401


class TestForOperators:
    def answer(self, office: Office, template: Any, code: str, role: str | None) -> Any:
        settings = office.settings.model_copy(update={"jwt_public_key": PUBLIC})
        at = now()
        token = role and issue_token(PRIVATE, role=role, name="lan", issuer="hoiam", audience="hoiam", at=at, lasts=timedelta(hours=1))
        with opened(settings, template[1]) as later:
            return later.http.get(f"/v1/reports/{code}/duplicates", headers={"Authorization": f"Bearer {token}"} if token else {})

    def test_names_what_may_be_merged(self, office, template):
        first, code = office.received(category="DV01", description="Cán bộ một cửa gây khó dễ", location=HERE)
        _, other = office.received(category="DV01", description="Cán bộ ở một cửa gây khó dễ cho dân", location=HERE)
        office.received(location=HERE)

        answer = self.answer(office, template, other, "operator")

        [found] = answer.json()["duplicates"]
        assert (found["report"]["tracking_code"], found["report_id"], found["metres"]) == (code, str(first), 0)

    @pytest.mark.parametrize(("role", "status"), [(None, 401), ("agency:dh", 403), ("auditor", 403), ("admin", 200)])
    def test_is_for_who_may_merge(self, office, template, role, status):
        _, code = office.received()

        assert self.answer(office, template, code, role).status_code == status


class TestCost:
    def test_is_bounded_by_category_and_time(self, crowded):
        with crowded() as session:
            asked: list[tuple[str, Any]] = []
            event.listen(session.get_bind(), "before_cursor_execute", lambda _c, _cursor, sql, values, *_: asked.append((sql, values)))
            one = matter("den duong", 0, at=now())
            duplicates.candidates(session, one, category="CS01", area="dh", since=now() - timedelta(days=30), radius=100)
            [plan] = session.connection().exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {asked[0][0]}", asked[0][1]).scalar()

        assert touched(plan["Plan"]) < 1000
