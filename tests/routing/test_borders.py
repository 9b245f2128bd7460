"""Where a point lies when borders are loaded, and what became of areas."""

import json
from datetime import date

import pytest

from services.routing.domain.areas import Gazetteer
from shared.messages import Location
from shared.province import Province

TODAY, IN_2024 = date(2026, 11, 16), date(2024, 11, 18)
NORTH, SOUTH = "19333", "19351"  # Phường Đông Hà and Phường Nam Đông Hà, both of the old city `dh`
WIDE = 0.001  # degrees of latitude, about 111 m


def square(south: float, north: float) -> str:
    """A border between two parallels, from 107,0 to 107,2 degrees east."""
    ring = [[107.0, south], [107.2, south], [107.2, north], [107.0, north], [107.0, south]]
    return json.dumps({"type": "Polygon", "coordinates": [ring]})


def changed(province: Province, **areas: dict[str, object]) -> Province:
    """The same province, but for fields of ``areas``."""
    fresh = {code: area.model_copy(update=areas.get(f"_{code}", {})) for code, area in province.areas.items()}
    return province.model_copy(update={"areas": fresh})


@pytest.fixture(scope="session")
def bordered(quang_tri: Province) -> Province:
    """Two wards that meet at 16,8 degrees north."""
    return changed(quang_tri, **{f"_{NORTH}": {"border": square(16.8, 16.9)}, f"_{SOUTH}": {"border": square(16.7, 16.8)}})


@pytest.fixture(scope="session")
def gazetteer(bordered: Province) -> Gazetteer:
    return Gazetteer(bordered)


def at(latitude: float, longitude: float = 107.1, **words: str) -> Location:
    return Location(latitude=latitude, longitude=longitude, **words)


class TestBorder:
    def test_holds_what_lies_inside_however_near_another_centre_is(self, gazetteer):
        place = gazetteer.place_of(at(16.81), TODAY)

        assert (place.area.code, place.how, place.neighbour) == (NORTH, "border", None)
        assert place.note == "Tọa độ nằm trong địa giới Phường Đông Hà."

    def test_that_is_near_is_told_with_the_neighbour_and_the_distance(self, gazetteer):
        place = gazetteer.place_of(at(16.8 + WIDE), TODAY)

        assert (place.area.code, place.neighbour.code) == (NORTH, SOUTH)
        assert place.metres == pytest.approx(111, abs=1)
        assert "gần ranh giới: cách Phường Nam Đông Hà khoảng 111 m" in place.note

    @pytest.mark.parametrize(("latitude", "near"), [(16.8017, True), (16.8019, False)])
    def test_is_near_up_to_two_hundred_metres(self, gazetteer, latitude, near):
        assert bool(gazetteer.place_of(at(latitude), TODAY).neighbour) == near

    def test_on_the_line_is_in_the_first_of_the_file(self, gazetteer):
        place = gazetteer.place_of(at(16.8), TODAY)

        assert (place.area.code, place.neighbour.code, place.metres) == (NORTH, SOUTH, 0)

    def test_just_outside_of_all_is_the_nearest_and_says_so(self, gazetteer):
        place = gazetteer.place_of(at(16.9 + 5 * WIDE), TODAY)

        assert place.area.code == NORTH
        assert place.note == "Tọa độ nằm ngoài địa giới Phường Đông Hà. Địa giới gần nhất cách khoảng 556 m."

    def test_far_outside_goes_to_the_nearest_centre_of_those_without_borders(self, gazetteer):
        place = gazetteer.place_of(at(16.6221, 106.7487), TODAY)

        assert (place.area.name.vi, place.how) == ("Xã Khe Sanh", "point")

    def test_of_an_old_district_is_that_of_its_parts_together(self, gazetteer):
        places = [gazetteer.place_of(at(latitude), IN_2024) for latitude in (16.75, 16.85)]

        assert [(place.area.code, place.how, place.neighbour) for place in places] == [("dh", "border", None)] * 2

    def test_that_crosses_itself_is_mended(self, quang_tri):
        bow = {"type": "Polygon", "coordinates": [[[107.0, 16.7], [107.2, 16.9], [107.2, 16.7], [107.0, 16.9], [107.0, 16.7]]]}
        gazetteer = Gazetteer(changed(quang_tri, **{f"_{NORTH}": {"border": json.dumps(bow)}}))

        assert gazetteer.place_of(at(16.8, 107.02), TODAY).how == "border"


