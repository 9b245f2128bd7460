"""`hoiam areas`: the borders of a province's areas, taken over from wherever they were drawn."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import shapely
import typer
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from services.cli.options import PROVINCE, Province
from services.cli.process import CannotStart
from shared.province import read_province
from shared.province.borders import FILE

app = typer.Typer(no_args_is_help=True)
DIGITS = 5  # of a degree: a metre
SHARED = 0.0001  # square degrees, about a square kilometre: what two areas may both claim


@app.callback()
def areas() -> None:
    """Keeps `borders` a word of its own while it is the only one."""


@app.command("borders")
def borders(
    file: Path,
    province: Province = PROVINCE,
    code: Annotated[str, typer.Option(help="The property of a feature that holds the code of its area.")] = "code",
    metres: Annotated[float, typer.Option(help="Leave out turns smaller than this; what two areas share stays shared.", min=0)] = 50,
) -> None:
    """Take over the borders of a GeoJSON file (WGS 84) into the province's folder; `hoiam load` puts them in force. Other areas' stay."""
    known = read_province(province).areas
    drawn = dict(_drawn(file, code))
    if unknown := sorted(set(drawn) - set(known)):
        raise CannotStart(f"{file} has borders of areas that are not in areas.yaml: {', '.join(unknown[:10])}")
    for one, other, overlap in _overlaps(drawn):
        typer.echo(f"{known[one].name.vi} ({one}) and {known[other].name.vi} ({other}) both claim {overlap / SHARED:.1f} km²", err=True)
    kept = {name: shape(json.loads(area.border)) for name, area in known.items() if area.border} | _simpler(drawn, metres)
    path = province / FILE
    path.write_text(_written(kept), encoding="utf-8")
    typer.echo(f"{path}: {len(kept)} borders ({len(drawn)} of them new), {len(known) - len(kept)} areas have none")


def _drawn(file: Path, name: str) -> Iterator[tuple[str, BaseGeometry]]:
    try:
        features = json.loads(file.read_text(encoding="utf-8"))["features"]
        for feature in features:
            border = shape(feature["geometry"])
            yield str(feature["properties"][name]), border if border.is_valid else shapely.make_valid(border)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, shapely.errors.ShapelyError) as error:
        raise CannotStart(f"{file} is no GeoJSON whose features have a border and the property {name!r}: {error!r}") from None


def _simpler(drawn: Mapping[str, BaseGeometry], metres: float) -> dict[str, BaseGeometry]:
    simple = shapely.coverage_simplify(list(drawn.values()), metres / 111_200) if metres else list(drawn.values())
    return dict(zip(drawn, simple, strict=True))


def _overlaps(drawn: Mapping[str, BaseGeometry]) -> Iterator[tuple[str, str, float]]:
    codes, shapes = list(drawn), list(drawn.values())
    for one, other in shapely.STRtree(shapes).query(shapes, predicate="intersects").T.tolist():
        overlap = shapes[one].intersection(shapes[other]).area if one < other else 0
        if overlap > SHARED / 100:
            yield codes[one], codes[other], overlap


def _written(borders: Mapping[str, BaseGeometry]) -> str:
    """A feature a line, so that a change can be read."""
    lines = (json.dumps(_feature(code, border), separators=(",", ":")) for code, border in sorted(borders.items()))
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"


def _feature(code: str, border: BaseGeometry) -> dict[str, Any]:
    polygons = shapely.get_parts(border)
    flat = shapely.multipolygons([part for part in polygons if part.geom_type == "Polygon"])
    rounded = shapely.transform(flat, lambda degrees: degrees.round(DIGITS))
    return {"type": "Feature", "properties": {"code": code}, "geometry": mapping(rounded)}
