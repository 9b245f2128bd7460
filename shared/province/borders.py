"""Borders as GeoJSON (RFC 7946): a file of features, each a polygon or several and the code of its area."""

from collections.abc import Set
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.types import AllowInfNan

FILE = "borders.geojson"

_Degrees = Annotated[float, AllowInfNan(False)]
_Point = tuple[Annotated[_Degrees, Field(ge=102, le=115)], Annotated[_Degrees, Field(ge=8, le=24)]]  # longitude first
_Ring = Annotated[list[_Point], Field(min_length=4)]
_Shape = Annotated[list[_Ring], Field(min_length=1)]


class _Named(BaseModel):
    code: str


class _Polygon(BaseModel):
    type: Literal["Polygon"]
    coordinates: _Shape


class _Polygons(BaseModel):
    type: Literal["MultiPolygon"]
    coordinates: Annotated[list[_Shape], Field(min_length=1)]


class Feature(BaseModel):
    """The border of the area whose code is in its properties."""

    model_config = ConfigDict(extra="ignore")
    type: Literal["Feature"]
    properties: _Named
    geometry: Annotated[_Polygon | _Polygons, Field(discriminator="type")]


class _Features(BaseModel):
    type: Literal["FeatureCollection"]
    features: Annotated[list[Feature], Field(min_length=1)]


def read_borders(folder: Path, areas: Set[str], problems: list[str]) -> dict[str, str]:
    """The borders of ``areas`` by code, each a GeoJSON geometry as text; none when the folder has no file of them."""
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        features = _Features.model_validate_json(path.read_bytes()).features
    except (OSError, ValidationError) as error:
        problems.append(f"{FILE}: {_first_of(error)}")
        return {}
    found: dict[str, str] = {}
    for feature in features:
        code = feature.properties.code
        if code in found or code not in areas:
            problems.append(f"{FILE}: {code}: {'has two features' if code in found else f'unknown area {code!r}'}")
        found[code] = feature.geometry.model_dump_json()
    return found


def _first_of(error: OSError | ValidationError) -> str:
    """One mistake is enough: a wrong file has a hundred thousand."""
    if isinstance(error, OSError):
        return f"cannot be read: {error}"
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'file'}: {first['msg']} ({error.error_count()} mistakes in all)"
