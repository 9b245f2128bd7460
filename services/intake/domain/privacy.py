"""Who may learn who reported, and when that is forgotten."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.intake.domain.report import Report
from services.intake.domain.screening import CONTACTS, redacted
from services.intake.domain.timeline import REPORTERS_WORDS, Entry
from shared.envelope import new_id
from shared.messages import Message

RETENTION = "retention"  # the actor when nobody asked


class Act(StrEnum):
    DISCLOSED = "disclosed"
    EXPORTED = "exported"
    ERASED = "erased"


class TouchIdentity(Message):
    """Somebody (``actor``) reads or erases who reported, and says why."""

    topic = "touch_identity"
    actor: str
    act: Act
    reason: str


@dataclass(kw_only=True)
class Access:
    """One line of the log that is never changed. It names who looked, and not who was looked at: that is behind the report."""

    id: UUID
    at: datetime
    actor: str
    act: Act
    report_id: UUID
    tracking_code: str
    reason: str

    @classmethod
    def of(cls, asked: TouchIdentity, report: Report) -> "Access":
        return cls(
            id=new_id(),
            at=asked.at,
            actor=asked.actor,
            act=asked.act,
            report_id=report.report_id,
            tracking_code=report.tracking_code,
            reason=asked.reason,
        )


def forget(report: Report, entries: list[Entry]) -> None:
    """The report stays, and what it says about the place; how to reach whoever wrote it goes out of every text, for good."""
    report.description = redacted(report.description, CONTACTS)
    report.attributes = {code: redacted(value, CONTACTS) for code, value in report.attributes.items()}
    if report.location.get("address"):
        report.location = {**report.location, "address": redacted(report.location["address"], CONTACTS)}
    for entry in entries:
        field = REPORTERS_WORDS.get(entry.topic)
        if field:
            entry.data = {**entry.data, field: redacted(entry.data[field], CONTACTS)}
