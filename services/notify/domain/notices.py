"""A notice: one message to one person (or portal) about one fact, and what became of sending it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from shared.messages import Message, NoticeDelivered, NoticeFailed

LADDER = tuple(
    timedelta(**step) for step in ({"seconds": 10}, {"minutes": 1}, {"minutes": 10}, {"hours": 1}, {"hours": 4}, {"hours": 12}, {"days": 1})
)
LINK = "[[link]]"  # stands in stored texts for the reporter's own link, which is a key and belongs to nobody else
REPORTER = "reporter"  # the channel of a notice to a person until the contact is opened to be used
WEBHOOK = "webhook"


class State(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(kw_only=True, eq=False)
class Notice:
    """``about`` is the topic of the fact it tells. ``claimed_until``: somebody is sending it now. ``attempts`` counts failed ones.

    It is to a portal's webhook, or to a follower, or else to the reporter.
    """

    id: UUID
    report_id: UUID
    about: str
    channel: str
    language: str
    subject: str
    body: str
    created_at: datetime
    due_at: datetime
    html: str | None = None
    webhook_id: UUID | None = None
    follower_id: UUID | None = None
    state: State = State.PENDING
    attempts: int = 0
    last_error: str = ""
    sent_at: datetime | None = None
    claimed_until: datetime | None = None

    def text(self, link: str) -> str:
        """The body with the reporter's ``link`` in it."""
        return self.body.replace(LINK, link)

    def page(self, link: str) -> str:
        """The HTML body, or "" when there is none."""
        return (self.html or "").replace(LINK, link)

    def delivered(self, *, channel: str, at: datetime) -> list[Message]:
        """It went out. Only of the reporter it is said, too: that the reporter knows, or can't be reached."""
        if self.state != State.PENDING:
            return []
        self.state, self.channel, self.sent_at, self.claimed_until = State.SENT, channel, at, None
        if self.webhook_id or self.follower_id:
            return []
        return [NoticeDelivered(report_id=self.report_id, at=at, notice_id=self.id, channel=channel, about=self.about)]

    def missed(self, *, channel: str, at: datetime, reason: str, final: bool) -> list[Message]:
        """It did not go out: tried again later, unless it is ``final`` or was tried often enough."""
        if self.state != State.PENDING:
            return []
        self.channel, self.last_error, self.claimed_until = channel, reason, None
        if not final and self.attempts < len(LADDER):
            self.due_at = at + LADDER[self.attempts]
            self.attempts += 1
            return []
        self.state = State.FAILED
        if self.webhook_id or self.follower_id:
            return []
        return [NoticeFailed(report_id=self.report_id, at=at, notice_id=self.id, channel=channel, about=self.about, reason=reason)]

    def put_back(self, *, until: datetime) -> None:
        """It was not tried: what it would go through is away, or the time was up."""
        self.due_at, self.claimed_until = until, None
