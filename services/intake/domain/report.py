"""A report as it was sent, and how far its case has come, as far as intake was told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from services.intake.domain.screening import CONTACTS, redacted
from shared import messages as say
from shared.messages import Location, Message, Photo
from shared.texts import folded


class Status(StrEnum):
    """The states of a case, in sla's words."""

    RECEIVED = "received"
    ROUTED = "routed"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    SUBMITTED = "submitted"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    MERGED = "merged"


ANSWERED = frozenset({Status.RESOLVED, Status.CLOSED})
FINAL = frozenset({Status.CLOSED, Status.REFUSED, Status.CANCELLED})
OPEN = tuple(status for status in Status if status not in FINAL)
IDENTITY = frozenset({"sealed", "phone_hash", "email_hash"})

LEADS_TO: dict[type[Message], Status] = {
    say.CaseOpened: Status.RECEIVED,
    say.CaseAssigned: Status.ROUTED,
    say.CaseAccepted: Status.IN_PROGRESS,
    say.CaseReturned: Status.RECEIVED,
    say.CaseQuestioned: Status.WAITING,
    say.CaseResumed: Status.IN_PROGRESS,
    say.CaseSubmitted: Status.SUBMITTED,
    say.CaseSentBack: Status.IN_PROGRESS,
    say.CaseResolved: Status.RESOLVED,
    say.CaseReopened: Status.IN_PROGRESS,
    say.CaseClosed: Status.CLOSED,
    say.CaseRefused: Status.REFUSED,
    say.CaseCancelled: Status.CANCELLED,
    say.CaseMerged: Status.MERGED,
    say.CaseUnmerged: Status.RECEIVED,
}


class ReceiveReport(Message):
    """A portal's POST, checked. ``sealed`` is the contact; ``fingerprint`` tells a repeated body from another under the same ``key``.

    ``media`` are uploads that wait for it; ``media_urls`` pictures by their addresses, kept as sent, never fetched and shown to nobody yet.
    ``phone_hash`` and ``email_hash`` find the reports of who asks for them; ``advice`` and ``abusive`` as in ``report.received``.
    """

    topic = "receive_report"
    tracking_code: str
    portal: str
    key: str
    fingerprint: str
    category: str
    description: str
    location: Location
    attributes: dict[str, str]
    urgent: bool
    sealed: str
    language: str
    external_ref: str
    media: tuple[UUID, ...] = ()
    media_urls: tuple[str, ...] = ()
    phone_hash: str = ""
    email_hash: str = ""
    advice: tuple[str, ...] = ()
    abusive: bool = False


class AddComment(Message):
    """A word from the reporter, who proved to hold the secret of the link."""

    topic = "add_comment"
    comment_id: UUID
    text: str


@dataclass(kw_only=True)
class Report:
    """``version``, ``status_version`` and ``due_version`` are those of the facts that last told the holder, the status and the deadline:

    facts come in any order and not each tells everything, so only a newer one for the same thing counts. ``updated_at`` is when sla or the
    reporter was last heard about it.
    """

    report_id: UUID
    tracking_code: str
    portal: str
    key: str
    fingerprint: str
    external_ref: str
    category: str
    description: str
    location: dict[str, Any]
    attributes: dict[str, str]
    urgent: bool
    language: str
    received_at: datetime
    updated_at: datetime
    media_urls: list[str] = field(default_factory=list)
    status: Status = Status.RECEIVED
    status_version: int = 0
    agency: str = ""
    version: int = 0
    due_at: datetime | None = None
    due_version: int = 0

    @classmethod
    def receive(cls, asked: ReceiveReport, photos: Sequence[Photo] = ()) -> tuple[Self, list[Message]]:
        """The report and what is said about it: first how to reach the reporter, so that the news that follow find somebody."""
        report = cls(
            **asked.model_dump(exclude={"at", "location", "media", "media_urls", "advice", "abusive", *IDENTITY}),
            location=asked.location.model_dump(exclude_defaults=True),
            received_at=asked.at,
            updated_at=asked.at,
            media_urls=list(asked.media_urls),
        )
        content = asked.model_dump(exclude={"key", "fingerprint", "external_ref", "location", "media", "media_urls", *IDENTITY})
        content["description"] = redacted(asked.description, CONTACTS)
        received = say.ReportReceived(**content, location=asked.location, reachable=bool(asked.sealed), media=tuple(photos))
        if not asked.sealed:
            return report, [received]
        person = asked.email_hash or asked.phone_hash
        return report, [say.ReporterReachable(report_id=asked.report_id, at=asked.at, sealed=asked.sealed, person=person), received]

    @property
    def public_words(self) -> str:
        """What may be searched of it: its words as everybody reads them, without diacritics."""
        return folded(redacted(self.description))

    def learn(self, fact: Message, *, at: datetime) -> None:
        """Take over what is newer than what is known, when it is heard. Only sla's facts say where a case stands."""
        if not isinstance(fact, say.CaseFact):
            return
        self.heard(at)
        if fact.version > self.version:
            self.version = fact.version
            self.agency = "" if isinstance(fact, say.CaseReturned) else fact.agency
        status = LEADS_TO.get(type(fact))
        if status and fact.version > self.status_version:
            self.status, self.status_version = status, fact.version
        due_at: datetime | None = None if isinstance(fact, say.ClockFact) else getattr(fact, "due_at", None)  # each clock has its own
        if due_at and fact.version > self.due_version:
            self.due_at, self.due_version = due_at, fact.version

    def heard(self, at: datetime) -> None:
        """Something about it changed for those who read it; time never goes back here."""
        self.updated_at = max(self.updated_at, at)


@dataclass(kw_only=True)
class Reporter:
    """Who sent a report, readable only with the sealing keys. The hashes are keyed: they find a person's reports, and tell nothing else."""

    report_id: UUID
    sealed: str
    phone_hash: str = ""
    email_hash: str = ""
