"""Reports as Open311 GeoReport v2 tells them: plain values, named as the specification names them. Nothing about who reported."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.intake.domain import wording
from services.intake.domain.phrases import public_copy, public_data
from services.intake.domain.report import Report, Status
from services.intake.domain.timeline import Entry
from shared.messages import Outcome
from shared.province import Province, Wording

Record = dict[str, Any]

SPAN = timedelta(days=90)  # of one search at the most, as the specification has it
# published, refused, withdrawn or joined
CLOSED = frozenset({Status.RESOLVED, Status.CLOSED, Status.REFUSED, Status.CANCELLED, Status.MERGED})
OPEN = frozenset(Status) - CLOSED

# Reports sent without a key of their own are named by their content; no portal's own key has a blank in it.
KEYLESS = "content "
REPEATED = timedelta(hours=1)  # the same content within it is the same report

_BY_OUTCOME: Mapping[Outcome, str] = {
    Outcome.FIXED: "fixed",
    Outcome.EXPLAINED: "no_further_action",
    Outcome.PLANNED: "planned",
    Outcome.NOT_FOUND: "no_further_action",
}
# What is told as an update, and the status it brings, in the words of the service request updates extension.
UPDATES: Mapping[str, str] = {
    "case.assigned": "open",
    "case.accepted": "in_progress",
    "case.returned": "internal_referral",
    "case.questioned": "investigating",
    "case.resumed": "in_progress",
    "case.extended": "unchanged",
    "case.progressed": "in_progress",
    "case.answered": "unchanged",
    "case.resolved": "",  # as its outcome says
    "case.reopened": "reopen",
    "case.closed": "closed",
    "case.refused": "not_councils_responsibility",
    "case.cancelled": "cancelled",
    "case.merged": "duplicate",
    "case.unmerged": "open",
    "report.commented": "unchanged",
}
# An agency's last word on its state; that a case is closed says less than its answer.
NOTES = frozenset(UPDATES) - {"case.closed", "case.extended", "case.progressed", "case.answered", "report.commented"}


class TooLong(ValueError):  # noqa: N818 - a state of affairs
    """More days than one search may span."""


def span(start: datetime | None, end: datetime | None, *, now: datetime) -> tuple[datetime, datetime]:
    """From (inclusive) and until (exclusive): what is not given is 90 days away from what is, or from ``now``.

    Moments are told in whole seconds, so the second of ``end`` belongs to it. Raises :class:`TooLong`.
    """
    until = (end or (start + SPAN if start else now)) + timedelta(seconds=1)
    begin = start or until - SPAN
    if until - begin > SPAN + timedelta(seconds=1):
        raise TooLong("may not span more than 90 days")
    return begin, until


def told_request(report: Report, last: Entry | None, of: Province) -> Record:
    """One request. ``last`` is the last of its entries among ``NOTES``."""
    place = report.location
    return {
        "service_request_id": report.tracking_code,
        "status": "closed" if report.status in CLOSED else "open",
        "status_notes": _told(last, of) if last else wording.STATUS[report.status].vi,
        "service_name": _name(of.categories, report.category),
        "service_code": report.category,
        "description": public_copy(report.description, of),
        "agency_responsible": _name(of.agencies, report.agency or of.centre),
        "service_notice": None,
        "requested_datetime": moment(report.received_at, of),
        "updated_datetime": moment(report.updated_at, of),
        "expected_datetime": moment(report.due_at, of) if report.due_at else None,
        "address": public_copy(place.get("address", ""), of) or None,
        "address_id": place.get("area") or None,
        "zipcode": None,
        "lat": place.get("latitude"),
        "long": place.get("longitude"),
        "media_url": None,  # addresses that nobody looked at are not passed on
    }


def told_extensions(report: Report, entries: Sequence[Entry], of: Province, *, url: str) -> Record:
    """What ``extensions=true`` adds."""
    status = {"status": str(report.status), "status_name": wording.STATUS[report.status].vi, "url": url}
    area = report.location.get("area")
    return {
        "attributes": [_attribute(report.category, code, value, of) for code, value in report.attributes.items()],
        "extended_attributes": {**status, "urgent": report.urgent, "area": _name(of.areas, area) if area else None},
        "notes": [{"datetime": moment(entry.at, of), "description": _told(entry, of), "type": entry.topic} for entry in entries],
    }


def told_update(entry: Entry, tracking_code: str, of: Province) -> Record:
    """One entry of the timeline as a request update; the portal that sent it in knows it by the same id."""
    own = entry.data["comment_id"] if entry.topic == "report.commented" else str(entry.id)
    return {
        "update_id": own,
        "service_request_id": tracking_code,
        "status": UPDATES[entry.topic] or _BY_OUTCOME[Outcome(entry.data["outcome"])],
        "updated_datetime": moment(entry.at, of),
        "description": _told(entry, of),
        "media_url": None,
    }


def moment(at: datetime, of: Province) -> str:
    """In the province's time, to the second."""
    return at.astimezone(ZoneInfo(of.time_zone)).isoformat(timespec="seconds")


def _told(entry: Entry, of: Province) -> str:
    name = _name(of.agencies, entry.agency or of.centre)
    data = public_data(entry, of)
    return wording.told(entry.topic, data, agency=Wording(vi=name, en=name), zone=ZoneInfo(of.time_zone)).vi


def _attribute(category: str, code: str, value: str, of: Province) -> Record:
    asked = of.categories[category].attribute(code) if category in of.categories else None
    names = {choice.key: choice.name.vi for choice in asked.values} if asked else {}
    chosen = [names.get(key, "") for key in value.split(",")] if names else []
    return {
        "code": code,
        "description": asked.question.vi if asked else None,
        "value": public_copy(value, of),
        "name": ", ".join(chosen) or None,
    }


def _name(entries: Mapping[str, Any], code: str) -> str:
    """A code that is no longer among ``entries`` names itself."""
    return str(entries[code].name.vi) if code in entries else code
