"""The whole table for open data portals."""

import csv
from io import StringIO

import pytest

from services.intake.api.open311 import bulk
from tests.intake.georeport import V2, posted
from tests.intake.test_open311_reading import ASSIGNED, OPENED, RESOLVED, hear

REQUIRED = [
    "service_request_id",
    "requested_datetime",
    "updated_datetime",
    "status_description",
    "status_notes",
    "service_name",
    "address",
    "lat",
    "long",
]


def table(office, **query):
    answer = office.http.get(f"{V2}/bulk/requests.csv", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(StringIO(answer.text)))


class TestBulk:
    def test_has_the_columns_of_the_specification(self, office):
        code = posted(office, lat="16.8163", long="107.1003")
        hear(office, code, OPENED, ASSIGNED, RESOLVED)

        [row] = table(office)

        assert list(row)[:9] == REQUIRED
        assert (row["service_request_id"], row["lat"], row["long"]) == (code, "16.8163", "107.1003")
        assert (row["status_description"], row["closed_date"]) == ("closed", row["updated_datetime"])
        assert row["status_notes"].endswith("Đã thay bóng đèn")

    def test_of_an_open_request_has_no_closing_date(self, office):
        posted(office)

        assert table(office)[0]["closed_date"] == ""

    @pytest.mark.parametrize("begin", ["=", "+", "-", "@"])
    def test_has_no_formula(self, door, begin):
        words = f"{begin}HYPERLINK(0) ở Đông Hà"
        posted(door, address_string=words, description=f"{begin}cmd|x!A0 đèn hỏng")

        row = table(door)[-1]

        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert row["address"] == f"'{words.strip()}"

    def test_has_every_request_once_however_many_there_are(self, office, monkeypatch):
        codes = [posted(office, description=f"Phản ánh số {n}") for n in range(7)]
        monkeypatch.setattr(bulk, "BATCH", 3)

        assert [row["service_request_id"] for row in table(office)] == codes

    def test_of_some_days_is_of_those_days(self, office):
        posted(office)

        assert table(office, end_date="2026-01-01T00:00:00Z") == []
        assert len(table(office, start_date="2026-01-01T00:00:00Z")) == 1

    def test_names_nobody(self, office):
        posted(office, description="Gọi tôi 0905.123.456", email="hoa@example.com", first_name="Hoa")

        assert not {"0905", "oa@", "Hoa"} & set("".join(table(office)[0].values()).split())
        assert "0905" not in str(table(office))

    @pytest.mark.parametrize(
        ("query", "status"), [({"start_date": "x"}, 400), ({"end_date": "9999-12-31T23:59:59Z"}, 400), ({"jurisdiction_id": "hanoi"}, 404)]
    )
    def test_asked_wrongly_is_told_in_the_specifications_form(self, door, query, status):
        answer = door.http.get(f"{V2}/bulk/requests.csv", params=query)

        assert answer.status_code == status
        assert f"<code>{status}</code>" in answer.text
