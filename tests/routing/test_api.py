"""routing over HTTP."""

import pytest

from tests.routing.conftest import as_role


class TestTriage:
    def test_shows_what_a_person_needs_to_decide(self, http, receive):
        receive(category="KH99", tracking_code="QT-1", attributes={"X": "y"})

        [entry] = http.get("/v1/triage").json()["reports"]

        assert (entry["tracking_code"], entry["category_name"], entry["hop"], entry["bounces"]) == ("QT-1", "Khác, chưa rõ", 1, 0)
        assert entry["description"].startswith("Đèn đường hỏng")
        assert entry["location"]["address"] == "12 Hùng Vương"
        assert entry["explanation"].startswith("Không có quy tắc nào phù hợp")
        assert entry["attributes"] == {"X": "y"}

    def test_comes_in_pages(self, http, receive):
        for number in range(3):
            receive(category="KH99", tracking_code=f"QT-{number}")

        first = http.get("/v1/triage?limit=2").json()
        rest = http.get(f"/v1/triage?limit=2&after={first['next']}").json()

        assert len({entry["report_id"] for entry in first["reports"] + rest["reports"]}) == 3
        assert rest["next"] is None

    def test_is_empty_when_everything_was_placed(self, http, receive):
        receive()

        assert http.get("/v1/triage").json() == {"reports": [], "next": None}


class TestExplain:
    def test_tells_the_decision_and_every_rule_considered(self, http):
        body = {"category": "GT01", "location": {"latitude": 16.81, "longitude": 107.1}, "attributes": {"LOAI_DUONG": "do_thi"}}

        told = http.post("/v1/route:explain", json=body).json()

        assert (told["agency"], told["agency_name"], told["rule"]) == ("ubnd-nam-dong-ha", "UBND phường Nam Đông Hà", "gt01")
        note = "Địa bàn xác định gần đúng theo tọa độ: trung tâm gần nhất là Phường Nam Đông Hà, cách khoảng 1,3 km."
        found = {"code": "19351", "name": "Phường Nam Đông Hà", "how": "point", "km": 1.29, "neighbour": None, "metres": 0.0}
        assert told["area"] == {**found, "note": note}
        assert [(entry["rule"], entry["matched"]) for entry in told["considered"]] == [
            ("gt01-quoc-lo", False), ("gt01-tinh-lo", False), ("gt01", True),
        ]  # fmt: skip
        assert (told["province_version"], told["rules_version"]) == (1, 1)

    def test_tells_when_a_person_would_have_to_decide(self, http):
        told = http.post("/v1/route:explain", json={"category": "KH99", "location": {"area": "dh"}}).json()

        assert (told["agency"], told["rule"], told["considered"]) == (None, None, [])
        assert "Không có quy tắc nào phù hợp" in told["explanation"]

    def test_may_ask_about_another_day(self, http):
        told = http.post("/v1/route:explain", json={"category": "GT06", "at": "2024-11-18T08:00:00+07:00"}).json()

        assert told["agency"] == "sgtvt"

    def test_keeps_nothing(self, http):
        http.post("/v1/route:explain", json={"category": "KH99"})

        assert http.get("/v1/triage").json()["reports"] == []

    @pytest.mark.parametrize(
        "body", [{}, {"category": "GT01", "colour": "red"}, {"category": "GT01", "location": {"latitude": 91}}, {"category": "GT01\0" * 40}]
    )
    def test_refuses_what_is_no_report(self, http, body):
        assert http.post("/v1/route:explain", json=body).status_code == 422


class TestAccess:
    @pytest.mark.parametrize(("method", "path"), [("GET", "/v1/triage"), ("POST", "/v1/route:explain")])
    def test_is_for_staff_only(self, http, method, path):
        agency = http.request(method, path, headers=as_role("agency:dh"), json={"category": "GT01"})
        nobody = http.request(method, path, headers={"Authorization": ""}, json={"category": "GT01"})

        assert (agency.status_code, nobody.status_code) == (403, 401)
        assert agency.json()["code"] == "forbidden"
