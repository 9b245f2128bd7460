"""Agencies and areas that end, whom to call, and borders: what is refused when a province is read, and what is found in one."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from shared.province import Province, ProvinceError, read_province
from shared.province.places import Agency, Area, Share

FOLDER = Path(__file__).parents[2] / "deploy/provinces/quang-tri"
TODAY = date(2026, 11, 16)


@pytest.fixture(scope="module")
def quang_tri() -> Province:
    return read_province(FOLDER)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the real data, to break."""
    return Path(copytree(FOLDER, tmp_path / "province"))


@pytest.fixture
def edit(folder: Path) -> Callable[[str, str, str], list[str]]:
    """The problems that one change makes."""

    def problems(file: str, old: str, new: str) -> list[str]:
        text = (folder / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {file}"
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(ProvinceError) as caught:
            read_province(folder)
        return caught.value.problems

    return problems


SXD, CAT = "email: sxd@quangtri.example", "email: cat@quangtri.example"
CHIEF = ", escalation: [{who: {vi: Chánh Văn phòng UBND tỉnh, en: Chief of the Office}, email: chanhvanphong@quangtri.example}]"
BROKEN = {
    "an unknown share": (SXD, f"{SXD}, effective_to: 2026-01-01, shares: [{{agency: nobody}}]", "sxd: unknown agency 'nobody'"),
    "a share of an unknown category": (
        SXD, f"{SXD}, effective_to: 2026-01-01, shares: [{{agency: cat, categories: [XX00]}}]", "sxd: unknown category 'XX00'",
    ),
    "a share of an unknown area": (
        SXD, f"{SXD}, effective_to: 2026-01-01, shares: [{{agency: cat, areas: [nowhere]}}]", "sxd: unknown area 'nowhere'",
    ),
    "shares without an end": (SXD, f"{SXD}, shares: [{{agency: cat}}]", "sxd: has a successor but no effective_to"),
    "a circle by a share": (
        SXD, f"{SXD}, effective_to: 2026-01-01, shares: [{{agency: sgtvt}}]", "sgtvt: succeeds itself",
    ),
    "an end before the beginning": (SXD, f"{SXD}, effective_from: 2026-01-01, effective_to: 2025-01-01", "sxd: ends before it begins"),
    "a circle of parents": (SXD, f"{SXD}, parent: sxd", "sxd: is above itself"),
    "nobody to call at the end of the chain": (
        CHIEF, "", "vpub: escalation: names nobody, and every agency's chain ends with the arbiter",
    ),
    "a contact that can't be reached": (SXD, f"{SXD}, escalation: [{{who: {{vi: Giám đốc, en: Director}}}}]", "neither phone nor email"),
    "a telephone number with words": (SXD, f"{SXD}, duty_phone: gọi văn phòng", "sxd: duty_phone"),
    "a webhook that is not safe": (SXD, f'{SXD}, webhook: "http://sxd.example/hook"', "sxd: webhook"),
    "a webhook with a password": (SXD, f'{SXD}, webhook: "https://a:b@sxd.example/hook"', "sxd: webhook"),
}  # fmt: skip


class TestAgencies:
    @pytest.mark.parametrize(("old", "new", "problem"), BROKEN.values(), ids=BROKEN)
    def test_that_contradict_themselves_are_refused(self, edit, old, new, problem):
        assert problem in "\n".join(edit("agencies.yaml", old, new))

    def test_that_were_split_are_followed_by_category_then_area_then_the_rest(self, quang_tri):
        of = ended(quang_tri, shares=(Share(agency="cat", categories=("GT05",)), Share(agency="dh", areas=("dh",))), successor="sct")

        assert of.agency_on("sxd", TODAY, category="GT05", area="dh").code == "cat"
        assert of.agency_on("sxd", TODAY, category="GT01", area="dh").code == "dh"
        assert of.agency_on("sxd", TODAY, category="GT01", area="vl").code == "sct"
        assert of.agency_on("sxd", date(2025, 12, 31), category="GT05").code == "sxd"
        assert of.agency_on("sgtvt", TODAY, category="GT05").code == "cat"  # whose duties sxd had

    def test_of_divided_areas_are_followed_by_the_agency_of_the_area(self, quang_tri):
        of = ended(quang_tri, successor="area")

        assert of.agency_on("sxd", TODAY, area="19333").code == "ubnd-dong-ha"
        assert of.agency_on("sxd", TODAY).code == "sxd"  # nobody can be named

    def test_have_a_chain_that_ends_with_the_arbiter_and_names_nobody_twice(self, quang_tri):
        chain = {code: [contact.who.vi for contact in quang_tri.escalation(code)] for code in ("sxd", "ioc", "vpub")}

        assert chain == {
            "sxd": ["Chánh Văn phòng UBND tỉnh"],
            "ioc": ["Giám đốc Trung tâm", "Chánh Văn phòng UBND tỉnh"],
            "vpub": ["Chánh Văn phòng UBND tỉnh"],
        }


class TestAreas:
    @pytest.mark.parametrize(
        ("new", "problem"),
        [
            ("effective_to: 2026-01-01, successor: nowhere", "19333: unknown area 'nowhere'"),
            ("successor: vl", "19333: has a successor but no effective_to"),
            ("effective_to: 2026-01-01, successor: '19333'", "19333: succeeds itself"),
            ("effective_from: 2026-01-01, effective_to: 2026-01-01", "19333: ends before it begins"),
        ],
    )
    def test_that_contradict_themselves_are_refused(self, edit, new, problem):
        here = "agency: ubnd-dong-ha, latitude"

        assert f"areas.yaml: {problem}" in edit("areas.yaml", here, f"agency: ubnd-dong-ha, {new}, latitude")

    def test_of_today_cover_every_commune_there_ever_was(self, quang_tri):
        former = [name for area in quang_tri.areas.values() for name in area.formerly]

        assert len(former) == len(set(former)) == 264


def feature(code: str, ring: Any, kind: str = "Polygon") -> dict[str, Any]:
    return {"type": "Feature", "properties": {"code": code}, "geometry": {"type": kind, "coordinates": ring}}


SQUARE = [[[107.0, 16.7], [107.2, 16.7], [107.2, 16.9], [107.0, 16.9], [107.0, 16.7]]]
SWAPPED = [[[latitude, longitude] for longitude, latitude in SQUARE[0]]]


class TestBorders:
    @pytest.fixture
    def write(self, folder) -> Callable[..., Path]:
        def write(*features: Any) -> Path:
            (folder / "borders.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
            return folder

        return write

    def test_belong_to_the_area_of_their_code_and_to_the_version_of_the_province(self, write, quang_tri):
        of = read_province(write(feature("19333", SQUARE), feature("19351", [SQUARE], "MultiPolygon")))

        assert json.loads(of.areas["19333"].border) == {"type": "Polygon", "coordinates": SQUARE}
        assert of.areas["19351"].border
        assert not of.areas["dh"].border
        assert of.digest != quang_tri.digest
        assert Province.model_validate(of.model_dump(mode="json")) == of

    @pytest.mark.parametrize(
        ("features", "problem"),
        [
            ([feature("nowhere", SQUARE)], "nowhere: unknown area 'nowhere'"),
            ([feature("dh", SQUARE), feature("dh", SQUARE)], "dh: has two features"),
            ([feature("dh", SWAPPED)], "greater than or equal to 102"),
            ([feature("dh", [SQUARE[0][:3]])], "at least 4 items"),
            ([feature("dh", [1, 2], "Point")], "does not match any of the expected tags"),
            ([], "at least 1 item"),
            ([{"type": "Feature", "properties": {}, "geometry": None}], "properties.code"),
        ],
    )
    def test_that_are_none_are_refused(self, write, features, problem):
        with pytest.raises(ProvinceError) as caught:
            read_province(write(*features))

        assert problem in str(caught.value)
        assert "borders.geojson" in str(caught.value)

    def test_that_are_no_json_are_refused(self, folder):
        (folder / "borders.geojson").write_text("{")

        with pytest.raises(ProvinceError, match=r"borders\.geojson: file: Invalid JSON"):
            read_province(folder)


def ended(of: Province, **fields: Any) -> Province:
    """The province in which sxd ended with the year 2025."""
    agency: Agency = of.agencies["sxd"].model_copy(update={"effective_to": date(2026, 1, 1), **fields})
    return of.model_copy(update={"agencies": of.agencies | {"sxd": agency}})


def test_an_area_that_was_merged_is_the_last_of_its_line() -> None:
    of = read_province(FOLDER)
    line: dict[str, Area] = {
        "19333": of.areas["19333"].model_copy(update={"effective_to": date(2026, 1, 1), "successor": "19351"}),
        "19351": of.areas["19351"].model_copy(update={"effective_to": date(2026, 7, 1), "successor": "19360"}),
    }
    merged = of.model_copy(update={"areas": of.areas | line})

    assert [merged.area_on("19333", day).code for day in (date(2025, 12, 31), date(2026, 6, 30), TODAY)] == ["19333", "19351", "19360"]
