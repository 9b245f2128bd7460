"""Whether a report fits the province: what it is about, where it is, and what it answers to the questions of its category."""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime

from shared.province import Attribute, Category, Province

Objection = tuple[tuple[str, ...], str]  # path of the field, what is wrong with it


def objections(province: Province, *, category: str, area: str, urgent: bool, attributes: Mapping[str, str]) -> Iterator[Objection]:
    """Everything the province doesn't know or allow."""
    if area and area not in province.areas:
        yield ("location", "area"), "no area of this province has that code"
    about = province.categories.get(category)
    if about is None:
        yield ("category",), "no category of this province has that code; GET /v1/categories lists them"
        return
    if urgent and not about.urgent_allowed:
        yield ("urgent",), f"reports of category {about.code} can't be urgent"
    yield from _of_attributes(about, attributes)


def _of_attributes(category: Category, attributes: Mapping[str, str]) -> Iterator[Objection]:
    for code, value in attributes.items():
        attribute = category.attribute(code)
        if attribute is None:
            yield ("attributes", code[:80]), f"category {category.code} has no such attribute"
        elif not _fits(attribute, value):
            yield ("attributes", code), f"not a {attribute.datatype} this attribute allows"
    for attribute in category.attributes:
        if attribute.required and attribute.code not in attributes:
            yield ("attributes", attribute.code), f"category {category.code} needs this attribute"


def _fits(attribute: Attribute, value: str) -> bool:
    """Several values of a list are written with commas between."""
    if attribute.datatype == "multivaluelist":
        return all(attribute.allows(key) for key in value.split(","))
    if attribute.datatype == "number":
        return _is_number(value)
    if attribute.datatype == "datetime":
        return _is_moment(value)
    return bool(value) and attribute.allows(value)


def _is_number(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def _is_moment(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
