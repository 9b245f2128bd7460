"""What can be reported, as Open311 GeoReport v2 tells it: the endpoint, its services and their questions."""

from datetime import datetime

from services.intake.domain.georeport import Record
from shared.province import Attribute, Category, Province

SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
FORMATS = ("text/xml", "application/json")


def told_discovery(of: Province, *, url: str, test_url: str, changed_at: datetime) -> Record:
    """``test_url``: where portals may try things out; empty where there is no such place."""
    urls = {"production": url, "test": test_url}
    changeset = changed_at.isoformat(timespec="seconds")
    return {
        "changeset": changeset,
        "contact": f"{of.name.vi}: {of.agencies[of.centre].name.vi}, {of.hotline}",
        "key_service": f"Khoá (api_key) do {of.agencies[of.centre].name.vi} cấp, gọi {of.hotline}. / Call {of.hotline} for an API key.",
        "endpoints": [
            {"specification": SPECIFICATION, "url": at, "changeset": changeset, "type": kind, "formats": list(FORMATS)}
            for kind, at in urls.items()
            if at
        ],
    }


def told_services(of: Province) -> list[Record]:
    """Every category of the province."""
    return [
        {
            "service_code": category.code,
            "service_name": category.name.vi,
            "description": f"{category.name.vi} ({category.name.en})",
            "metadata": bool(category.attributes),
            "type": "realtime",
            "keywords": ",".join(keyword.replace(",", " ") for keyword in category.keywords),
            "group": of.groups[category.group].name.vi,
        }
        for category in of.categories.values()
    ]


def told_definition(category: Category) -> Record:
    """The further questions of a category; none, where its ``metadata`` is false."""
    return {
        "service_code": category.code,
        "attributes": [_asked(attribute, place) for place, attribute in enumerate(category.attributes, 1)],
    }


def _asked(attribute: Attribute, order: int) -> Record:
    return {
        "variable": True,
        "code": attribute.code,
        "datatype": attribute.datatype,
        "required": attribute.required,
        "datatype_description": None,
        "order": order,
        "description": attribute.question.vi,
        "values": [{"key": choice.key, "name": choice.name.vi} for choice in attribute.values],
    }
