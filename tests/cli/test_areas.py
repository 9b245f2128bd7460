"""Borders taken over from a file as it was published."""

import json
from pathlib import Path
from shutil import copytree

import pytest
from typer.testing import CliRunner

from services.cli import commands
from services.cli.process import CannotStart
from services.routing.domain.areas import Gazetteer
from shared.messages import Location
from shared.province import read_province
from shared.settings import PROJECT
from tests.builders import MONDAY

NORTH, SOUTH = "19333", "19351"
MIDDLE = [
    [round(107.0 + step * 0.001, 3), 16.8 + (0.0001 if step % 2 else 0)] for step in range(201)
]  # a border with small turns, drawn twice


def ring(side: float) -> list[list[float]]:
    return [*MIDDLE, [107.2, side], [107.0, side], MIDDLE[0]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(copytree(PROJECT / "deploy/provinces/quang-tri", tmp_path / "province"))


@pytest.fixture
def published(tmp_path: Path):
    """A file of features with other properties than ours."""

    def write(**rings: list[list[float]]) -> Path:
        features = [
            {"type": "Feature", "properties": {"ma_xa": name[1:]}, "geometry": {"type": "Polygon", "coordinates": [points]}}
            for name, points in rings.items()
        ]
        path = tmp_path / "published.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
        return path

    return write


def borders(file: Path, folder: Path, *more: str) -> str:
    result = CliRunner().invoke(
        commands.app, ["areas", "borders", str(file), "--province", str(folder), "--code", "ma_xa", *more], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return str(result.output)


class TestBorders:
    def test_are_simplified_and_what_two_areas_share_stays_shared(self, folder, published):
        said = borders(published(_19333=ring(16.9), _19351=ring(16.7)), folder)

        of = read_province(folder)
        north, south = (json.loads(of.areas[code].border)["coordinates"][0][0] for code in (NORTH, SOUTH))
        assert "2 borders (2 of them new), 86 areas have none" in said
        assert len(north) < len(ring(16.9))
        shared = [point for point in north if point in south]
        assert [107.0, 16.8] in shared
        assert [107.2, 16.8] in shared

    def test_find_an_area_from_then_on(self, folder, published):
        borders(published(_19333=ring(16.9), _19351=ring(16.7)), folder)

        place = Gazetteer(read_province(folder)).place_of(Location(latitude=16.85, longitude=107.1), MONDAY.date())

        assert (place.area.code, place.how) == (NORTH, "border")

    def test_of_other_areas_stay(self, folder, published):
        borders(published(_19333=ring(16.9)), folder)

        assert "2 borders (1 of them new)" in borders(published(_19351=ring(16.7)), folder)

    def test_that_overlap_are_named(self, folder, published):
        assert "both claim" in borders(published(_19333=ring(16.9), _19351=ring(16.85)), folder)

    def test_of_areas_nobody_knows_change_nothing(self, folder, published):
        with pytest.raises(CannotStart, match=r"not in areas\.yaml: 99999"):
            borders(published(_99999=ring(16.9)), folder)

        assert not (folder / "borders.geojson").exists()

    @pytest.mark.parametrize(
        "content", ["", "{}", '{"features": [{}]}', '{"features": [{"geometry": null, "properties": {"ma_xa": "dh"}}]}']
    )
    def test_that_are_none_are_refused(self, folder, tmp_path, content):
        (tmp_path / "wrong").write_text(content)

        with pytest.raises(CannotStart, match="is no GeoJSON whose features have a border and the property 'ma_xa'"):
            borders(tmp_path / "wrong", folder)
