"""Where a report is."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.domain.areas import Gazetteer
from services.routing.domain.names import bare, spelled, words_of
from shared.messages import Location
from shared.province import Province

TODAY = date(2026, 11, 16)
IN_2024 = date(2024, 11, 18)


@pytest.fixture(scope="session")
def gazetteer(quang_tri: Province) -> Gazetteer:
    return Gazetteer(quang_tri)


def at_address(gazetteer: Gazetteer, address: str, day: date = TODAY) -> str:
    place = gazetteer.place_of(Location(address=address), day)
    return place.area.name.vi if place else ""


class TestPlaceByCode:
    def test_is_taken_as_it_is(self, gazetteer):
        place = gazetteer.place_of(Location(area="dh", latitude=17.0, longitude=106.9), TODAY)

        assert (place.area.code, place.how) == ("dh", "code")

    def test_an_unknown_code_leaves_it_to_the_point(self, gazetteer):
        place = gazetteer.place_of(Location(area="atlantis", latitude=16.8001, longitude=107.1064), TODAY)

        assert (place.area.name.vi, place.how) == ("Phường Nam Đông Hà", "point")


class TestPlaceByPoint:
    def test_is_the_nearest_centre_and_says_so(self, gazetteer):
        place = gazetteer.place_of(Location(latitude=16.81, longitude=107.10), TODAY)

        assert place.area.name.vi == "Phường Nam Đông Hà"
        assert place.note == "Địa bàn xác định gần đúng theo tọa độ: trung tâm gần nhất là Phường Nam Đông Hà, cách khoảng 1,3 km."

    def test_is_a_district_while_there_were_no_communes(self, gazetteer):
        assert gazetteer.place_of(Location(latitude=16.81, longitude=107.10), IN_2024).area.code == "dh"

    def test_far_from_everywhere_is_nowhere(self, gazetteer):
        in_hanoi = Location(latitude=21.03, longitude=105.85)

        assert gazetteer.place_of(in_hanoi, TODAY) is None

    def test_a_point_far_away_leaves_it_to_the_address(self, gazetteer):
        place = gazetteer.place_of(Location(latitude=0, longitude=0, address="xã Lao Bảo"), TODAY)

        assert (place.area.name.vi, place.how) == ("Xã Lao Bảo", "address")

    def test_every_centre_finds_itself(self, gazetteer, quang_tri):
        communes = [area for area in quang_tri.areas.values() if area.kind in {"ward", "commune", "special_zone"}]

        found = [gazetteer.place_of(Location(latitude=area.latitude, longitude=area.longitude), TODAY) for area in communes]

        assert [place.area for place in found] == communes


class TestPlaceByAddress:
    @pytest.mark.parametrize(
        ("address", "area"),
        [
            ("12 Hùng Vương, phường Đông Hà", "Phường Đông Hà"),
            ("12 hung vuong, dong ha", "Phường Đông Hà"),
            ("12 HÙNG VƯƠNG, NAM ĐÔNG HÀ", "Phường Nam Đông Hà"),
            ("Chợ Nam Dong Ha", "Phường Nam Đông Hà"),
            ("12 Hùng Vương, Tp. Đông Hà, Quảng Trị", "Thành phố Đông Hà"),
            ("khóm 3, xã Hướng Lập, huyện Hướng Hoá", "Xã Hướng Lập"),
            ("khóm 3, huyện Hướng Hoá", "Huyện Hướng Hóa"),
            ("thôn 2, xã Mỹ Thuỷ", "Xã Mỹ Thủy"),
            ("đảo Cồn Cỏ", "Đặc khu Cồn Cỏ"),
            ("xã Cam Hồng, huyện Hải Lăng", "Xã Cam Hồng"),
            ("phường Quảng Trị", "Phường Quảng Trị"),
            ("12 Lê Lợi, Quảng Trị", ""),
            ("tỉnh Quảng Trị", ""),
            ("Đồng Hà", ""),
            ("", ""),
            ("12 Hùng Vương", ""),
        ],
    )
    def test_finds_the_name_people_mean(self, gazetteer, address, area):
        assert at_address(gazetteer, address) == area

    def test_a_name_means_what_it_meant_on_that_day(self, gazetteer):
        assert at_address(gazetteer, "Hùng Vương, Đông Hà", IN_2024) == "Thành phố Đông Hà"

    def test_every_area_is_found_by_its_full_name_with_and_without_diacritics(self, gazetteer, quang_tri):
        names = [area.name.vi for area in quang_tri.areas.values()]

        assert [at_address(gazetteer, name) for name in names] == names
        assert [at_address(gazetteer, bare(name.casefold())) for name in names] == names

    @given(st.text(max_size=300))
    def test_any_text_whatever_is_read_without_trouble(self, gazetteer, text):
        gazetteer.place_of(Location(address=text), TODAY)


class TestWords:
    def test_tone_marks_on_either_vowel_are_the_same_word(self):
        assert spelled("hóa") == spelled("hoá")
        assert spelled("hóa") != spelled("hòa")

    def test_composed_and_decomposed_letters_are_the_same_word(self):
        assert words_of("Đông Ha\u0300") == words_of("Đông Hà")