class TestSuccession:
    def test_of_a_divided_area_is_the_part_the_point_lies_in(self, gazetteer):
        place = gazetteer.place_of(at(16.75, area="dh"), TODAY)

        assert (place.area.code, place.how, place.named.code) == (SOUTH, "code", "dh")
        assert place.note == "Địa bàn Thành phố Đông Hà được ghi trong phản ánh. Địa bàn này nay thuộc Phường Nam Đông Hà."

    @pytest.mark.parametrize("address", ["P.5, Đông Hà", "phường Nam Đông Hà", "Đông Lễ, Đông Hà"])
    def test_of_a_divided_area_is_the_part_the_address_names(self, gazetteer, address):
        place = gazetteer.place_of(Location(area="dh", address=address), TODAY)

        assert (place.area.code, place.named.code) == (SOUTH, "dh")

    @pytest.mark.parametrize(
        "location",
        [
            Location(area="dh"),
            Location(area="dh", address="12 Hùng Vương, Đông Hà"),  # the city of before, or the ward of today
            Location(area="dh", address="xã Gio An"),
            at(16.6221, 106.7487, area="dh"),
        ],
    )
    def test_of_a_divided_area_is_itself_when_no_part_can_be_told(self, gazetteer, location):
        place = gazetteer.place_of(location, TODAY)

        assert (place.area.code, place.named) == ("dh", None)

    def test_of_a_merged_area_is_the_one_that_took_it_from_that_day_on(self, quang_tri):
        merged = {"effective_to": date(2026, 7, 1), "successor": SOUTH}
        gazetteer = Gazetteer(changed(quang_tri, **{f"_{NORTH}": merged}))

        before, after = (gazetteer.place_of(Location(area=NORTH), day) for day in (date(2026, 6, 30), date(2026, 7, 1)))
        by_address = gazetteer.place_of(Location(address="phường Đông Hà"), TODAY)

        assert (before.area.code, after.area.code, after.named.code) == (NORTH, SOUTH, NORTH)
        assert (by_address.area.code, by_address.note.count("nay thuộc Phường Nam Đông Hà")) == (SOUTH, 1)
        assert gazetteer.place_of(at(16.802, 107.0714), TODAY).area.code == SOUTH  # the merged centre is no place any more

    def test_a_commune_named_before_its_time_is_the_district_of_then(self, gazetteer):
        assert gazetteer.place_of(Location(area=NORTH), IN_2024).area.code == "dh"


class TestFormerNames:
    @pytest.mark.parametrize(
        ("address", "now", "then"),
        [
            ("12 Hùng Vương, Phường 5, TP Đông Hà", "Phường Nam Đông Hà", "Thành phố Đông Hà"),
            ("12 hung vuong, p5, dong ha", "Phường Nam Đông Hà", "Thành phố Đông Hà"),
            ("P.1, Đông Hà", "Phường Đông Hà", "Thành phố Đông Hà"),
            ("phường 1, TX Quảng Trị", "Phường Quảng Trị", "Thị xã Quảng Trị"),
            ("thôn An Nha, xã Gio An", "Xã Cồn Tiên", "Huyện Gio Linh"),
            ("Đông Lễ, Đông Hà", "Phường Nam Đông Hà", "Thành phố Đông Hà"),
            ("tt Khe Sanh", "Xã Khe Sanh", "Huyện Hướng Hóa"),
            ("12 Gio An, Đông Hà", "Phường Đông Hà", "Thành phố Đông Hà"),  # a street, not the commune of another district
            ("phường 1", "", ""),  # of Đông Hà or of Quảng Trị
        ],
    )
    def test_mean_what_covers_them_on_that_day(self, gazetteer, address, now, then):
        found = [gazetteer.place_of(Location(address=address), day) for day in (TODAY, IN_2024)]

        assert [place.area.name.vi if place else "" for place in found] == [now, then]
