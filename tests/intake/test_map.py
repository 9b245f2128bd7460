"""Reports on a map: one by one where they are few, together where they are many, and never closer than to a house."""

import json
from datetime import datetime
from typing import Any

import pytest

from services.intake.domain import mapping
from services.intake.domain.report import Status
from services.intake.domain.searching import Box, Search
from services.intake.store import searching
from tests.builders import MONDAY
from tests.intake.conftest import Office

WHOLE = "106,16,108,18"
CONTACT = {"name": "Trần Thị Hoa", "phone": "0912 345 678"}


def drawn(office: Office, **query: Any) -> Any:
    answer = office.http.get("/v1/map", params={"bbox": WHOLE, "zoom": 12} | query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.headers["cache-control"] == "public, max-age=30"
    return answer.json()


class TestMap:
    def test_shows_each_report_where_there_are_few(self, office):
        _, code = office.received(location={"latitude": 16.8123456, "longitude": 107.0987654, "address": "nhà bà Hoa"}, contact=CONTACT)

        whole = drawn(office)

        [feature] = whole["features"]
        assert (whole["type"], whole["newest"], feature["type"]) == ("FeatureCollection", False, "Feature")
        assert feature["geometry"] == {"type": "Point", "coordinates": [107.0988, 16.8123]}
        properties = feature["properties"]
        assert datetime.fromisoformat(properties.pop("received_at")).tzinfo is not None
        assert properties == {"tracking_code": code, "category": "CS01", "status": "received", "urgent": False}
        assert "Hoa" not in json.dumps(whole, ensure_ascii=False)

    def test_shows_what_is_inside_the_box_and_asked_for(self, office):
        office.received(location={"latitude": 16.81, "longitude": 107.09})
        office.received()  # without a point
        office.received(category="DV01", description="Cán bộ gây khó dễ", location={"latitude": 16.81, "longitude": 107.09})

        assert len(drawn(office)["features"]) == len(drawn(office, q="den duong")["features"]) == 1
        assert drawn(office, bbox="107.1,16,108,18")["features"] == drawn(office, category="GT01")["features"] == []

    @pytest.mark.parametrize(
        "query", [{"zoom": -1}, {"zoom": 23}, {"zoom": "x"}, {"bbox": ""}, {"bbox": "108,16,106,18"}, {"mine": True}], ids=str
    )
    def test_of_nonsense_is_refused_by_name(self, office, query):
        answer = office.http.get("/v1/map", params={"bbox": WHOLE, "zoom": 12} | query)

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, next(iter(query)))

    def test_needs_a_box_and_a_zoom(self, office):
        assert {error["field"] for error in office.http.get("/v1/map").json()["errors"]} == {"bbox", "zoom"}


class TestCrowd:
    def test_is_drawn_together_and_nobody_is_counted_twice(self, crowded):
        search = Search(box=Box(west=107, south=16.5, east=107.3, north=16.8))
        with crowded() as session:
            everybody = searching.points(session, search, limit=20_000)
            squares = mapping.together(searching.clusters(session, search, cell=mapping.square(10)))

        assert sum(square.properties["count"] for square in squares) == len(everybody) > 1000
        assert all(sum(square.properties["by_status"].values()) == square.properties["count"] for square in squares)
        side = mapping.square(10)
        assert len(squares) == len({(one["latitude"] // side, one["longitude"] // side) for one in everybody}) < 40

    def test_of_a_whole_province_is_drawn_of_the_newest(self, crowded):
        with crowded() as session:
            squares = mapping.together(searching.clusters(session, Search(), cell=mapping.square(8)))

        assert sum(square.properties["count"] for square in squares) == searching.MAPPED


class TestTogether:
    def test_is_in_the_middle_of_what_it_stands_for(self):
        part = {"row": 1, "column": 2, "status": Status.CLOSED, "count": 3, "latitudes": 16.8 * 3, "longitudes": 107.0 * 3}
        other = part | {"status": Status.ROUTED, "count": 1, "latitudes": 16.4, "longitudes": 107.4}

        [square] = mapping.together([part, other])

        assert square.geometry.coordinates == (107.1, 16.7)
        assert square.properties == {"count": 4, "by_status": {"closed": 3, "routed": 1}}

    @pytest.mark.parametrize(("zoom", "degrees"), [(0, 90), (8, 0.3515625), (18, 90 / 2**18)])
    def test_is_of_squares_as_wide_on_the_screen_at_every_zoom(self, zoom, degrees):
        assert mapping.square(zoom) == degrees

    def test_says_of_one_report_what_is_public(self):
        row = {"tracking_code": "QT-1", "category": "CS01", "status": Status.ROUTED, "urgent": False, "received_at": MONDAY}

        feature = mapping.single(row | {"latitude": 16.80009, "longitude": 107.00004, "description": "x"})

        assert (feature.geometry.coordinates, feature.properties) == ((107.0, 16.8001), row)
